"""The list of monitors, one monitor, and what can be done with it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from watchpost import clock
from watchpost.accounts.access import may_change, person, require_change, visible_projects
from watchpost.core.words import read_count
from watchpost.monitors import edit
from watchpost.monitors.accept import acceptable
from watchpost.monitors.ask import look_now
from watchpost.monitors.looks import last_looks
from watchpost.monitors.models import Look, Monitor, Project
from watchpost.monitors.parts import panels_of
from watchpost.monitors.recurrence import windows_ahead
from watchpost.monitors.standing import held_back_by, parents
from watchpost.registry import kinds
from watchpost.web import charts, history, part_rows, words
from watchpost.web.forms_only import posted_from
from watchpost.web.one_heartbeat import about_heartbeat
from watchpost.web.window_form import WindowForm, new_form, window_rows

RANGES = {
    "1h": ("1 h", 3600, 60),
    "24h": ("24 h", 86_400, 900),
    "7d": ("7 days", 7 * 86_400, 7200),
    "90d": ("90 days", 90 * 86_400, 86_400),
}
PAGE = 100
MOST_PAGES = 10_000
LATELY = 12
_PAUSED = ("Paused. Nobody looks and nobody is told.", "Looking again.")
_HEARTBEAT_PAUSED = ("Paused. Its silence is not judged.", "Resumed. The next ping starts the clock.")


def seen_monitor(request: HttpRequest, pk: int) -> Monitor:
    """One of the person's monitors, else 404."""
    found = Monitor.objects.select_related("project", "state", "last", "heartbeat")
    monitor: Monitor = get_object_or_404(found.filter(project__in=visible_projects(person(request))), pk=pk)
    return monitor


def changed_monitor(request: HttpRequest, pk: int) -> Monitor:
    """The same, to be changed: 403 with a sentence for viewers."""
    monitor = seen_monitor(request, pk)
    require_change(person(request), monitor.project)
    return monitor


@login_required
def monitor_list(request: HttpRequest) -> HttpResponse:
    """Few columns of every monitor, to choose and sort by; whole rows of those on the page alone."""
    projects = list(visible_projects(person(request)).order_by("name"))
    asked = {key: request.GET.get(key, "").strip() for key in ("q", "tag", "environment", "state", "project")}
    everything = _listed(projects, with_config=bool(asked["q"]))
    found = [one for one in everything if _matches(one, asked)] if any(asked.values()) else everything
    found.sort(key=lambda one: (words.ORDER.index(one.shown), one.project_name, one.name))
    wanted = read_count(request.GET.get("page", ""), MOST_PAGES) or 1
    page = min(wanted, max(1, -(-len(found) // PAGE)))
    context = {
        "rows": _rows([one.pk for one in found[(page - 1) * PAGE : page * PAGE]]),
        "headline": _counted(len(found), len(everything) if any(asked.values()) else None),
        "total": len(found),
        "first": (page - 1) * PAGE + 1,
        "last": min(page * PAGE, len(found)),
        "asked": asked,
        "filtered": any(asked.values()),
        "projects": projects,
        "states": [(state, words.word(state)) for state in words.ORDER],
        "previous": _address(asked, page - 1) if page > 1 else "",
        "next": _address(asked, page + 1) if len(found) > page * PAGE else "",
        "environments": sorted({one.environment for one in everything}),
        "tags": sorted({tag for one in everything for tag in one.tags}),
    }
    return render(request, "watchpost/monitors.html", context)


class Listed(NamedTuple):
    """What a monitor is found and sorted by."""

    pk: int
    name: str
    project: str
    project_name: str
    environment: str
    tags: list[str]
    shown: str
    config: dict[str, Any] = {}


def _listed(projects: list[Project], with_config: bool) -> list[Listed]:
    columns = ["pk", "name", "project__slug", "project__name", "environment", "tags", "state__shown"]
    rows = Monitor.objects.filter(project__in=projects).values_list(*columns, *["config"] * with_config)
    return [
        Listed(pk, name, slug, project, environment, tags, _known(shown), *config)
        for pk, name, slug, project, environment, tags, shown, *config in rows
    ]


def _known(shown: str | None) -> str:
    return shown if shown in words.ORDER else "new"


def _rows(ids: list[int]) -> list[Monitor]:
    """In this order. One that was deleted meanwhile is left out."""
    found = Monitor.objects.select_related("project", "state", "last", "heartbeat").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _counted(found: int, of: int | None) -> str:
    """``of`` is how many there are without the filter."""
    total = found if of is None else of
    there = f"{total} monitor{'' if total == 1 else 's'}"
    return there if of is None else f"{found} of {there} match{'es' if found == 1 else ''}"


def _address(asked: dict[str, str], page: int) -> str:
    given = {key: value for key, value in asked.items() if value} | ({"page": page} if page > 1 else {})
    return f"/monitors/{'?' if given else ''}{urlencode(given)}"


def _matches(one: Listed, asked: dict[str, str]) -> bool:
    exact = (("environment", one.environment), ("state", one.shown), ("project", one.project))
    if any(asked[key] not in ("", has) for key, has in exact):
        return False
    if asked["tag"] and asked["tag"] not in one.tags:
        return False
    word = asked["q"].casefold()
    said = (one.name, *one.config.values(), *one.tags)
    return any(word in each.casefold() for each in said if isinstance(each, str))


@login_required
def monitor_page(request: HttpRequest, pk: int, window: WindowForm | None = None) -> HttpResponse:
    """``window`` is the form of a maintenance window that was refused, or only tried."""
    monitor, now = seen_monitor(request, pk), clock.now()
    shown = history.stretches(monitor, now - timedelta(days=90), now)
    context = _head(monitor, now) | {
        "may_change": may_change(person(request), monitor.project),
        "figures": history.figures(monitor, now, shown),
        "days": charts.day_bar(history.ninety_days(shown, now)),
        "lately": _lately(monitor),
        "window": window or new_form(now),
    }
    page = "monitor"
    if hasattr(monitor, "heartbeat"):
        page = "heartbeat"
        context |= about_heartbeat(request, monitor, bool(context["may_change"]), now)
    else:
        context |= _measured(request, monitor, now)
    return render(request, f"watchpost/{page}.html", context, status=window.status if window else 200)


def _measured(request: HttpRequest, monitor: Monitor, now: datetime) -> dict[str, Any]:
    """What looks measured, and the last of them."""
    chosen = _chosen(request)
    _, length, step = RANGES[chosen]
    points = history.series(monitor, now - timedelta(seconds=length), now, step)
    return {
        "chosen": chosen,
        "chart": charts.stacked(points),
        "points": [point for point in points if point["n"]][-48:],
        "chart_from": now - timedelta(seconds=length),
        "ranges": [(key, label, key == chosen) for key, (label, _, _) in RANGES.items()],
        "looks": _last_looks(monitor),
    }


@login_required
def monitor_series(request: HttpRequest, pk: int) -> JsonResponse:
    """What the zoomed chart draws."""
    monitor, now = seen_monitor(request, pk), clock.now()
    _, length, step = RANGES[_chosen(request)]
    points = history.series(
        monitor, now - timedelta(seconds=length), now, step if step >= 86_400 else step / 3
    )
    return JsonResponse({"points": [point | {"at": point["at"].timestamp()} for point in points]})


def _chosen(request: HttpRequest) -> str:
    chosen = request.GET.get("range", "24h")
    return chosen if chosen in RANGES else "24h"


def _certificate(facts: dict[str, Any]) -> dict[str, Any] | None:
    """What was read of it on the way: until when it holds, and who issued it."""
    families = facts.get("families") or {}
    found = facts.get("certificate") or next(
        (each["certificate"] for each in families.values() if "certificate" in each), None
    )
    if not found or not found.get("not_after"):
        return None
    return {"until": datetime.fromisoformat(found["not_after"]), "issuer": _who(str(found.get("issuer", "")))}


def _who(issuer: str) -> str:
    """The telling part of a distinguished name (RFC 4514): the organisation, else the common name."""
    parts = dict(part.split("=", 1) for part in reversed(re.split(r"(?<!\\),", issuer)) if "=" in part)
    return (parts.get("O") or parts.get("CN") or issuer).replace("\\,", ",")


def _head(monitor: Monitor, now: datetime) -> dict[str, Any]:
    kind = kinds().get(monitor.kind)
    return {
        "monitor": monitor,
        "shown": _known(monitor.state.shown if hasattr(monitor, "state") else None),
        "asked": _asked(monitor),
        "kind_title": kind.title if kind else monitor.kind,
        "is_fed": kind is not None and kind.is_fed,
        "is_asked": kind is None or kind.probe is not None,
        "last": getattr(monitor, "last", None),
        "certificate": _certificate(getattr(getattr(monitor, "last", None), "facts", None) or {}),
        "panels": _panels(monitor, now),
        "findings": _findings(monitor),
        "parents": parents(monitor),
        "held": held_back_by(monitor),
        "windows": window_rows(windows_ahead(monitor.project, now, monitor), now),
        "now": now,
    }


def _panels(monitor: Monitor, now: datetime) -> list[dict[str, Any]]:
    """The kind's tables: the rows of parts with their history, each other row with its shape and the monitor
    that it leads to."""
    found = panels_of(monitor)
    slugs = {slug for panel in found for slug in panel.slugs}
    places = dict(monitor.project.monitors.filter(slug__in=slugs).values_list("slug", "pk")) if slugs else {}
    return [
        {
            "title": panel.title,
            "note": panel.note,
            **part_rows.folded(part_rows.rows_of(monitor, panel.parts, now)),
            "rows": [
                (*row, words.shape(mark) if mark else "", places.get(slug))
                for row, mark, slug in zip_longest(panel.rows, panel.marks, panel.slugs, fillvalue="")
            ],
        }
        for panel in found
    ]


def _asked(monitor: Monitor) -> str:
    """What is asked, in the kind's words; a configuration that cannot be read says so."""
    kind = kinds().get(monitor.kind)
    try:
        return kind.describe(edit.config_of(monitor)) if kind else f"There is no kind {monitor.kind} here."
    except ValueError as error:
        return f"Its configuration cannot be read: {str(error).splitlines()[0]}"


def _last_looks(monitor: Monitor) -> list[dict[str, Any]]:
    rows = last_looks(monitor.pk, 10)
    said = ["", *(_sentence_of(row) for row in rows)]
    return [
        {
            "at": row.at,
            "outcome": row.outcome,
            "severity": row.severity,
            "total_ms": row.total_ms,
            "address": row.address,
            "location": row.location,
            "sentence": sentence,
            "again": bool(sentence) and sentence == before,
        }
        for row, before, sentence in zip(rows, said[:-1], said[1:], strict=True)
    ]


def _findings(monitor: Monitor) -> list[dict[str, Any]]:
    """With whether a person may say that it is expected, and at which monitors beside this one. Notes (info)
    are those of the last look: they change without a change of state."""
    told, last = getattr(getattr(monitor, "state", None), "findings", []), getattr(monitor, "last", None)
    rows = [row for row in told if row["severity"] != "info"]
    rows += [row for row in (last.findings or [] if last else []) if row["severity"] == "info"]
    may, keys = acceptable(monitor), [(row["code"], row["subject"]) for row in rows]
    return [
        row | {"may_accept": key in may, "also": may.get(key, ())}
        for row, key in zip(rows, keys, strict=True)
    ]


def _lately(monitor: Monitor) -> list[dict[str, Any]]:
    """What changed, and what people noted, the newest first. ``after`` is None for a note."""
    changes: list[dict[str, Any]] = [
        {"at": one.at, "after": one.after, "said": one.reason}
        for one in monitor.transitions.order_by("-at", "-id")[:LATELY]
    ]
    notes: list[dict[str, Any]] = [
        {"at": one.at, "after": None, "said": one.sentence}
        for one in monitor.remarks.order_by("-at", "-id")[:LATELY]
    ]
    return sorted([*changes, *notes], key=lambda row: row["at"], reverse=True)[:LATELY]


def _sentence_of(look: Look) -> str:
    findings = (look.detail or {}).get("findings") or []
    return " ".join(str(finding.get("sentence", "")) for finding in findings[:2])


@login_required
@posted_from("monitor")
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    paused = request.POST.get("paused") == "1"
    edit.set_paused(monitor, paused, clock.now(), person(request).email)
    said = _HEARTBEAT_PAUSED if hasattr(monitor, "heartbeat") else _PAUSED
    messages.info(request, said[0] if paused else said[1])
    return redirect("monitor", pk)


@login_required
@posted_from("monitor")
def look(request: HttpRequest, pk: int) -> HttpResponse:
    asked = look_now([changed_monitor(request, pk)], clock.now())
    (messages.info if asked.ok else messages.error)(request, asked.sentence)
    return redirect("monitor", pk)


@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    if request.method != "POST":
        return render(request, "watchpost/monitor_delete.html", {"monitor": monitor})
    who = person(request)
    edit.delete_monitor(monitor, clock.now(), who.get_full_name() or who.email)
    messages.info(request, f"{monitor.name} is deleted, with its history.")
    return redirect("monitors")
