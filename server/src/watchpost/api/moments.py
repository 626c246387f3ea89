"""Times as clients write them."""

from __future__ import annotations

from datetime import UTC, datetime

from watchpost.api.problems import wrong

FIRST, LAST = 1970, 9000  # years; beyond them a zone or a day more leaves the calendar


def utc(at: datetime, where: str) -> datetime:
    """Aware UTC; a time without an offset is taken as UTC. Raises Problem that names the field ``where``."""
    if not FIRST <= at.year <= LAST:
        raise wrong(where, f"must lie between the years {FIRST} and {LAST}")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
