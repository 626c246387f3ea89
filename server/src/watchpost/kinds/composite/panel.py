"""What the page of a composite shows: whom it counts, and how they were when it was judged last:
those that are not up first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.kinds.composite.config import CompositeConfig, Part
from watchpost.registry import Panel


def panels(
    config: CompositeConfig, facts: Mapping[str, Any], baseline: Mapping[str, Any]
) -> tuple[Panel, ...]:
    if "children" not in facts:
        return ()
    known = {row["slug"]: row for row in facts["children"]}
    parts = sorted(config.parts, key=lambda part: known.get(part.monitor, {}).get("state") == "up")
    rows = tuple(_row(config, part, known.get(part.monitor)) for part in parts)
    marks = tuple(str(known.get(part.monitor, {}).get("state", "")) for part in parts)
    return (Panel("Counted", rows, marks=marks, slugs=tuple(part.monitor for part in parts)),)


def _row(config: CompositeConfig, part: Part, row: Mapping[str, Any] | None) -> tuple[str, str]:
    weight = f", weight {part.weight:g}" if config.is_weighted else ""
    return (str(row["name"]), f"{row['state']}{weight}") if row else (part.monitor, "does not exist")
