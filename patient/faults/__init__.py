"""What can be broken: one module each, found by being in this folder.

A module says in its docstring what a user would see. ``CODES``: the finding that must come first, any of them
will do. ``ALSO``: what must stand in the incident beside it. ``RUNS``: the stands it works on. ``SYMPTOMS``:
what is seen from outside alone; none: nothing. ``WITHIN_S``: so long it may take until it is told, where that
is more than a few looks.
``break_(shop)`` and ``heal(shop)`` may be called again and again.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_AREAS = {
    "site": "Pages",
    "tls": "Certificate",
    "static": "Static files",
    "dns": "Names",
    "domain": "Names",
    "database": "Database",
    "migrations": "Database",
    "cache": "Cache",
    "redis": "Cache",
    "celery": "Celery",
    "beat": "Celery",
    "heartbeat": "Celery",
    "mail": "Mail and files",
    "storage": "Mail and files",
}
_ORDER = tuple(dict.fromkeys(_AREAS.values()))
_OTHERS = "Machine and settings"


@dataclass(frozen=True)
class Fault:
    """``title``: a line for the menu. ``story``: what a user sees, and what must be named."""

    name: str
    title: str
    story: str
    codes: tuple[str, ...]
    symptoms: tuple[str, ...]
    also: tuple[str, ...]
    runs: tuple[str, ...]
    within_s: float | None
    break_: Callable[[Any], None]
    heal: Callable[[Any], None]

    @property
    def area(self) -> str:
        """Under which heading a menu shows it."""
        return _AREAS.get(self.codes[0].partition(".")[0], _OTHERS)


def find_faults(runs: str = "") -> Mapping[str, Fault]:
    """Those that a stand can have ("light", "full"), or all; by name, in the order of a menu."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
    found = sorted(map(_read, names), key=lambda fault: _place(fault.area))
    return {fault.name: fault for fault in found if not runs or runs in fault.runs}


def _place(area: str) -> int:
    return _ORDER.index(area) if area in _ORDER else len(_ORDER)


def _read(name: str) -> Fault:
    module = importlib.import_module(f"{__name__}.{name}")
    title, _, story = (module.__doc__ or "").partition("\n")
    symptoms, also = getattr(module, "SYMPTOMS", ()), getattr(module, "ALSO", ())
    words = " ".join(story.split())
    within_s = getattr(module, "WITHIN_S", None)
    return Fault(
        name=name,
        title=title.strip(" ."),
        story=words,
        codes=module.CODES,
        symptoms=symptoms,
        also=also,
        runs=module.RUNS,
        within_s=within_s,
        break_=module.break_,
        heal=module.heal,
    )
