"""A composite in words. Pure."""

from __future__ import annotations

from watchpost.kinds.composite.config import CompositeConfig, Part


def describe(config: CompositeConfig) -> str:
    """One line: how many of which."""
    names = ", ".join(_with_weight(part) for part in config.parts)
    return f"{_needed(config)} of {names}: up"


def _needed(config: CompositeConfig) -> str:
    if config.need is None:
        return "all"
    need = str(config.need)
    return f"weight {need}" if config.is_weighted and "%" not in need else need


def _with_weight(part: Part) -> str:
    return part.monitor if part.weight == 1 else f"{part.monitor} (weight {part.weight:g})"


def amount(weight: float, weighted: bool) -> str:
    """``2``, or ``weight 2`` where monitors weigh differently."""
    return f"weight {weight:.4g}" if weighted else f"{weight:.4g}"
