"""What an import will do, and what it will not bring."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchpost.cli.step import Step
from watchpost.importers import Left


@dataclass
class Plan:
    """``same``: how many are as they are there. ``left``: what is not brought."""

    steps: list[Step] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    same: int = 0
