"""``/api/v1..3/checks/<code>/``: pings, their bodies, and flips."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from watchpost import clock
from watchpost.hcapi import door
from watchpost.hcapi.asked import Refused
from watchpost.hcapi.checks import own_row
from watchpost.hcapi.door import Caller
from watchpost.hcapi.rows import body_of, find_by_key, logged_of
from watchpost.hcapi.shape import durations, flip_object, ping_object
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.heartbeats.rows import EPOCH, ms_of, time_of
from watchpost.heartbeats.store import KEPT

_MOST_S, _MOST_TIME = 31_536_000, 10_000_000_000


@door.open_to("GET")
@door.writes
def pings(caller: Caller, code: UUID) -> HttpResponse:
    """The newest hundred, the newest first. Not for read-only keys: they tell from where a job speaks."""
    row = own_row(caller, code)
    if isinstance(row, HttpResponse):
        return row
    logged = logged_of(row)
    took = durations(logged)
    told = [
        ping_object(ping, took.get(ping.n), row.code, caller.version, settings.SITE_URL)
        for ping in logged[:KEPT]
    ]
    return JsonResponse({"pings": told})


@door.open_to("GET")
@door.writes
def ping_body(caller: Caller, code: UUID, n: int) -> HttpResponse:
    """The bytes as they came."""
    row = own_row(caller, code)
    if isinstance(row, HttpResponse):
        return row
    body = body_of(row, n)
    return HttpResponse(status=404) if body is None else HttpResponse(body, content_type="text/plain")


@door.open_to("GET")
@door.looks
def flips(caller: Caller, code: UUID) -> HttpResponse:
    row = own_row(caller, code)
    return row if isinstance(row, HttpResponse) else _flips(caller, row)


@door.open_to("GET")
@door.looks
def flips_by_key(caller: Caller, unique_key: str) -> HttpResponse:
    row = find_by_key(caller.project, unique_key)
    return HttpResponse(status=404) if row is None else _flips(caller, row)


def _flips(caller: Caller, row: Heartbeat) -> HttpResponse:
    """The newest first."""
    try:
        since, until = _span(caller.request.GET, clock.now())
    except Refused:
        return HttpResponse(status=400)
    rows = Flip.objects.filter(monitor_id=row.pk).order_by("-id")
    if since is not None:
        rows = rows.filter(at__gte=ms_of(since))
    if until is not None:
        rows = rows.filter(at__lt=ms_of(until))
    found = rows.values_list("at", "after")
    return JsonResponse({"flips": [flip_object(time_of(at) or EPOCH, after) for at, after in found]})


def _span(asked: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    """From ``start`` and ``seconds``, whichever is later, up to ``end``. Raises Refused."""
    start, end = _whole(asked, "start", _MOST_TIME), _whole(asked, "end", _MOST_TIME)
    seconds = _whole(asked, "seconds", _MOST_S)
    since = None if start is None else datetime.fromtimestamp(start, UTC)
    if seconds:
        recent = now - timedelta(seconds=seconds)
        since = recent if since is None else max(since, recent)
    return since, None if end is None else datetime.fromtimestamp(end, UTC)


def _whole(asked: Mapping[str, str], name: str, most: int) -> int | None:
    text = asked.get(name, "").strip()
    if name not in asked or (name == "seconds" and not text):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        raise Refused(f"{name} is no whole number from 0 to {most}")
    return int(text)
