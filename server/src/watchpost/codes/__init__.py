"""The catalogue of finding codes. One owner per code: the kind that finds it, ``kinds/<kind>/codes.py``,
with its pages in ``kinds/<kind>/findings/<code>.md``; what several kinds find, ``codes/<family>.py``, with
its pages in ``codes/<family>/<code>.md``. A page says meaning, example and fix."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from watchpost.core.types import Finding, Severity

_KINDS = "watchpost.kinds"


@dataclass(frozen=True, slots=True)
class Code:
    """One entry: ``rank`` orders explanations before symptoms (higher explains more; from
    ``core.incident.EXPLAINS`` on it says why others fail);
    ``lasting`` is slow trouble (expiry, drift); ``settled`` needs no second look before it counts."""

    code: str
    severity: Severity
    title: str
    rank: int = 50
    lasting: bool = False
    settled: bool = False


@cache
def catalogue() -> Mapping[str, Code]:
    """Every code, by name. Raises ValueError when one has two owners."""
    found: dict[str, Code] = {}
    for module in _owners():
        for entry in importlib.import_module(module).CODES:
            if entry.code in found:
                raise ValueError(f"finding code {entry.code} has two owners")
            found[entry.code] = entry
    return found


def _owners() -> Iterator[str]:
    for module in pkgutil.iter_modules(__path__):
        yield f"{__name__}.{module.name}"
    for folder in _kinds():
        if (folder / "codes.py").is_file():
            yield f"{_KINDS}.{folder.name}.codes"


def _kinds() -> list[Path]:
    """The folders of the kinds; none of them is imported for it."""
    roots = importlib.import_module(_KINDS).__path__
    return [Path(root) / module.name for root in roots for module in pkgutil.iter_modules([root])]


def severity_of(finding: Finding) -> Severity:
    """The finding's own severity, else its catalogue entry's."""
    return catalogue()[finding.code].severity if finding.severity is None else finding.severity


def docs_path(code: str) -> Path:
    """Where the docs page of a code lies: in the folder of its owner."""
    pages = [folder / "findings" / f"{code}.md" for folder in _kinds()]
    shared = Path(__file__).parent / code.split(".", 1)[0] / f"{code}.md"
    return next((page for page in pages if page.is_file()), shared)
