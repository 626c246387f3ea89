"""Monitors that a monitor lists, as ticks with weights or as lines of text: ``home``, or ``home 2``.

A spec has a slug, or ``{monitor: slug, weight: 2}``; what was not touched comes back as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

MOST_TICKED = 200  # in a project with more, lines are shorter than boxes


@dataclass(frozen=True)
class Row:
    """One box. ``name`` "": there is no such monitor."""

    slug: str
    name: str
    ticked: bool
    weight: str


def rows_of(names: Mapping[str, str], value: Any) -> list[Row]:
    """What is listed first, in its order, then the others by name."""
    listed = dict(_pairs(value))
    rest = sorted(names.keys() - listed.keys(), key=lambda slug: names[slug].casefold())
    return [
        *(Row(slug, names.get(slug, ""), True, weight) for slug, weight in listed.items()),
        *(Row(slug, names[slug], False, "1") for slug in rest),
    ]


def text_of(value: Any) -> str:
    """One on each line."""
    return "\n".join(slug if weight == "1" else f"{slug} {weight}" for slug, weight in _pairs(value))


def gather_members(posted: QueryDict, name: str, stored: Any) -> Any:
    """What was ticked or typed, as a spec has it. Empty: nothing."""
    found = []
    for line in "\n".join(posted.getlist(name)).replace(",", "\n").splitlines():
        slug, _, weight = " ".join(line.split()).partition(" ")
        if slug:
            found.append((slug, _plain(posted.get(f"{name}/{slug}", weight))))
    if found == _pairs(stored):
        return stored
    return [slug if weight == "1" else {"monitor": slug, "weight": _number(weight)} for slug, weight in found]


def _pairs(value: Any) -> list[tuple[str, str]]:
    found = []
    for one in value if isinstance(value, list | tuple) else ():
        slug, weight = (one.get("monitor"), one.get("weight", 1)) if isinstance(one, Mapping) else (one, 1)
        found.append((str(slug), _plain(weight)))
    return found


def _plain(weight: Any) -> str:
    read = _number(str(weight).strip() or "1")
    return f"{read:g}" if isinstance(read, float) else read


def _number(text: str) -> float | str:
    """What is no number stays as it was typed; whoever reads the spec says so."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text
