"""Monitors, their looks and their figures over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Body, Router, Schema, Status
from ninja.params import functions

from watchpost import clock
from watchpost.api import auth
from watchpost.api.moments import utc
from watchpost.api.pages import MOST, page, read_cursor, write_cursor, wrong_cursor
from watchpost.api.problems import Problem, wrong
from watchpost.api.shapes import look_object, monitor_object, next_windows, part_object, ping_addresses
from watchpost.config.table import parse_duration
from watchpost.engine.load import away_between
from watchpost.incidents.payload import stamp
from watchpost.monitors import edit
from watchpost.monitors.accept import accept_finding
from watchpost.monitors.ask import look_now
from watchpost.monitors.looks import looks_of
from watchpost.monitors.models import Monitor
from watchpost.monitors.parts import parts_of

router = Router(tags=["monitors"])
Spec = dict[str, Any]
_MOST_STEPS = 2000
_FIGURES = (
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "n",
    "failed",
    "up",
    "degraded",
    "down",
    "unknown",
    "paused",
    "maintenance",
)


def _find(request: HttpRequest, monitor_id: str) -> Monitor:
    monitor: Monitor = auth.find(auth.monitors(request), monitor_id)
    return monitor


class Expected(Schema):
    code: str
    subject: str


@router.get("/monitors")
def list_monitors(
    request: HttpRequest,
    project: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Monitors this token may see, with their state and last look."""
    rows = auth.monitors(request)
    if project:
        rows = rows.filter(project=auth.find_project(request, project))
    if state:
        rows = rows.filter(state__shown=state)
    if kind:
        rows = rows.filter(kind=kind)
    gaps = away_between(clock.now())
    return page(rows, "id", limit, cursor, lambda monitor: monitor_object(monitor, gaps))


@router.post("/monitors", response={201: dict[str, Any]})
def create_monitor(request: HttpRequest, asked: Body[Spec]) -> Status[Any]:
    """The shape of the configuration file, and ``project`` beside it."""
    spec = dict(asked)
    project = auth.find_project(request, str(spec.pop("project", "")))
    monitor = _find(request, str(edit.create_monitor(project, spec, clock.now()).pk))
    return Status(201, monitor_object(monitor) | _addresses(request, monitor))


@router.get("/monitors/{monitor_id}")
def get_monitor(request: HttpRequest, monitor_id: str) -> dict[str, Any]:
    """One monitor, with its parts, and the maintenance that covers it or will next."""
    monitor = _find(request, monitor_id)
    planned = next_windows(monitor.project, clock.now(), monitor)
    parts = [part_object(one) for one in parts_of(monitor)]
    shown = monitor_object(monitor) | _addresses(request, monitor)
    return shown | {"parts": parts, "maintenance": planned}


def _addresses(request: HttpRequest, monitor: Monitor) -> dict[str, str]:
    """Of a heartbeat, for those who may change it: whoever knows them reports in the job's name."""
    told = hasattr(monitor, "heartbeat") and not auth.token_of(request).read_only
    return ping_addresses(monitor) if told else {}


@router.put("/monitors/{monitor_id}")
def replace_monitor(request: HttpRequest, monitor_id: str, asked: Body[Spec]) -> dict[str, Any]:
    """All of it: what is left out takes its default. A secret sent back as the ``${NAME}`` it was shown
    as keeps its value."""
    edit.update_monitor(_find(request, monitor_id), asked, clock.now())
    return monitor_object(_find(request, monitor_id))


@router.patch("/monitors/{monitor_id}")
def change_monitor(request: HttpRequest, monitor_id: str, asked: Body[Spec]) -> dict[str, Any]:
    """Only the keys that are sent; null brings a key back to its default."""
    monitor = _find(request, monitor_id)
    spec = {key: value for key, value in (edit.spec_of(monitor) | asked).items() if value is not None}
    edit.update_monitor(monitor, spec, clock.now())
    return monitor_object(_find(request, monitor_id))


@router.delete("/monitors/{monitor_id}", response={204: None})
def delete_monitor(request: HttpRequest, monitor_id: str) -> Status[None]:
    """The monitor with its history."""
    edit.delete_monitor(_find(request, monitor_id), clock.now(), auth.actor_of(request))
    return Status(204, None)


@router.post("/monitors/{monitor_id}/pause")
def pause_monitor(request: HttpRequest, monitor_id: str) -> dict[str, Any]:
    """Stop looking until it is resumed."""
    edit.set_paused(_find(request, monitor_id), True, clock.now(), auth.actor_of(request))
    return monitor_object(_find(request, monitor_id))


@router.post("/monitors/{monitor_id}/resume")
def resume_monitor(request: HttpRequest, monitor_id: str) -> dict[str, Any]:
    """Look again."""
    edit.set_paused(_find(request, monitor_id), False, clock.now(), auth.actor_of(request))
    return monitor_object(_find(request, monitor_id))


@router.post("/monitors/{monitor_id}/look", response={202: dict[str, Any]})
def look(request: HttpRequest, monitor_id: str) -> Status[Any]:
    """Look now, outside the schedule; the answer comes before the look. Once in ten seconds."""
    asked = look_now([_find(request, monitor_id)], clock.now())
    if not asked.ok:
        raise Problem(429 if asked.soon else 409, asked.sentence)
    return Status(202, monitor_object(_find(request, monitor_id)))


@router.post("/monitors/{monitor_id}/accept")
def accept(request: HttpRequest, monitor_id: str, asked: Expected) -> dict[str, Any]:
    """A finding of the last look is as it should be: the baseline learns it, here and at each monitor of the
    project that found the same change; ``expected_at`` are their ids."""
    monitor, who = _find(request, monitor_id), auth.actor_of(request)
    accepted = accept_finding(monitor, asked.code, asked.subject, clock.now(), who)
    return monitor_object(_find(request, monitor_id)) | {"expected_at": [str(one.pk) for one in accepted]}


@router.get("/monitors/{monitor_id}/observations")
def list_observations(
    request: HttpRequest, monitor_id: str, limit: int = 50, cursor: str | None = None
) -> dict[str, Any]:
    """Single looks, the newest first."""
    rows = looks_of(_find(request, monitor_id).pk).order_by("-at", "location")
    if cursor:
        at, skip = read_cursor(cursor, 2)
        if not (isinstance(at, int) and isinstance(skip, int) and abs(at) < 2**62 and 0 <= skip < 1000):
            raise wrong_cursor()
        rows = rows.filter(at__lte=at)
    else:
        at, skip = None, 0
    # Looks of several locations may share a millisecond: the cursor counts those already given.
    limit = max(1, min(limit, MOST))
    found = list(rows[skip : skip + limit + 1])
    following = None
    if len(found) > limit:
        edge = found[limit - 1].at
        given = sum(look.at == edge for look in found[:limit]) + (skip if edge == at else 0)
        following = write_cursor(edge, given)
    return {"items": [look_object(look) for look in found[:limit]], "next": following}


@router.get("/monitors/{monitor_id}/series")
def get_series(
    request: HttpRequest,
    monitor_id: str,
    start: datetime | None = functions.Query(None, alias="from"),
    end: datetime | None = functions.Query(None, alias="to"),
    step: str = "5m",
) -> dict[str, Any]:
    """Percentiles, looks and seconds per state, a step each. Default: the last 24 hours."""
    from watchpost.web.history import series

    monitor = _find(request, monitor_id)
    until = utc(end, "to") if end else clock.now()
    since = utc(start, "from") if start else until - timedelta(days=1)
    step_s = _step(step, (until - since).total_seconds())
    points = series(monitor, since, until, step_s)
    return {
        "from": stamp(since),
        "to": stamp(until),
        "step_s": step_s,
        "items": [_point(row) for row in points],
    }


def _step(text: str, span_s: float) -> float:
    try:
        step_s = float(text) if text.isdecimal() else parse_duration(text)
    except ValueError as error:
        raise wrong("step", str(error)) from None
    if span_s <= 0:
        raise wrong("from", "must lie before to")
    if step_s < 1 or span_s / step_s > _MOST_STEPS:
        raise wrong("step", f"gives more than {_MOST_STEPS} steps; write a longer one")
    return step_s


def _point(row: dict[str, Any]) -> dict[str, Any]:
    return {"at": stamp(row["at"]), **{name: row[name] for name in _FIGURES}, "phases_ms": row["phases"]}
