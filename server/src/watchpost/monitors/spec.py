"""What people ask for, in the shape of the YAML file: read, checked and put in stored form.

A spec is a dict: the keys every monitor has, and the kind's own keys flat beside them. ``${NAME}``
inside a string is read from ``environ``; the pages and the API pass none, for a project's owner must
not be able to read the server's environment through a monitor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from watchpost.config.secret import FOREIGN_KEY, Unreadable, is_sealed, seal, unseal, unseal_all
from watchpost.config.table import parse_duration
from watchpost.monitors.sentences import dotted, explain
from watchpost.registry import Config, kinds
from watchpost.registry.shown import quoted

SENT_ELSEWHERE = "enter it again: the address leads to another place now, and it was meant for the old one"
Path = tuple[str | int, ...]
Environ = Mapping[str, str] | None
Differences = list[tuple[str, str, str]]  # key, before, after; secrets never in the clear
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_READ = re.compile(r"\$(\$+\{)|" + _VARIABLE.pattern)  # $${ is the text ${, and so on with more dollars
_ESCAPE = re.compile(r"\$\$+\{|" + _VARIABLE.pattern)
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half characters, line and paragraph ends
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # turn the line around
_BARE = re.compile(r"\s*[0-9]{1,9}(?:\.[0-9]{1,3})?\s*")
_SLUG = re.compile(r"[a-z0-9_]+(?:-+[a-z0-9_]+)*")


class Invalid(Exception):
    """What was asked for cannot be done. ``errors``: (dotted field, message that names the fix)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{where}: {what}" if where else what for where, what in errors))


@dataclass
class Problems:
    """Collects what is wrong, so that people see all of it at once."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        self.found.append((where, what))

    def stop(self) -> None:
        if self.found:
            raise Invalid(self.found)


@dataclass(frozen=True)
class Stored:
    """A kind's or channel's own keys: ``clear`` validated, ``sealed`` as the database keeps them."""

    clear: Config
    sealed: dict[str, Any]


def read_slug(value: Any, where: str, problems: Problems) -> str:
    if isinstance(value, str) and len(value) <= 60 and _SLUG.fullmatch(value):
        return value
    if value == "":
        problems.add(where, "none can be made of this name; give one of a-z, 0-9 and -, such as home-page")
    else:
        problems.add(
            where, f"{quoted(value)} is not a slug; write at most 60 of a-z, 0-9 and -, such as home-page"
        )
    return ""


def refuse_nul(spec: Mapping[str, Any], problems: Problems) -> None:
    """PostgreSQL stores no NUL, and nobody means to write one."""
    for path, value in _walk(dict(spec)):
        if isinstance(value, str) and "\x00" in value:
            problems.add(dotted(path), "holds a NUL character; remove it")


def read_text(value: Any, where: str, problems: Problems, limit: int) -> str:
    if isinstance(value, str) and value.strip() and len(value.strip()) <= limit:
        if any(category(letter) in _UNSEEN or letter in _TURNING for letter in value.strip()):
            problems.add(where, "holds a control character or a line break; remove it")
        if all(category(letter) in ("Cf", "Zs") for letter in value.strip()):
            problems.add(where, "has nothing that can be seen; write a name")
        return value.strip()
    problems.add(where, f"must be a text of 1 to {limit} characters")
    return ""


def seen_text(text: str) -> str:
    """What of it ``read_text`` takes for a name: a blank for line breaks and control characters. Empty when
    nothing of it can be seen."""
    found = "".join(" " if category(one) in _UNSEEN or one in _TURNING else one for one in text).strip()
    if found != text.strip():
        found = " ".join(found.split())
    return "" if all(category(letter) in ("Cf", "Zs") for letter in found) else found


def read_whole(value: Any, where: str, problems: Problems, low: int, high: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    problems.add(where, f"{quoted(value)} is not possible; write a whole number from {low} to {high}")
    return low


def read_flag(value: Any, where: str, problems: Problems) -> bool:
    if isinstance(value, bool):
        return value
    problems.add(where, f"{quoted(value)} is neither true nor false")
    return False


def read_texts(value: Any, where: str, problems: Problems) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(entry, str) and entry for entry in value):
        return tuple(dict.fromkeys(value))
    if not isinstance(value, list | tuple):
        problems.add(where, "must be a list of texts, such as [one, two]")
        return ()
    for place, entry in enumerate(value):
        if not isinstance(entry, str):
            problems.add(
                f"{where}.{place}",
                f"{quoted(entry)} is not a text: put it in quotes "
                "(YAML reads on, yes and 012 as something else)",
            )
        elif not entry:
            problems.add(f"{where}.{place}", "is empty; leave it out")
    return ()


def read_duration(value: Any, where: str, problems: Problems, low: float, high: float) -> float:
    """Seconds. A bare number is taken as seconds."""
    try:
        bare = _is_number(value) or _BARE.fullmatch(str(value))  # forms send texts
        seconds = float(value) if bare else parse_duration(str(value))
    except ValueError as error:
        problems.add(where, str(error))
        return low
    if low <= seconds <= high:
        return seconds
    problems.add(
        where,
        f"{write_duration(seconds)} is not possible; write {write_duration(low)} to {write_duration(high)}",
    )
    return low


def usual_interval_s(kind: str) -> float:
    """How often a kind looks unless it is told; one that is not known here, every minute."""
    found = kinds().get(kind)
    return found.interval_s if found is not None else 60.0


def write_duration(seconds: float) -> str:
    """The shortest exact way to write it: 90s, 5m, 25h, 7d."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0 and not (unit != "d" and seconds == 60):
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ---- ${NAME} ------------------------------------------------------------------------------------


@dataclass
class _Resolver:
    environ: Environ
    keep: Mapping[Path, Any]  # sealed values the database holds already
    shown: Mapping[Path, str]  # how those were shown in the export or on the edit page
    problems: Problems
    templates: dict[Path, str] = field(default_factory=dict)
    carried: set[Path] = field(default_factory=set)  # secrets taken over without being written again

    def resolve(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {str(key): self.resolve(inner, (*path, str(key))) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(inner, (*path, place)) for place, inner in enumerate(value)]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, text: str, path: Path) -> Any:
        names = _VARIABLE.findall(text)
        if not names:
            return _READ.sub(lambda match: match[1], text)
        environ = self.environ or {}
        missing = [name for name in names if name not in environ]
        if missing and self.shown.get(path) == text:
            if template := self.keep[path].get("template"):
                self.templates[path] = template
            return self._kept(path)
        for name in missing:
            self.problems.add(dotted(path), _unset(name, self.environ is None))
        self.templates[path] = text
        return _READ.sub(lambda match: match[1] or environ.get(match[2], ""), text)

    def _kept(self, path: Path) -> Any:
        self.carried.add(path)
        try:
            return unseal(self.keep[path])
        except Unreadable:
            self.problems.add(dotted(path), FOREIGN_KEY)
            return ""

    def hide(self, message: str) -> str:
        """A validator may quote what it refuses; what came from the environment stays there."""
        for template in self.templates.values():
            for name in _VARIABLE.findall(template):
                value = (self.environ or {}).get(name, "")
                message = message.replace(value, f"${{{name}}}") if value else message
        return message


def _unset(name: str, closed: bool) -> str:
    if closed:
        return (
            f"${{{name}}} is read from the environment only by `watchpost apply`; write the value itself here"
        )
    return f"the environment variable {name} is not set; set it, or write $${{{name}}} for the text itself"


def resolve_text(value: Any, where: str, environ: Environ, problems: Problems) -> Any:
    """A common key with its ``${NAME}`` resolved."""
    return _Resolver(environ, {}, {}, problems).resolve(value, tuple(where.split(".")))


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf with its path; a sealed value is a leaf."""
    if isinstance(value, dict) and not is_sealed(value):
        for key, inner in value.items():
            yield from _walk(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, (*path, place))
    else:
        yield path, value


def _map(value: Any, change: Any, path: Path = ()) -> Any:
    if isinstance(value, dict) and not is_sealed(value):
        return {key: _map(inner, change, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map(inner, change, (*path, place)) for place, inner in enumerate(value)]
    return change(path, value)


# ---- a kind's own keys --------------------------------------------------------------------------


def read_config(
    model: type[Config],
    secrets: tuple[str, ...],
    spec: Mapping[str, Any],
    environ: Environ,
    stored: Mapping[str, Any],
    prefix: str,
    problems: Problems,
    beside: tuple[str, ...] = (),
) -> Stored | None:
    """The kind's own keys of a spec; None and ``problems`` when something is wrong. ``beside`` are the
    keys that may stand beside them, for the nearest name of an unknown one."""
    keep = {path: leaf for path, leaf in _walk(dict(stored)) if is_sealed(leaf)}
    shown = {path: show_sealed(leaf, path, prefix) for path, leaf in keep.items()}
    resolver = _Resolver(environ, keep, shown, problems)
    before = len(problems.found)
    raw = resolver.resolve(to_jsonable_python(dict(spec)), ())
    if len(problems.found) > before:
        return None
    try:
        clear = model.model_validate(raw)
    except ValidationError as error:
        for where, what in explain(error, model, beside):
            problems.add(where, resolver.hide(what))
        return None
    if environ is None and resolver.carried and _leads_elsewhere(stored, raw):
        for path in sorted(resolver.carried, key=dotted):
            problems.add(dotted(path), SENT_ELSEWHERE)
        return None
    return Stored(clear, _seal(raw, resolver.templates, secrets))


def _leads_elsewhere(stored: Mapping[str, Any], raw: Mapping[str, Any]) -> bool:
    """Whether secrets that were never shown would go to another host, another port or out in the clear:
    whoever may change the address need not know them. The operator, at the command line, does."""
    try:
        before, after = _origin(unseal_all(dict(stored))), _origin(raw)
    except ValueError:  # a foreign key or half an address: nothing says that it is the same place
        return True
    upgraded = (("http", before[1], 80), ("https", before[1], 443))
    return before != after and (before, after) != upgraded


def _origin(config: Mapping[str, Any]) -> tuple[str, str, int]:
    """Scheme, host and port of what a configuration asks, by the names kinds and channels use."""
    parts = urlsplit(str(config.get("url") or ""))
    host = parts.hostname or str(config.get("host") or config.get("domain") or "")
    port = parts.port or config.get("port") or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, host.casefold(), int(port)


def _seal(raw: dict[str, Any], templates: Mapping[Path, str], secrets: tuple[str, ...]) -> dict[str, Any]:
    closed = [tuple(path.split(".")) for path in secrets]

    def change(path: Path, value: Any) -> Any:
        names = tuple(str(part) for part in path)
        if path in templates:
            return seal(value, templates[path])
        hidden = any(names[: len(prefix)] == prefix for prefix in closed)
        return seal(value) if hidden and value not in (None, "") else value

    sealed: dict[str, Any] = _map(raw, change)
    return sealed


def write_config(sealed: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The stored keys as a spec: secrets as ``${NAME}``, never in the clear."""

    def change(path: Path, value: Any) -> Any:
        if is_sealed(value):
            return show_sealed(value, path, prefix)
        return _ESCAPE.sub(lambda match: "$" + match[0], value) if isinstance(value, str) else value

    spec: dict[str, Any] = _map(dict(sealed), change)
    return spec


def show_sealed(value: Mapping[str, str], path: Path, prefix: str) -> str:
    """The template a secret was written as, else a name made of where it stands."""
    name = re.sub(r"[^A-Z0-9]+", "_", f"{prefix}_{dotted(path)}".upper()).strip("_")
    return value.get("template") or f"${{{name}}}"


def variables_in(spec: Any) -> list[str]:
    """Names of the environment variables a spec asks for."""
    names: dict[str, None] = {}
    for _, leaf in _walk(spec):
        if isinstance(leaf, str):
            names.update(dict.fromkeys(_VARIABLE.findall(leaf)))
    return list(names)


def differing(stored: Mapping[str, Any], wanted: Stored, clear: Config | None) -> Differences:
    """How the stored keys, ``clear`` when validated, differ from the wanted ones. None: they cannot be
    read any more, and whatever cannot be read differs."""
    if clear is not None and clear == wanted.clear:
        return []
    old, new = dict(_walk(dict(stored))), dict(_walk(wanted.sealed))
    found = []
    for path in dict.fromkeys([*old, *new]):
        was, now = old.get(path), new.get(path)
        try:
            if unseal_all(was) != unseal_all(now):
                found.append((dotted(path), _plain(was), _plain(now)))
        except Unreadable:
            found.append((dotted(path), "(cannot be read)", _plain(now)))
    return found


def same_words(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an export would read the same: ``${NAME}`` may stand for a value that did not change."""
    return write_config(stored, "") == write_config(wanted, "")


def column_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Differences:
    return [(key, str(before[key]), str(after[key])) for key in after if before[key] != after[key]]


def twin(where: str, what: str) -> Invalid:
    return Invalid([(where, what)])


def _plain(value: Any) -> str:
    if is_sealed(value):
        return str(value.get("template") or "***")
    return "" if value is None else str(value)
