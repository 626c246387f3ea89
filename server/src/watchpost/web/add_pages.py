"""The first question: which address? What is found around it is shown, and made when it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from watchpost import clock
from watchpost.accounts.access import changeable_projects
from watchpost.accounts.models import User
from watchpost.discovery.make import Found, alone, discover, make_all
from watchpost.discovery.scout import read_address
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.registry import kinds
from watchpost.registry.site import Proposal
from watchpost.web.forms_only import posted_from
from watchpost.web.overview import require_add

FIELDS = ("url", "contains", "name", "project", "new_project")
_SALT, _KEPT_S = "watchpost.discovery", 86_400
_AT_ONCE = BoundedSemaphore(2)  # each holds a thread for up to ten seconds, and asks sixty times
_BUSY = "two others are looking around just now; try again in ten seconds, or watch this page alone"


def _adding(request: HttpRequest) -> tuple[User, dict[str, str]]:
    return require_add(request), {
        field: request.POST.get(field, request.GET.get(field, "")).strip() for field in FIELDS
    }


@login_required
def add(request: HttpRequest) -> HttpResponse:
    """Asks for an address; posted, it watches that page alone."""
    user, given = _adding(request)
    if request.method == "POST":
        try:
            return redirect("monitor", _create(user, given).pk)
        except edit.Invalid as error:
            return _ask(request, user, given, _at_fields(error.errors))
    return _ask(request, user, given, {})


def _ask(
    request: HttpRequest, user: User, given: Mapping[str, str], wrong: Mapping[str, list[str]]
) -> HttpResponse:
    context = {"given": given, "wrong": wrong, "projects": changeable_projects(user).order_by("name")}
    return render(request, "watchpost/add.html", context, status=422 if wrong else 200)


@login_required
@posted_from("add")
def around(request: HttpRequest) -> HttpResponse:
    """Looks around the address and shows what is worth watching, to be unticked."""
    user, given = _adding(request)
    try:
        project = _existing(user, given)
        found = _look(given["url"], project)
    except edit.Invalid as error:
        return _ask(request, user, given, _at_fields(error.errors))
    new = [
        _with_words(one, given["contains"]) if not place else one for place, one in enumerate(found.offer.new)
    ]
    context = {
        "given": given,
        "host": found.site.host,
        "home": found.site.home,
        "project": project,
        "rows": [_row(place, one) for place, one in enumerate(new)],
        "known": found.offer.known,
        "gone": found.offer.gone,
        "found": signing.dumps([[dict(one.spec), one.why] for one in new], salt=_SALT, compress=True),
    }
    return render(request, "watchpost/around.html", context)


def _look(url: str, project: Project | None) -> Found:
    if not _AT_ONCE.acquire(blocking=False):
        raise edit.Invalid([("url", _BUSY)])
    try:
        return discover(url, project)
    except ValueError as error:
        raise edit.Invalid([("url", str(error))]) from None
    finally:
        _AT_ONCE.release()


def _with_words(one: Proposal, words: str) -> Proposal:
    """What somebody knows of his page is better than what was found on it."""
    if not words or one.spec["kind"] != "http":
        return one
    return Proposal({**one.spec, "expect": {"body_contains": [words]}}, f"“{words}” must stand on it.")


def _row(place: int, one: Proposal) -> dict[str, Any]:
    kind = kinds()[str(one.spec["kind"])]
    asked = one.spec.get("url") or one.spec.get("host") or one.spec.get("domain")
    return {
        "place": place,
        "name": one.spec["name"],
        "asked": asked,
        "kind": kind.title,
        "every": one.every(kind.interval_s),
        "why": one.why,
    }


@login_required
@posted_from("add")
def take(request: HttpRequest) -> HttpResponse:
    """Makes what was left ticked."""
    user, given = _adding(request)
    try:
        found = signing.loads(request.POST.get("found", ""), salt=_SALT, max_age=_KEPT_S)
    except signing.BadSignature:
        wrong = {"url": ["what was found is too old or was changed on the way; look around once more"]}
        return _ask(request, user, given, wrong)
    wanted = {int(text) for text in request.POST.getlist("take") if text.isdecimal() and len(text) < 4}
    chosen = [Proposal(spec, why) for place, (spec, why) in enumerate(found) if place in wanted]
    if not chosen:
        return _ask(request, user, given, {"url": ["nothing was ticked, so nothing is watched"]})
    try:
        with transaction.atomic():  # a project made for them goes with them
            project = _project(user, given, _url_of(given))
            made = make_all(project, chosen, clock.now())
    except edit.Invalid as error:
        return _ask(request, user, given, _at_fields(error.errors))
    many = f"{len(made)} monitors are" if len(made) > 1 else "One monitor is"
    messages.info(request, f"{many} made. The first results come within seconds.")
    return redirect("project", project.slug)


def _at_fields(errors: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Each error at the field of this page it is about, in the words of this page."""
    found: dict[str, list[str]] = {}
    for where, what in errors:
        root = where.split(".")[0]
        place = {"expect": "contains", "slug": "name"}.get(root, root)
        said = what.replace("use basic_auth", "write it under Basic auth when you edit the monitor")
        known = place in FIELDS
        found.setdefault(place if known else "url", []).append(
            said if known or not where else f"{where}: {said}"
        )
    return found


def _url_of(given: Mapping[str, str]) -> str:
    return given["url"] if "://" in given["url"] else f"https://{given['url']}"


def _create(user: User, given: Mapping[str, str]) -> Monitor:
    """The page alone. What was made of a project for an address that will not do goes with it."""
    url = _url_of(given)
    if not _host_of(url):
        raise edit.Invalid([("url", "write an address such as https://www.example.com/")])
    try:
        read_address(given["url"])
    except ValueError as error:
        raise edit.Invalid([("url", str(error))]) from None
    with transaction.atomic():
        project = _project(user, given, url)
        try:
            found = alone(url, None)
        except ValueError as error:
            raise edit.Invalid([("url", str(error))]) from None
        spec = {**found.new[0].spec, "name": (given["name"] or _called(url))[:100]}
        if given["contains"]:
            spec["expect"] = {"body_contains": given["contains"]}
        return make_all(project, [Proposal(spec, "")], clock.now())[0]


def _called(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path.rstrip('/')}"


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # such as half an IPv6 address
        return ""


def _existing(user: User, given: Mapping[str, str]) -> Project | None:
    """The project it would go to, when there is one already."""
    mine = changeable_projects(user)
    if given["project"] and given["project"] != "+":
        return _project(user, given, "")
    return None if given["project"] == "+" else mine.first()


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
