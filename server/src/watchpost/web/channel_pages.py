"""Where messages go: the list, a form for every kind of channel, the test button."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from watchpost import clock
from watchpost.accounts.access import changeable_projects, person, visible_projects
from watchpost.accounts.models import User
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.sealed import foreign_fields
from watchpost.registry import Channel as ChannelKind
from watchpost.registry import channels
from watchpost.web.forms_only import posted_from
from watchpost.web.reach import came_back, failing_for
from watchpost.web.spec_page import Spec, run_form
from watchpost.web.specform import Input, inputs_of

SEVERITIES = ("info", "warning", "error", "critical")


def seen_channels(user: User) -> QuerySet[Channel]:
    """Those that hear a project of this person; a channel that hears all is everybody's to see."""
    if user.is_superuser:
        return Channel.objects.all()
    return Channel.objects.filter(Q(projects=None) | Q(projects__in=visible_projects(user))).distinct()


def may_change_channel(user: User, channel: Channel) -> bool:
    """Only admins touch what hears all projects; owners touch what hears theirs alone."""
    if user.is_superuser:
        return True
    heard = set(channel.projects.values_list("pk", flat=True))
    return bool(heard) and heard <= set(changeable_projects(user).values_list("pk", flat=True))


def _changed(request: HttpRequest, pk: int) -> Channel:
    from django.core.exceptions import PermissionDenied

    user = person(request)
    channel: Channel = get_object_or_404(seen_channels(user), pk=pk)
    if not may_change_channel(user, channel):
        raise PermissionDenied(f"{channel.name} is not yours to change. An admin can.")
    return channel


@login_required
def channel_list(request: HttpRequest) -> HttpResponse:
    user = person(request)
    failing = failing_for(request)
    seen = seen_channels(user).prefetch_related("projects").order_by("name")
    rows = [_row(channel, user, failing) for channel in seen]
    may_add = user.is_superuser or changeable_projects(user).exists()
    known = sorted(channels().values(), key=lambda kind: kind.title)
    return render(request, "watchpost/channels.html", {"rows": rows, "kinds": known, "may_add": may_add})


def _row(channel: Channel, user: User, failing: frozenset[int]) -> dict[str, Any]:
    """Projects this person does not see are counted, not named."""
    shape = "up" if channel.delivered_at else "none"
    if channel.broken or channel.pk in failing:
        shape = "down"
    elif not channel.enabled:
        shape = "paused"
    return {
        "channel": channel,
        "failing": channel.pk in failing,
        "shape": shape,
        "to": _describe(channel),
        **_hears(channel, user),
    }


def _hears(channel: Channel, user: User) -> dict[str, Any]:
    heard = list(channel.projects.all())
    seen = set(visible_projects(user).values_list("pk", flat=True)) if heard else set()
    named = [project for project in heard if project.pk in seen]
    return {"hears": named, "hears_others": len(heard) - len(named)}


def _describe(channel: Channel) -> str:
    kind = channels().get(channel.kind)
    try:
        return (
            kind.describe(edit.channel_config_of(channel))
            if kind
            else f"There is no kind {channel.kind} here."
        )
    except ValueError as error:
        return f"Its configuration cannot be read: {str(error).splitlines()[0]}"


@login_required
def channel_new(request: HttpRequest, name: str) -> HttpResponse:
    user = person(request)
    kind = channels().get(name)
    if kind is None or not (user.is_superuser or changeable_projects(user).exists()):
        raise Http404("There is no such kind of channel.")

    def save(spec: Spec) -> HttpResponse:
        channel = edit.create_channel({"kind": name} | _reaching(spec, user), clock.now())
        messages.info(
            request, "It is kept. Send a test now: until one has arrived nobody is told for certain."
        )
        return redirect("channel", channel.pk)

    return run_form(request, "watchpost/channel_edit.html", _inputs(kind, user), save, {"kind": kind})


def _inputs(kind: ChannelKind, user: User) -> list[Input]:
    least = "error" if kind.pages else "warning"
    slugs = ", ".join(changeable_projects(user).order_by("slug").values_list("slug", flat=True)[:12])
    everything = " Empty: all projects." if user.is_superuser else ""
    there = f"There are: {slugs}." if slugs else "There is none yet."
    return [
        Input("name", "Name", required=True, help="Small letters and dashes, such as ops-mail."),
        *inputs_of(kind.config, kind.secrets),
        Input("min_severity", "Tells from", "choice", choices=SEVERITIES, value=least),
        Input(
            "projects",
            "Only for these projects",
            "lines",
            help=f"One on each line.{everything} {there}",
        ),
    ]


def _reaching(spec: Spec, user: User) -> Spec:
    """Refuses, for owners, whatever reaches beyond their own projects."""
    if not user.is_superuser:
        mine = set(changeable_projects(user).values_list("slug", flat=True))
        wanted = set(spec.get("projects") or [])
        if not wanted or not wanted <= mine:
            raise edit.Invalid([("projects", f"name projects you own: {', '.join(sorted(mine))}")])
    return spec


@login_required
def channel_page(request: HttpRequest, pk: int) -> HttpResponse:
    user = person(request)
    channel: Channel = get_object_or_404(seen_channels(user).prefetch_related("projects"), pk=pk)
    context = _row(channel, user, failing_for(request)) | {
        "kind": channels().get(channel.kind),
        "may_change": may_change_channel(user, channel),
        "severity": SEVERITIES[channel.min_severity],
        "deliveries": _last_messages(channel) if may_change_channel(user, channel) else [],
    }
    return render(request, "watchpost/channel.html", context)


def _last_messages(channel: Channel) -> list[dict[str, Any]]:
    """Each as it was told then: the news of one incident are told apart by their reasons."""
    rows = channel.deliveries.select_related("incident__project").order_by("-id")[:15]
    return [
        {
            "row": row,
            "title": row.payload.get("title") or "",
            "reason": row.payload.get("reason") or "",
            "back": row.answer if row.state == "delivered" or not row.answer else came_back(row.answer),
        }
        for row in rows
    ]


@login_required
def channel_edit(request: HttpRequest, pk: int) -> HttpResponse:
    user, channel = person(request), _changed(request, pk)
    kind = channels().get(channel.kind)
    if kind is None:
        raise Http404("There is no such kind of channel.")
    fixed = {"kind": channel.kind, "enabled": channel.enabled}

    def save(spec: Spec) -> HttpResponse:
        edit.update_channel(channel, fixed | _reaching(spec, user), clock.now())
        return redirect("channel", pk)

    return run_form(
        request,
        "watchpost/channel_edit.html",
        _inputs(kind, user),
        save,
        {"kind": kind, "channel": channel},
        stored={key: value for key, value in edit.channel_spec_of(channel).items() if key not in fixed},
        foreign=foreign_fields(channel.config),
    )


@login_required
@posted_from("channel")
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    from watchpost.incidents.trial import send_test

    channel = _changed(request, pk)
    sent = send_test(channel.pk, clock.now())
    if sent.ok:
        messages.success(request, f"It arrived. The receiver said: {sent.detail or 'nothing'}")
    else:
        messages.error(request, f"It did not arrive. {came_back(sent.detail)}")
    return redirect("channel", pk)


@login_required
@posted_from("channel")
def channel_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable, enable again after it broke, or disable."""
    channel, on = _changed(request, pk), request.POST.get("enabled") == "1"
    edit.switch_channel(channel, on, clock.now())
    messages.info(request, "It is told again." if on else "Switched off. It is told nothing.")
    return redirect("channel", pk)


@login_required
@posted_from("channel")
def channel_delete(request: HttpRequest, pk: int) -> HttpResponse:
    channel = _changed(request, pk)
    edit.delete_channel(channel, clock.now())
    messages.info(request, f"{channel.name} is deleted.")
    return redirect("channels")
