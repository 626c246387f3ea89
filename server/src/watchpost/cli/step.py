"""One line of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchpost.cli.document import Path
from watchpost.monitors.spec import Differences


@dataclass(frozen=True)
class Step:
    """``sign``: + create, ~ change, - delete (only with --prune)."""

    sign: str
    what: str
    changes: Differences
    write: Callable[[datetime], object]
    path: Path = ()


def removal(what: str, delete: Callable[[Any, datetime], None], row: Any) -> Step:
    return Step("-", what, [], lambda now: delete(row, now))
