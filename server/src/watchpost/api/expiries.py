"""What ends when: certificates and domains, as the last looks saw them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Router

from watchpost import clock
from watchpost.api import auth
from watchpost.api.pages import MOST, read_cursor, write_cursor, wrong_cursor
from watchpost.api.problems import wrong
from watchpost.config.table import parse_duration
from watchpost.incidents.payload import stamp
from watchpost.monitors.models import Monitor
from watchpost.reports.endings import Due, dues_of, watched_in

router = Router(tags=["expiries"])
_LONGEST_S = 100 * 366 * 86_400.0


@router.get("/expiries")
def list_expiries(
    request: HttpRequest,
    project: str | None = None,
    within: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """What ends next comes first. ``within``: only what ends that soon, such as 60d."""
    projects = [auth.find_project(request, project)] if project else auth.projects(request)
    dues = dues_of(watched_in(projects))
    if within:
        until = clock.now() + timedelta(seconds=_span_s(within))
        dues = [due for due in dues if due.at <= until]
    order = sorted(dues, key=lambda due: (stamp(due.at) or "", due.key))
    if cursor:
        after = _after(cursor)
        order = [due for due in order if (stamp(due.at) or "", due.key) > after]
    limit = max(1, min(limit, MOST))
    found, more = order[:limit], len(order) > limit
    following = write_cursor(stamp(found[-1].at), found[-1].key) if more else None
    return {"items": [expiry_object(due) for due in found], "next": following}


def _span_s(within: str) -> float:
    try:
        span_s = parse_duration(within)
    except ValueError as error:
        raise wrong("within", str(error)) from None
    if span_s > _LONGEST_S:
        raise wrong("within", "is longer than a hundred years; leave it out for everything")
    return span_s


def _after(cursor: str) -> tuple[str, str]:
    at, key = read_cursor(cursor, 2)
    try:
        datetime.fromisoformat(str(at))
    except ValueError:
        raise wrong_cursor() from None
    return str(at), str(key)


def expiry_object(due: Due) -> dict[str, Any]:
    return {
        "key": due.key,
        "what": due.what,
        "at": stamp(due.at),
        "note": due.note,
        "seen_at": stamp(due.seen),
        "monitors": [_monitor(one) for one in due.monitors],
    }


def _monitor(monitor: Monitor) -> dict[str, Any]:
    state = getattr(monitor, "state", None)
    return {
        "id": str(monitor.pk),
        "name": monitor.name,
        "kind": monitor.kind,
        "project": monitor.project.slug,
        "state": state.shown if state else "new",
    }
