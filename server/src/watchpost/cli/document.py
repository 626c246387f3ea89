"""A YAML file with the line of every key, so that a refusal can point at its place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

import yaml

from watchpost.cli.command import Refusal

Path = tuple[str | int, ...]
_YAML_FIXES = {  # what the library says of the commonest slips, and what to do about them
    "mapping values are not allowed here": "; put a text that holds a colon in quotes, or indent anew",
    "found character '\\t' that cannot start any token": "; indent with spaces instead of tabs",
    "could not find expected ':'": "; a key needs a colon and a space after it",
}
_MOST_CHARACTERS = 4_000_000
_MOST_NODES = 200_000  # aliases may multiply a small file into a huge one


@dataclass(frozen=True)
class Document:
    name: str
    data: Any
    lines: dict[Path, int] = field(repr=False)

    def line_of(self, problem: str) -> int:
        """The line a problem made by ``at`` points at."""
        return int(problem.removeprefix(f"{self.name}:").split(":", 1)[0])

    def at(self, path: Path, what: str) -> str:
        """``file.yaml:12: projects.0.monitors.1.url: what`` for the nearest place that exists."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        where = ".".join(str(part) for part in path)
        return f"{self.name}:{self.lines.get(known, 1)}: {where + ': ' if where else ''}{what}"


def read_document(name: str) -> Document:
    """``-`` is standard input. Raises Refusal with file and line when it cannot be read."""
    try:
        text = sys.stdin.buffer.read().decode() if name == "-" else File(name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Refusal(f"{name}: is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise Refusal(f"{name}: cannot be read ({error.strerror}); check the path") from None
    return parse_document(name, text)


def parse_document(name: str, text: str) -> Document:
    if len(text) > _MOST_CHARACTERS:  # a minute's work for the reader; nothing that people write
        raise Refusal(f"{name}: is larger than {_MOST_CHARACTERS // 10**6} MB; it cannot be a configuration")
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refusal(f"{name}:{line}: holds a control character; remove it") from None
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        for place, (path, line) in enumerate(_places(node, (), name, ())):
            if place > _MOST_NODES:
                raise Refusal(f"{name}: has more than {_MOST_NODES} entries; split it, or use fewer aliases")
            lines[path] = line
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "is not YAML"
        raise Refusal(f"{name}:{mark.line + 1 if mark else 1}: {said}{_YAML_FIXES.get(said, '')}") from None
    except RecursionError:
        raise Refusal(f"{name}: is nested too deeply; no configuration needs that") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Refusal(f"{name}: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()
    return Document(name, data, lines)


def _places(node: Any, path: Path, name: str, above: tuple[int, ...]) -> Iterator[tuple[Path, int]]:
    if node is None:
        return
    line = node.start_mark.line + 1
    if id(node) in above:
        raise Refusal(f"{name}:{line}: an alias leads back to itself; write it out")
    above = (*above, id(node))
    yield path, line
    if isinstance(node, yaml.SequenceNode):
        for place, inner in enumerate(node.value):
            yield from _places(inner, (*path, place), name, above)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, inner in node.value:
            word, at = str(key.value), key.start_mark.line + 1
            if word in seen:
                raise Refusal(f"{name}:{at}: {word} stands twice (first in line {seen[word]}); keep one")
            seen[word] = at
            yield from _places(inner, (*path, word), name, above)
            yield (*path, word), at
