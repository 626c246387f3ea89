"""The list of heartbeats, what one of their runs printed, and the next times of a schedule as it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from watchpost import clock
from watchpost.accounts.access import person, visible_projects
from watchpost.core.words import read_count
from watchpost.engine.load import away_between
from watchpost.heartbeats.models import Heartbeat, Ping
from watchpost.heartbeats.runs import last_bars, run_of
from watchpost.heartbeats.standing import STATES, Standing, standings
from watchpost.monitors.models import Project
from watchpost.web import beats
from watchpost.web.monitor_pages import seen_monitor
from watchpost.web.overview import may_add
from watchpost.web.schedule_preview import preview_of

PAGE = 100
MOST_PAGES = 10_000
PLACES = 24  # of a strip
_COLUMNS = (
    "project_id", "code", "slug", "status", "pings", "last_ping", "last_start", "last_run", "last_s",
    "trouble", "sign", "exit_code", "monitor__project_id", "monitor__name", "monitor__environment",
    "monitor__config", "monitor__revision", "monitor__paused", "monitor__state__shown",
)  # fmt: skip


@login_required
def heartbeat_list(request: HttpRequest) -> HttpResponse:
    user, now = person(request), clock.now()
    projects = list(visible_projects(user).order_by("name"))
    asked = {key: request.GET.get(key, "").strip() for key in ("q", "state", "project")}
    everything = standings(_rows(projects), now, away_between(now))
    rows = [one for one in everything if _matches(one, asked, projects)]
    wanted = read_count(request.GET.get("page", ""), MOST_PAGES) or 1
    page = min(wanted, max(1, -(-len(rows) // PAGE)))
    shown = rows[(page - 1) * PAGE : page * PAGE]
    bars = last_bars([one.row.pk for one in shown], 2 * PLACES)
    names = {project.pk: project for project in projects}
    context = {
        "rows": [
            {
                "one": one,
                "project": names[one.row.project_id],
                "shape": beats.shape(one.state),
                "word": beats.word(one.state),
                "says": beats.says(one, now),
                "due": _due(one, now),
                "strip": beats.strip(bars[one.row.pk], PLACES, 18) if one.row.pk in bars else None,
            }
            for one in shown
        ],
        "headline": _headline(len(rows), len(everything), any(asked.values())),
        "total": len(rows),
        "first": (page - 1) * PAGE + 1,
        "last": min(page * PAGE, len(rows)),
        "asked": asked,
        "filtered": any(asked.values()),
        "projects": projects,
        "states": [(state, beats.word(state)) for state in STATES],
        "may_add": may_add(user),
        "previous": _address(asked, page - 1) if page > 1 else "",
        "next": _address(asked, page + 1) if len(rows) > page * PAGE else "",
    }
    return render(request, "watchpost/heartbeats.html", context)


def _rows(projects: Sequence[Project]) -> list[Heartbeat]:
    found = Heartbeat.objects.filter(project__in=projects).select_related("monitor", "monitor__state")
    return list(found.only(*_COLUMNS))


def _due(one: Standing, now: Any) -> beats.Clocks | None:
    return None if one.due is None or one.config is None else beats.clock_of(one.config, one.due, now)


def _matches(one: Standing, asked: dict[str, str], projects: Sequence[Project]) -> bool:
    if asked["state"] and one.state != asked["state"]:
        return False
    if asked["project"] and all(
        project.slug != asked["project"] for project in projects if project.pk == one.row.project_id
    ):
        return False
    word = asked["q"].casefold()
    return word in one.row.monitor.name.casefold() or word in one.row.slug


def _headline(found: int, total: int, filtered: bool) -> str:
    there = f"{total} heartbeat{'' if total == 1 else 's'}"
    return f"{found} of {there} match{'es' if found == 1 else ''}" if filtered else there


def _address(asked: dict[str, str], page: int) -> str:
    given = {key: value for key, value in asked.items() if value} | ({"page": page} if page > 1 else {})
    return f"/heartbeats/{'?' if given else ''}{urlencode(given)}"


@login_required
def ping_page(request: HttpRequest, pk: int, n: int) -> HttpResponse:
    """One ping: how it came, and all that is kept of what it brought."""
    monitor = seen_monitor(request, pk)
    if n >= 2**62:
        raise Http404
    ping = get_object_or_404(Ping, monitor_id=monitor.pk, n=n)
    row = beats.run_row(run_of(ping), None)
    context = {
        "monitor": monitor,
        "row": row,
        "printed": beats.printed(bytes(ping.body or b"")),
        "ping": ping,
    }
    return render(request, "watchpost/ping.html", context)


@login_required
def next_times(request: HttpRequest) -> HttpResponse:
    """The next times of what stands in the form, or what is wrong with it. A piece of a page."""
    given = {key: request.GET.get(key, "")[:500] for key in ("schedule", "timezone", "period")}
    return render(request, "watchpost/parts/next_times.html", {"preview": preview_of(given, clock.now())})
