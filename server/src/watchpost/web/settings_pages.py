"""People and their roles, tokens, projects, and one's own profile."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from watchpost import clock
from watchpost.accounts.access import person, require_admin, visible_projects
from watchpost.accounts.links import make_link, make_token
from watchpost.accounts.models import ApiToken, User
from watchpost.accounts.people import give_role, invite
from watchpost.monitors import edit
from watchpost.monitors.models import Project
from watchpost.reports.post import wants
from watchpost.web import words
from watchpost.web.forms_only import posted_from
from watchpost.web.shown_once import keep, take

ANEW = "The owner of a project had made this account, so it begins anew: its password and sessions are void. "
WORDS = {"yes": "Remove", "no": "Keep", "back": "/settings/"}
ROLES = {"owner": "Owner: sees and changes", "viewer": "Viewer: sees", "admin": "Admin of this installation"}


@login_required
def settings_page(request: HttpRequest) -> HttpResponse:
    user, shown = person(request), take(request)
    context: dict[str, Any] = {
        "shown": shown,
        "zones": sorted(
            zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc")
        ),
        "weekly": wants(user),
        "projects": visible_projects(user).annotate(watched=Count("monitors")).order_by("name"),
    }
    if user.is_superuser:
        context |= {
            "people": User.objects.prefetch_related("memberships__project").order_by("email"),
            "tokens": ApiToken.objects.select_related("project").order_by("name"),
            "roles": ROLES,
        }
    response = render(request, "watchpost/settings.html", context)
    if shown:
        response["Cache-Control"] = "no-store"
    return response


@login_required
@posted_from("settings")
def profile(request: HttpRequest) -> HttpResponse:
    user, zone = person(request), request.POST.get("zone", "")
    if zone and zone not in zoneinfo.available_timezones():
        messages.error(request, f"There is no time zone {zone}.")
        return redirect("settings")
    user.zone, user.first_name = zone, request.POST.get("name", "").strip()[:150]
    user.last_name = ""
    user.save(update_fields=["zone", "first_name", "last_name"])
    messages.success(request, "Kept.")
    return redirect("settings")


@login_required
@posted_from("settings")
def add_person(request: HttpRequest) -> HttpResponse:
    require_admin(person(request))
    role, slug = request.POST.get("role", "viewer"), request.POST.get("project", "")
    try:
        _check_role(role, slug)
        user, begins = invite(request.POST.get("email", ""), person(request))
        _give_role(user, role, slug, person(request))
    except edit.Invalid as error:
        messages.error(request, f"Nobody was added: {error.errors[0][1]}.")
        return redirect("settings")
    if begins or not user.has_usable_password():
        anew = begins and user.invited_by_id not in (None, person(request).pk)
        return _show_link(request, user, ANEW if anew else "")
    what = "an admin" if role == "admin" else f"{role} of {slug or 'all projects'}"
    messages.success(request, f"{user.email} is {what} now.")
    return redirect("settings")


def _check_role(role: str, slug: str) -> None:
    if role not in ROLES:
        raise edit.Invalid([("role", f"there is no role {role or 'without a name'}")])
    if slug and not Project.objects.filter(slug=slug).exists():
        raise edit.Invalid([("project", f"there is no project {slug}")])


def _give_role(user: User, role: str, slug: str, by: User) -> None:
    """Another role takes an admin's rights away; the last one's stay, for somebody must have them."""
    if user.is_superuser and role != "admin" and user == by:
        raise edit.Invalid([("email", "you cannot take your own rights away; another admin can")])
    if user.is_superuser != (role == "admin"):
        user.is_superuser = role == "admin"
        user.save(update_fields=["is_superuser"])
    if role == "admin":
        return
    projects = Project.objects.filter(slug=slug) if slug else Project.objects.all()
    for project in projects:
        give_role(user, project, role)


def _show_link(request: HttpRequest, user: User, why: str = "") -> HttpResponse:
    address = f"{settings.SITE_URL}/signin/{make_link(user, clock.now())}/"
    title = f"{why}Send this link to {user.email}. It works once, for 24 hours, and is not shown again."
    keep(request, title, address)
    return redirect("settings")


@login_required
def change_person(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link, or out, which is asked first."""
    require_admin(person(request))
    user = get_object_or_404(User, pk=pk)
    if request.method != "POST":
        question = {
            "question": f"Remove {user.email}?",
            "says": "Their account goes, with its roles and sessions. What they did stays in the histories.",
            "do": "remove",
            **WORDS,
        }
        return render(request, "watchpost/ask.html", question)
    if request.POST.get("do") == "link":
        return _show_link(request, user)
    if user == person(request):
        messages.error(request, "You cannot remove yourself; another admin can.")
    elif request.POST.get("do") == "remove":
        user.delete()
        messages.info(request, f"{user.email} has no account any more.")
    return redirect("settings")


@login_required
@posted_from("settings")
def add_token(request: HttpRequest) -> HttpResponse:
    require_admin(person(request))
    name = request.POST.get("name", "").strip()[:100]
    if not name:
        messages.error(request, "A token needs a name, so that you know later what it is for.")
        return redirect("settings")
    slug = request.POST.get("project", "")
    project = get_object_or_404(Project, slug=slug) if slug else None
    token = make_token(name, project, request.POST.get("read_only") == "1", clock.now())
    keep(request, f"The token {name}. It is not shown again.", token)
    return redirect("settings")


@login_required
def delete_token(request: HttpRequest, pk: int) -> HttpResponse:
    require_admin(person(request))
    token: ApiToken = get_object_or_404(ApiToken, pk=pk)
    if request.method != "POST":
        made, used = words.moment(token.created_at, clock.now()), token.last_used_at
        last = f"last used {words.ago(used, clock.now())}" if used else "never used"
        question = {
            "question": f"Revoke the token {token.name}?",
            "says": f"Made {made}, {last}. Whatever uses it is shut out at once, for good.",
            **WORDS,
            "yes": "Revoke it",
        }
        return render(request, "watchpost/ask.html", question)
    token.delete()
    messages.info(request, "The token is revoked.")
    return redirect("settings")


@login_required
@posted_from("settings")
def add_project(request: HttpRequest) -> HttpResponse:
    require_admin(person(request))
    try:
        project = edit.create_project(request.POST.get("name", ""), clock.now())
        messages.success(request, f"The project {project.name} is there.")
    except edit.Invalid as error:
        messages.error(request, f"No project was made: {error}")
    return redirect("settings")
