"""The first screen: what is wrong now, and what is watched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from watchpost import clock
from watchpost.accounts.access import changeable_projects, person, visible_projects
from watchpost.accounts.models import User
from watchpost.incidents.models import Channel, Incident
from watchpost.monitors.models import Monitor, MonitorLast, Project
from watchpost.registry import kinds
from watchpost.web import words
from watchpost.web.reach import failing_for, troubles

SHOWN = 20
RESTING = ("maintenance", "paused")
# Layer -> its name, how it is seen, and the first step to have it.
LAYERS = {
    "uptime": ("Uptime", "seen from the outside", "/add/?project={}", "Add an address"),
    "health": ("Health", "what the application says of itself", "/monitors/new/health/?project={}",
               "Add its health endpoint"),
    "workers": ("Scheduled work", "jobs that report by themselves", "/monitors/new/heartbeat/?project={}",
                "Add a heartbeat"),
}  # fmt: skip


class Watched(NamedTuple):
    """One monitor, as the overview counts it."""

    project: int
    environment: str
    state: str
    layer: str = "uptime"


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    user, now = person(request), clock.now()
    projects = list(visible_projects(user).order_by("name"))
    watched = _watched(projects)
    context: dict[str, Any] = {"may_add": may_add(user), "teach": not watched}
    if watched:
        incidents = open_incidents(projects)
        context |= {
            "headline": words.headline(len(incidents), [one.state for one in watched]),
            "incidents": incidents[:SHOWN],
            "more": len(incidents) > SHOWN,
            "rows": _rows(projects, watched, failing_for(request), now),
            "last_look": MonitorLast.objects.filter(monitor__project__in=projects).aggregate(at=Max("at"))[
                "at"
            ],
        }
    return render(request, "watchpost/overview.html", context)


def may_add(user: User) -> bool:
    return bool(user.is_superuser) or changeable_projects(user).exists()


def require_add(request: HttpRequest) -> User:
    """Whoever asks, when they may add monitors somewhere. Raises PermissionDenied."""
    user = person(request)
    if not may_add(user):
        raise PermissionDenied("You may look at your projects but not add to them. One of their owners can.")
    return user


def open_incidents(projects: Sequence[Project]) -> list[Incident]:
    """Unresolved ones: not acknowledged first, then the worst, then the newest."""
    rows = Incident.objects.held().filter(project__in=projects).exclude(state=Incident.State.RESOLVED)
    return list(rows.select_related("project").order_by("-state", "-severity", "-began_at"))


def _watched(projects: Sequence[Project]) -> list[Watched]:
    rows = Monitor.objects.filter(project__in=projects)
    columns = ("project_id", "environment", "state__shown", "kind")
    return [Watched(p, e, s or "new", layer_of(kind)) for p, e, s, kind in rows.values_list(*columns)]


def layer_of(kind: str) -> str:
    """Of a kind that is gone, and of layers without a column yet: the first."""
    found = kinds().get(kind)
    return found.layer if found is not None and found.layer in LAYERS else "uptime"


def _rows(
    projects: Sequence[Project], watched: Sequence[Watched], failing: frozenset[int], now: datetime
) -> list[dict[str, Any]]:
    of_project: dict[int, list[Watched]] = defaultdict(list)
    for entry in watched:
        of_project[entry.project].append(entry)
    channels = list(Channel.objects.filter(enabled=True).prefetch_related("projects").order_by("name"))
    rows = [project_row(project, of_project[project.pk], channels, failing, now) for project in projects]
    return sorted(rows, key=lambda row: words.ORDER.index(row["state"]) if row["total"] else len(words.ORDER))


def project_row(
    project: Project, watched: list[Watched], channels: list[Channel], failing: frozenset[int], now: datetime
) -> dict[str, Any]:
    """One project by layer; ``channels`` are those switched on, ``failing`` those that reach nobody."""
    states = [one.state for one in watched]
    state = _together(states)
    seen = [_layer(name, project, watched) for name in LAYERS]
    wanted = [channel for channel in channels if hears(channel, project)]
    bad = troubles(wanted, failing)
    lost = [one["channel"] for one in bad]
    hearing = [channel for channel in wanted if channel not in lost]
    told = max((channel.delivered_at for channel in hearing if channel.delivered_at), default=None)
    return {
        "project": project,
        "environments": ", ".join(sorted({one.environment for one in watched})) or "production",
        "layers": sum(bool(one["total"]) for one in seen) + bool(hearing),
        "of": len(seen) + 1,
        "seen": seen,
        "total": len(watched),
        "state": state,
        "sentence": _count_words(states, state),
        "channels": [channel.name for channel in hearing or wanted][:3],
        "alerting": "down" if bad and not hearing else "warn" if bad or not told else "up",
        "alerting_says": f"last arrived {words.ago(told, now)}" if told else "nothing has arrived yet",
        "alerting_bad": bad,
    }


def _together(states: list[str]) -> str:
    """What rests beside others is a word of the sentence, not the state of them all."""
    state = words.worst(states)
    return "up" if state in RESTING and "up" in states else state


def _layer(layer: str, project: Project, watched: list[Watched]) -> dict[str, Any]:
    name, how, step, step_says = LAYERS[layer]
    states = [one.state for one in watched if one.layer == layer]
    state = _together(states)
    return {
        "name": name,
        "how": how,
        "step": step.format(project.slug),
        "step_says": step_says,
        "total": len(states),
        "state": state,
        "sentence": _count_words(states, state),
    }


def hears(channel: Channel, project: Project) -> bool:
    """A channel that names no projects hears all."""
    named = list(channel.projects.all())
    return not named or project in named


def _count_words(states: list[str], state: str) -> str:
    total = f"{len(states)} monitor" + ("s" if len(states) != 1 else "")
    resting = [f"{states.count(one)} {words.word(one).lower()}" for one in RESTING if one in states]
    if state == "up":
        return ", ".join([total, *resting])
    return f"{states.count(state)} of {total}"
