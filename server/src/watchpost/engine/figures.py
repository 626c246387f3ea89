"""The engine's own figures, shared with the web process through one row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from watchpost.monitors.models import Fact


def store_figures(figures: dict[str, Any], now: datetime) -> None:
    Fact.objects.update_or_create(name="engine", defaults={"value": figures, "at": now})


def read_figures() -> tuple[dict[str, Any], datetime] | None:
    """The figures and when they were stored; None before the first engine ran."""
    fact = Fact.objects.filter(pk="engine").first()
    return (fact.value, fact.at) if fact else None
