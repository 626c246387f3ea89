"""Adding an address, and editing a monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from watchpost import clock
from watchpost.accounts.access import changeable_projects, person
from watchpost.accounts.models import User
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.sealed import foreign_fields
from watchpost.registry import kinds
from watchpost.web.monitor_pages import changed_monitor
from watchpost.web.overview import may_add
from watchpost.web.spec_page import Spec, run_form
from watchpost.web.specform import Input, inputs_of

ADD_FIELDS = ("url", "contains", "name", "project", "new_project")


@login_required
def add(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not may_add(user):
        raise PermissionDenied("You may look at your projects but not add to them. One of their owners can.")
    given = {field: request.POST.get(field, request.GET.get(field, "")).strip() for field in ADD_FIELDS}
    wrong: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            return redirect("monitor", _create(user, given).pk)
        except edit.Invalid as error:
            wrong = _at_fields(error.errors)
    context = {"given": given, "wrong": wrong, "projects": changeable_projects(user).order_by("name")}
    return render(request, "watchpost/add.html", context, status=422 if wrong else 200)


def _at_fields(errors: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Each error at the field of this page it is about, in the words of this page."""
    found: dict[str, list[str]] = {}
    for where, what in errors:
        root = where.split(".")[0]
        place = {"expect": "contains", "slug": "name"}.get(root, root)
        said = what.replace("use basic_auth", "write it under Basic auth when you edit the monitor")
        known = place in ADD_FIELDS
        found.setdefault(place if known else "url", []).append(
            said if known or not where else f"{where}: {said}"
        )
    return found


def _create(user: User, given: Mapping[str, str]) -> Monitor:
    with transaction.atomic():  # a project made for an address that will not do goes with it
        return _create_all(user, given)


def _create_all(user: User, given: Mapping[str, str]) -> Monitor:
    url = given["url"] if "://" in given["url"] else f"https://{given['url']}"
    if not _host_of(url):
        raise edit.Invalid([("url", "write an address such as https://www.example.com/")])
    spec = _http_spec(url, given)
    project = _project(user, given, url)
    return edit.create_monitor(project, spec | {"slug": _free_slug(project, spec["name"])}, clock.now())


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # such as half an IPv6 address
        return ""


def _http_spec(url: str, given: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    name = given["name"] or f"{parts.hostname}{parts.path.rstrip('/')}"
    spec: dict[str, Any] = {"name": name[:100], "kind": "http", "url": url}
    if given["contains"]:
        spec["expect"] = {"body_contains": given["contains"]}
    return spec


def _free_slug(project: Project, name: str) -> str:
    from django.utils.text import slugify

    base = slugify(name.replace(".", "-").replace("/", "-"))[:54].strip("-") or "site"
    taken = set(project.monitors.values_list("slug", flat=True))
    return next(
        slug for slug in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken
    )


def _project(user: User, given: Mapping[str, str], url: str) -> Project:
    """The named one, a new one, or the only one there is."""
    mine = changeable_projects(user)
    if given["project"] and given["project"] != "+":
        project = mine.filter(slug=given["project"]).first()
        if project is None:
            raise edit.Invalid([("project", f"there is no project {given['project']} you may change")])
        return project
    if not given["project"] and (only := mine.first()):
        return only
    require_new = user.is_superuser
    if not require_new:
        raise edit.Invalid([("project", "only an admin makes projects")])
    name = given["new_project"] or _name_of(str(urlsplit(url).hostname))
    existing = Project.objects.filter(name=name).first()
    return existing or edit.create_project(name, clock.now())


def _name_of(host: str) -> str:
    """The telling part of a host; an address of numbers as it is."""
    telling = host.removeprefix("www.").split(".")[0]
    return host if telling.isdigit() or ":" in host else telling


@login_required
def monitor_edit(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    fixed = {"kind": monitor.kind, "slug": monitor.slug}

    def save(spec: Spec) -> HttpResponse:
        edit.update_monitor(monitor, fixed | spec, clock.now())
        return redirect("monitor", pk)

    return run_form(
        request,
        "watchpost/monitor_edit.html",
        _monitor_inputs(monitor),
        save,
        {"monitor": monitor},
        stored={key: value for key, value in edit.spec_of(monitor).items() if key not in fixed},
        foreign=foreign_fields(monitor.config),
    )


def _monitor_inputs(monitor: Monitor) -> list[Input]:
    kind = kinds()[monitor.kind]
    own = inputs_of(kind.config, kind.secrets)
    common = [
        Input("name", "Name", required=True),
        *(one for one in own if not one.rare),
        Input("interval", "Looks every", value="60s", help="Such as 30s, 5m or 1h."),
        Input("timeout", "Gives up after", value="10s"),
        Input("environment", "Environment", value="production"),
        Input("tags", "Tags", "lines", help="One on each line."),
        Input("confirm", "Looks before trouble counts", "number", value=2),
        Input("recover", "Good looks before it is over", "number", value=2),
        Input("resend", "Tells again every", value="4h", help="Until somebody acknowledges."),
    ]
    return common + [one for one in own if one.rare]
