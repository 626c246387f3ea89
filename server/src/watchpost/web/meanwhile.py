"""What somebody else changed while a form was open.

A form carries a short digest of each value it was made from. When a stored value is another one now,
saving would take that change back without a word: so the form is shown again, with both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from watchpost.web.specform import REST, Input

_MOST_SHOWN = 80


@dataclass(frozen=True)
class Before:
    """The form as stored: what each input shows, and the YAML of the rest."""

    texts: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def digests(self) -> str:
        return json.dumps({name: _digest(text) for name, text in self.texts.items()})


def before(inputs: list[Input], rest: str) -> Before:
    values = {one.name: one.value for one in inputs} | {REST: rest}
    return Before({one.name: one.text for one in inputs} | {REST: rest}, values)


def merged(inputs: list[Input], rest: str, stored: Before, made_from: str) -> tuple[str, list[str]]:
    """The rest to show and a sentence for each value that is another one than when the form was made.
    What this person left alone takes the new value; what they typed stays."""
    known, said = _read(made_from), []
    for one in inputs:
        now = stored.texts[one.name]
        if known.get(one.name, _digest(now)) == _digest(now) or now == one.text:
            continue
        if _digest(one.text) == known[one.name]:
            one.value = stored.values[one.name]
            said.append(f"{one.label} is {_shown(now)} now.")
        else:
            said.append(f"{one.label} is {_shown(now)} now; you typed {_shown(one.text)}.")
    if (
        known.get(REST, _digest(stored.texts[REST])) != _digest(stored.texts[REST])
        and rest != stored.texts[REST]
    ):
        untouched = _digest(rest) == known[REST]
        said.append("Everything else is another now" + ("." if untouched else "; you typed your own."))
        rest = stored.texts[REST] if untouched else rest
    return rest, said


def _read(made_from: str) -> dict[str, str]:
    try:
        read = json.loads(made_from)
    except ValueError:
        return {}
    return {str(name): str(digest) for name, digest in read.items()} if isinstance(read, dict) else {}


def _digest(text: str) -> str:
    lines = "\n".join(text.split("\r\n"))
    return f"{crc32(lines.strip().encode()):x}"


def _shown(text: str) -> str:
    line = ", ".join(text.split("\n"))
    return f"“{line[:_MOST_SHOWN]}{'…' if len(line) > _MOST_SHOWN else ''}”" if line else "empty"
