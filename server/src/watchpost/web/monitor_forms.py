"""Making a monitor of any kind by hand, and editing one."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from watchpost import clock
from watchpost.accounts.access import changeable_projects
from watchpost.accounts.models import User
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.recurrence import zones
from watchpost.monitors.sealed import foreign_fields
from watchpost.monitors.spec import write_duration
from watchpost.registry import Kind, doc_of, kinds
from watchpost.web.members import MOST_TICKED
from watchpost.web.monitor_pages import changed_monitor
from watchpost.web.overview import require_add
from watchpost.web.spec_page import Spec, run_form
from watchpost.web.specform import Input, inputs_of


@login_required
def monitor_kinds(request: HttpRequest) -> HttpResponse:
    """Everything that can be watched, each with what it does in a sentence."""
    require_add(request)
    known = sorted(kinds().values(), key=lambda kind: (kind.layer, kind.title))
    rows = [{"kind": kind, "does": _does(kind)} for kind in known]
    context = {"rows": rows, "project": request.GET.get("project", "")}
    return render(request, "watchpost/monitor_kinds.html", context)


def _does(kind: Kind) -> str:
    """The first sentence of its docs page, as plain text."""
    text = doc_of("kinds", kind.name).read_text("utf-8").partition("\n")[2].strip().partition("\n\n")[0]
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)|`", r"\1", " ".join(text.split()))
    return re.split(r"(?<=\.) ", plain)[0]


@login_required
def monitor_new(request: HttpRequest, name: str) -> HttpResponse:
    user = require_add(request)
    kind = kinds().get(name)
    if kind is None:
        raise Http404("There is no such kind of monitor.")
    mine = changeable_projects(user).order_by("name")
    if not mine.exists():
        messages.info(request, "Make a project first: name it after the application.")
        return redirect("settings")
    slugs = list(mine.values_list("slug", flat=True))
    asked = request.GET.get("project", "")
    where = Input("project", "Project", "choice", choices=tuple(slugs), required=True)
    where.value = asked if asked in slugs else slugs[0]

    def save(spec: Spec) -> HttpResponse:
        project = _mine(user, spec.pop("project", ""))
        slug = {} if spec.get("slug") else {"slug": _slug_for(project, spec.get("name"))}
        made = edit.create_monitor(project, {"kind": name, **slug, **spec}, clock.now())
        return redirect("monitor", made.pk)

    project = mine.get(slug=(posted if (posted := request.POST.get("project")) in slugs else where.value))
    inputs = _inputs(kind, project)
    where.reloads = any(one.type == "members" for one in inputs)
    return run_form(request, "watchpost/monitor_new.html", [where, *inputs], save, {"kind": kind})


def _mine(user: User, slug: Any) -> Project:
    project = changeable_projects(user).filter(slug=str(slug)).first()
    if project is None:
        raise edit.Invalid([("project", f"there is no project {slug} you may change")])
    return project


def _slug_for(project: Project, name: Any) -> str:
    """One that is free; a name that cannot be used is told by whoever reads the spec."""
    from watchpost.discovery.make import free_slug

    return free_slug(str(name or ""), set(project.monitors.values_list("slug", flat=True)))


@login_required
def monitor_edit(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    fixed = {"kind": monitor.kind, "slug": monitor.slug}
    kind = kinds()[monitor.kind]

    def save(spec: Spec) -> HttpResponse:
        edit.update_monitor(monitor, fixed | spec, clock.now())
        return redirect("monitor", pk)

    return run_form(
        request,
        "watchpost/monitor_edit.html",
        _inputs(kind, monitor.project, monitor),
        save,
        {"monitor": monitor, "kind": kind, "has_headers": "headers" in kind.config.model_fields},
        stored={key: value for key, value in edit.spec_of(monitor).items() if key not in fixed},
        foreign=foreign_fields(monitor.config),
    )


def _inputs(kind: Kind, project: Project, itself: Monitor | None = None) -> list[Input]:
    """What the kind asks for, between what every monitor has. Whoever is fed by others has no looks of its
    own: then there is nothing to say of them."""
    own = inputs_of(kind.config, kind.secrets)
    if kind.feed == "signal":
        _tell_times(own)
    for one in own:
        if one.type == "members":
            one.names = _others(project, itself)
    return [
        Input("name", "Name", required=True),
        *(one for one in own if not one.rare),
        *([] if kind.is_fed else _pace(kind)),
        Input("environment", "Environment", value="production"),
        Input("tags", "Tags", "lines", help="One on each line."),
        Input(
            "depends_on",
            "Depends on",
            "lines",
            help="Slugs of monitors of the same project, one on each line: while one of them is down, "
            "this one is not told apart.",
        ),
        *([] if kind.is_fed else _patience()),
        Input("resend", "Tells again every", value="4h", help="Until somebody acknowledges."),
        *(one for one in own if one.rare),
    ]


def _tell_times(own: list[Input]) -> None:
    """A schedule shows its next times as it is typed, on the clock of its zone."""
    for one in own:
        if one.name == "schedule":
            one.preview, one.preview_of = "/heartbeats/next/", ("schedule", "timezone", "period")
        if one.name == "timezone":
            one.zones = tuple(sorted(zones()))


def _pace(kind: Kind) -> list[Input]:
    usual = write_duration(kind.interval_s)
    return [
        Input("interval", "Looks every", value=usual, help="Such as 30s, 5m or 1h."),
        Input("timeout", "Gives up after", value="10s"),
    ]


def _patience() -> list[Input]:
    return [
        Input("confirm", "Looks before trouble counts", "number", value=2),
        Input("recover", "Good looks before it is over", "number", value=2),
    ]


def _others(project: Project, itself: Monitor | None) -> dict[str, str]:
    """Slug and name of those that can be ticked; none where there are too many."""
    rows = (project.monitors.exclude(pk=itself.pk) if itself else project.monitors).values_list(
        "slug", "name"
    )
    found = dict(rows[: MOST_TICKED + 1])
    return found if len(found) <= MOST_TICKED else {}
