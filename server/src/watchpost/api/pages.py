"""Lists in pages: an opaque cursor says after which row the next page begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, Q, QuerySet

from watchpost.api.problems import Problem, wrong

MOST = 200


def page(
    rows: QuerySet[Any], order: str, limit: int, cursor: str | None, shape: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """``{"items": [...], "next": cursor or None}``. ``order`` is a field, descending after ``-``; rows
    with equal values are told apart by id."""
    name, down = order.removeprefix("-"), order.startswith("-")
    rows = rows.order_by(order, "-pk" if down else "pk")
    if cursor:
        value, pk = _read(cursor, isinstance(rows.model._meta.get_field(name), DateTimeField))
        side = "lt" if down else "gt"
        after = Q(**{f"{name}__{side}": value}) | Q(**{name: value, f"pk__{side}": pk})
        rows = rows.filter(after)
    limit = max(1, min(limit, MOST))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return {
        "items": [shape(row) for row in found[:limit]],
        "next": write_cursor(getattr(last, name), last.pk) if last is not None else None,
    }


def write_cursor(*values: Any) -> str:
    plain = json.dumps([value.isoformat() if isinstance(value, datetime) else value for value in values])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read_cursor(cursor: str, size: int) -> list[Any]:
    """Raises Problem for what this API never gave out."""
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != size
        or not all(isinstance(v, int | str) for v in values)
    ):
        raise wrong_cursor()
    return values


def wrong_cursor() -> Problem:
    return wrong("cursor", "is not a cursor of this list; leave it out to begin anew")


def _read(cursor: str, is_time: bool) -> tuple[Any, int]:
    value, pk = read_cursor(cursor, 2)
    if not _is_whole(pk) or not (isinstance(value, str) if is_time else _is_whole(value)):
        raise wrong_cursor()
    if not is_time:
        return value, pk
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise wrong_cursor() from None
    if at.tzinfo is None:
        raise wrong_cursor()
    return at, pk


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) <= 2**62
