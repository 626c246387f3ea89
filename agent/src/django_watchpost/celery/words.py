"""Numbers as people say them."""

from __future__ import annotations

from collections.abc import Sequence


def lasting(seconds: float) -> str:
    """``45 s``, ``3 min``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def waiting_tasks(count: int) -> str:
    return "1 task waits" if count == 1 else f"{count:,} tasks wait"


def listed(names: Sequence[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
