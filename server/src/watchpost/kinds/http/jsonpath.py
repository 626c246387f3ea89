"""A small reader of paths into JSON: ``a.b[0].c``, ``$.a``, ``a["key.with.dots"]``. Pure."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

_STEP = re.compile(r"""\.?([^.\[\]"'\s]+)|\[(-?\d+)\]|\[\s*("(?:[^"\\]|\\.)*")\s*\]|\[\s*'([^']*)'\s*\]""")
MISSING: Any = object()
"""What ``read`` gives for a path that leads nowhere; JSON's null is None."""


@lru_cache(maxsize=1024)
def parse(path: str) -> tuple[str | int, ...]:
    """The steps of a path. Raises ValueError naming the place that cannot be read."""
    text = path.strip()
    at = 1 if text.startswith("$") else 0
    steps: list[str | int] = []
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match.group(1) and steps and text[at] != "."):
            raise ValueError(f"the path {path!r} cannot be read from character {at + 1} on; write a.b[0].c")
        name, index, quoted, single = match.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name or (json.loads(quoted) if quoted else single))
        at = match.end()
    return tuple(steps)


def read(document: Any, path: str) -> Any:
    """What stands at ``path``, or MISSING."""
    here = document
    for step in parse(path):
        if isinstance(here, dict):
            here = here.get(str(step), MISSING)
        elif isinstance(here, list) and isinstance(step, int) and -len(here) <= step < len(here):
            here = here[step]
        elif isinstance(here, list) and step == "length":
            here = len(here)
        else:
            return MISSING
        if here is MISSING:
            return MISSING
    return here


def holds(found: Any, op: str, wanted: Any) -> bool:
    """Compares with types: 1 is not "1" and true is not 1. Order only among numbers or among texts."""
    if op == "exists":
        return (found is not MISSING) == (wanted is not False)
    if found is MISSING:
        return False
    if op == "==":
        return _same(found, wanted)
    if op == "!=":
        return not _same(found, wanted)
    if op == "contains":
        return _contains(found, wanted)
    if not (_numbers(found, wanted) or (isinstance(found, str) and isinstance(wanted, str))):
        return False
    return bool({"<": lt, "<=": le, ">": gt, ">=": ge}[op](found, wanted))


def _numbers(one: Any, other: Any) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (one, other))


def _same(one: Any, other: Any) -> bool:
    if _numbers(one, other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    if isinstance(found, dict):
        return wanted in found if isinstance(wanted, str) else False
    return isinstance(found, list) and any(_same(item, wanted) for item in found)
