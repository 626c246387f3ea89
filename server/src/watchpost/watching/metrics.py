"""/metrics in the Prometheus text format: the server itself, and the state of every monitor.

Open to a bearer token of this server (any scope; one project's token sees that project), and to whoever
asks on this machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponse

from watchpost import clock
from watchpost.accounts.models import ApiToken
from watchpost.engine.figures import read_figures
from watchpost.incidents.models import Channel, Delivery, Incident
from watchpost.monitors.models import Monitor

OURSELVES = ("localhost", "127.0.0.1", "[::1]")
PROXIES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
STATES = ("new", "up", "degraded", "down", "unknown", "paused", "maintenance")
ENGINE = {
    "looks": ("counter", "watchpost_looks_total", "Looks since the engine started."),
    "dropped": (
        "counter",
        "watchpost_looks_dropped_total",
        "Looks dropped: made with an older configuration.",
    ),
    "skipped": ("counter", "watchpost_looks_skipped_total", "Late looks that were skipped."),
    "transitions": ("counter", "watchpost_transitions_total", "Confirmed changes of state."),
    "batches": ("counter", "watchpost_batches_total", "Transactions that stored looks."),
    "batch_mean": ("gauge", "watchpost_batch_size_mean", "Looks in a transaction, mean of the last 600."),
    "running": ("gauge", "watchpost_looks_running", "Looks under way."),
    "waiting_looks": ("gauge", "watchpost_looks_waiting", "Judged looks not yet stored."),
    "schedule_lag_p99_s": ("gauge", "watchpost_schedule_lag_p99_seconds", "How late looks begin, p99."),
    "loop_lag_s": ("gauge", "watchpost_loop_lag_seconds", "How late the engine's loop runs."),
}


def metrics(request: HttpRequest) -> HttpResponse:
    project_id, allowed = _scope(request)
    if not allowed:
        return HttpResponse(
            "A bearer token is needed: watchpost token create --name metrics --read-only\n", status=401
        )
    lines = [*_engine_lines(clock.now()), *_outbox_lines(clock.now()), *_monitor_lines(project_id)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _scope(request: HttpRequest) -> tuple[int | None, bool]:
    """The one project to show (None: all), and whether the caller may see anything."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and secret:
        token = ApiToken.objects.filter(digest=hashlib.sha256(secret.encode()).hexdigest()).first()
        return (token.project_id, True) if token else (None, False)
    return None, _is_local(request)


def _is_local(request: HttpRequest) -> bool:
    """Asked from this machine, by its own name: a proxy here asks from this machine, too, but under the
    name of the site, and mostly says for whom."""
    if any(name in request.headers for name in PROXIES):
        return False
    host = request.headers.get("Host", "").rsplit(":", 1)[0]
    return request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and host in OURSELVES


def _engine_lines(now: datetime) -> Iterable[str]:
    found = read_figures()
    if found is None:
        return
    figures, at = found
    yield from _metric(
        "gauge", "watchpost_engine_age_seconds", "Since the engine last reported.", (now - at).total_seconds()
    )
    for key, (kind, name, words) in ENGINE.items():
        yield from _metric(kind, name, words, float(figures.get(key, 0)))
    yield from _metric(
        "gauge",
        "watchpost_own_fault",
        "1 while evidence speaks against ourselves.",
        float(bool(figures.get("own_fault"))),
    )


def _outbox_lines(now: datetime) -> Iterable[str]:
    waiting = Delivery.objects.filter(state="pending").aggregate(n=Count("id"), oldest=Min("created_at"))
    age_s = (now - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    yield from _metric(
        "gauge", "watchpost_outbox_pending", "Messages not yet delivered.", float(waiting["n"])
    )
    yield from _metric("gauge", "watchpost_outbox_age_seconds", "Age of the oldest of them.", age_s)
    broken = Channel.objects.exclude(broken="").count()
    yield from _metric(
        "gauge", "watchpost_channels_broken", "Channels switched off by a permanent error.", float(broken)
    )
    unresolved = Incident.objects.exclude(state="resolved").count()
    yield from _metric("gauge", "watchpost_incidents_open", "Unresolved incidents.", float(unresolved))


def _monitor_lines(project_id: int | None) -> Iterable[str]:
    rows: QuerySet[Monitor] = Monitor.objects.select_related("project", "state", "last").order_by("pk")
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    yield "# HELP watchpost_monitor_state 1 for the state that is shown."
    yield "# TYPE watchpost_monitor_state gauge"
    times = [
        "# HELP watchpost_monitor_seconds Duration of the last look.",
        "# TYPE watchpost_monitor_seconds gauge",
    ]
    for row in rows:
        where = f'environment="{_quoted(row.environment)}"'
        labels = f'project="{row.project.slug}",monitor="{row.slug}",kind="{row.kind}",{where}'
        shown = row.state.shown if hasattr(row, "state") else "new"
        yield from (
            f'watchpost_monitor_state{{{labels},state="{state}"}} {int(state == shown)}' for state in STATES
        )
        if hasattr(row, "last"):
            times.append(f"watchpost_monitor_seconds{{{labels}}} {row.last.total_ms / 1000:.6f}")
    yield from times


def _metric(kind: str, name: str, words: str, value: float) -> Iterable[str]:
    return (f"# HELP {name} {words}", f"# TYPE {name} {kind}", f"{name} {value:g}")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
