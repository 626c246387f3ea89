"""The catalogue of finding codes. One owner per family: ``codes/<family>.py`` holds ``CODES``,
``codes/<family>/<code>.md`` its docs page (meaning, example, fix)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from watchpost.core.types import Finding, Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One entry: ``rank`` orders explanations before symptoms (higher explains more);
    ``lasting`` is slow trouble (expiry, drift); ``settled`` needs no second look before it counts."""

    code: str
    severity: Severity
    title: str
    rank: int = 50
    lasting: bool = False
    settled: bool = False


@cache
def catalogue() -> Mapping[str, Code]:
    """Every code of every family, by name. Raises ValueError when two families own one code."""
    found: dict[str, Code] = {}
    for module in pkgutil.iter_modules(__path__):
        for entry in importlib.import_module(f"{__name__}.{module.name}").CODES:
            if entry.code in found:
                raise ValueError(f"finding code {entry.code} has two owners")
            found[entry.code] = entry
    return found


def severity_of(finding: Finding) -> Severity:
    """The finding's own severity, else its catalogue entry's."""
    return catalogue()[finding.code].severity if finding.severity is None else finding.severity


def docs_path(code: str) -> Path:
    """Where the docs page of a code lies."""
    family = code.split(".", 1)[0]
    return Path(__file__).parent / family / f"{code}.md"
