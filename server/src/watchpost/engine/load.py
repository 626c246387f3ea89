"""From rows to memory. Runs in the database thread."""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from pydantic import ValidationError

from watchpost.config.secret import unseal_all
from watchpost.core.state import Policy, Track
from watchpost.core.windows import Window
from watchpost.engine.memory import Watched
from watchpost.engine.planned import Planned
from watchpost.monitors.looks import looks_of, newest_look_ms
from watchpost.monitors.models import AliveSpan, MaintenanceWindow, Monitor, MonitorLast, MonitorState
from watchpost.monitors.recurrence import series_of
from watchpost.registry import PastNeed, kinds

log = logging.getLogger(__name__)
MAIN = "main"


def load_monitors(ids: list[int] | None = None) -> list[Watched]:
    """All monitors, or those named. Monitors whose kind is gone are left out."""
    rows = Monitor.objects.select_related("project", "state", "last").prefetch_related("depends_on")
    if ids is not None:
        rows = rows.filter(pk__in=ids)
    known = kinds()
    return [load_one(row) for row in rows.iterator(chunk_size=500) if row.kind in known]


def load_one(row: Monitor) -> Watched:
    kind = kinds()[row.kind]
    config, problem = _config(row)
    state = _state(row)
    last = getattr(row, "last", None)
    tracks = dict(state.tracks)
    main = Track.from_json(tracks.pop(MAIN, {}))
    need = kind.past(config) if config is not None else PastNeed()
    return Watched(
        id=row.pk,
        project_id=row.project_id,
        project=row.project.slug,
        slug=row.slug,
        name=row.name,
        environment=row.environment,
        kind=kind,
        config=config,
        revision=row.revision,
        interval_s=row.interval_s,
        timeout_s=row.timeout_s,
        policy=Policy(
            row.confirm, row.recover, timeout_s=row.timeout_s, noun=kind.noun, asks=not kind.is_fed
        ),
        paused=row.paused,
        paused_by=row.paused_by,
        target=kind.target(config) if config is not None else ("", 0),
        depends_on=frozenset(parent.pk for parent in row.depends_on.all()),
        need=need,
        track=main,
        parts={key: Track.from_json(value) for key, value in tracks.items()},
        baseline=state.baseline,
        version=state.version,
        last_at_ms=last.at if last else None,
        last_address=last.address if last else "",
        totals=_totals(row.pk, need),
        shown_flapping=state.flapping,
        troubles=frozenset(
            (one["code"], one["subject"], one["fix"])
            for one in state.findings or ()
            if one["severity"] != "info"
        ),
        carries=kind.carries(config) if config is not None else (),
        depth=kind.depth,
        problem=problem,
        kept={name: value for name, value in _facts(last).items() if name in kind.kept},
    )


def _facts(last: MonitorLast | None) -> dict[str, Any]:
    return (last.facts if last else None) or {}


def _config(row: Monitor) -> tuple[Any, str]:
    """One bad row must not stop the others: it is told on its page instead."""
    try:
        return kinds()[row.kind].config.model_validate(unseal_all(row.config)), ""
    except ValidationError as error:
        first = error.errors()[0]
        return None, f"Its configuration cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError as error:
        return None, str(error)


def _state(row: Monitor) -> MonitorState:
    try:
        return row.state
    except MonitorState.DoesNotExist:
        return MonitorState.objects.create(monitor=row)


def _totals(monitor_id: int, need: PastNeed) -> deque[tuple[float, float]]:
    """The recent past a judge needs, refilled from raw rows after a restart."""
    if not need.window_s:
        return deque()
    since = (newest_look_ms(monitor_id) or 0) - int(need.window_s * 1000)
    rows = looks_of(monitor_id).filter(at__gte=since, outcome="ok").order_by("at")
    return deque((at / 1000, total) for at, total in rows.values_list("at", "total_ms"))


def load_windows(now: datetime) -> Planned:
    """The windows that have not ended, and the series that are not paused."""
    rows = MaintenanceWindow.objects.filter(Q(ends_at__gt=now) | Q(starts_at=None, paused=False))
    once, series = [], []
    for row in rows.prefetch_related("monitors"):
        monitors = frozenset(monitor.pk for monitor in row.monitors.all())
        projects = frozenset() if monitors else frozenset({row.project_id})
        if row.starts_at is not None and row.ends_at is not None:
            once.append(Window(row.starts_at, row.ends_at, monitors, projects, row.reason))
            continue
        try:
            series.append(series_of(row, monitors, projects))
        except ValueError as error:  # one that cannot be read must not stop the others
            log.error("%s", error)
    return Planned(once, series)


def open_ledger(now: datetime) -> tuple[int, float | None]:
    """Begin a run in the liveness ledger; its id and how long we were away (seconds), None at first start."""
    last = AliveSpan.objects.order_by("-id").first()
    row = AliveSpan.objects.create(started_at=now, alive_at=now)
    return row.pk, (now - last.alive_at).total_seconds() if last else None


AWAY_S = 15.0  # the ledger is kept every five seconds
KNOWN = timedelta(days=3)


def away_between(now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """When this server was away lately, by its ledger; until now if it has not been kept for a while."""
    spans = list(
        AliveSpan.objects.filter(alive_at__gte=now - KNOWN)
        .order_by("id")
        .values_list("started_at", "alive_at")
    )
    starts = [*(start for start, _ in spans[1:]), now]
    pairs = zip((end for _, end in spans), starts, strict=False)
    return tuple((end, start) for end, start in pairs if (start - end).total_seconds() > AWAY_S)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
