"""The list of incidents, one incident, and what people do to it, signed in or by a signed link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache

from watchpost import clock
from watchpost.accounts.access import may_change, person, require_change, visible_projects
from watchpost.core.types import Severity
from watchpost.core.words import read_count
from watchpost.incidents import act
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.monitors.ask import is_looking, look_now
from watchpost.monitors.models import Monitor
from watchpost.web import charts, history, timeline, words
from watchpost.web.forms_only import posted_from

PAGE = 30
MOST_PAGES = 10_000
LONGEST_SNOOZE_S = 30 * 86_400
LINK_AGE = timedelta(days=7)
LINK_SNOOZE = timedelta(hours=1)
VERBS = {"acknowledge": "Acknowledge", "resolve": "Resolve", "snooze": "Snooze for an hour"}
EVIDENCE = 6  # rows of a cause
AFFECTED = 12  # monitors before the rest is folded
MOST_TOLD = 1000


@login_required
def incident_list(request: HttpRequest) -> HttpResponse:
    past = request.GET.get("state") == "resolved"
    page = read_count(request.GET.get("page", ""), MOST_PAGES) or 1
    rows = Incident.objects.held().filter(project__in=visible_projects(person(request)))
    rows = rows.select_related("project")
    unresolved = rows.exclude(state=Incident.State.RESOLVED)
    count = unresolved.count()
    if past:
        rows = rows.filter(state=Incident.State.RESOLVED).order_by("-began_at")
    else:
        rows = unresolved.order_by("-state", "-severity", "-began_at")
    shown = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "incidents": shown[:PAGE],
        "past": past,
        "headline": "What is over." if past else words.headline(count),
        "next_page": page + 1 if len(shown) > PAGE else None,
        "previous_page": page - 1,
    }
    return render(request, "watchpost/incidents.html", context)


def _seen(request: HttpRequest, pk: int) -> Incident:
    found = Incident.objects.held().filter(project__in=visible_projects(person(request)))
    incident: Incident = get_object_or_404(found.select_related("project"), pk=pk)
    return incident


@login_required
def incident_page(request: HttpRequest, pk: int) -> HttpResponse:
    incident, now = _seen(request, pk), clock.now()
    members = list(incident.members.select_related("monitor").order_by("began_at", "id"))
    begin, end = _axis(incident, now)
    affected = _affected(incident, members, begin, end)
    deliveries = incident.deliveries.select_related("channel").defer("payload").order_by("id")
    context = {
        "incident": incident,
        "may_change": may_change(person(request), incident.project),
        "causes": [_cause(cause, incident, members) for cause in incident.causes],
        "affected": affected[:AFFECTED],
        "affected_more": affected[AFFECTED:],
        "affected_count": len(affected),
        "well": len([row for row in affected if row["left"]]),
        "timeline": timeline.fold(incident.timeline.all(), [member.monitor.name for member in members]),
        "told": timeline.told(deliveries[:MOST_TOLD]),
        "has_lanes": any("spark" in row for row in affected),
        "may_look": any(is_looking(member.monitor) for member in members),
        "axis_from": begin,
        "axis_to": end,
    }
    return render(request, "watchpost/incident.html", context)


def _axis(incident: Incident, now: datetime) -> tuple[datetime, datetime]:
    """The whole incident with some time before it; a long one shows its beginning."""
    end = min(now, (incident.resolved_at or now) + timedelta(minutes=5))
    begin = incident.began_at - max(timedelta(minutes=10), (end - incident.began_at) / 4)
    return begin, min(end, begin + timedelta(days=2))


def _cause(cause: Mapping[str, Any], incident: Incident, members: Sequence[IncidentMember]) -> dict[str, Any]:
    """Nothing is said twice: what the title says already is not the cause's sentence, nor its evidence."""
    given = cause.get("evidence") or []
    evidence = [(pair[0], pair[1]) for pair in given if isinstance(pair, list | tuple) and len(pair) == 2]
    same = [(member.monitor.name, member.sentence) for member in members if member.code == cause.get("code")]
    evidence = evidence or list(dict.fromkeys(same))
    if [what for _, what in evidence] == [cause.get("sentence")]:
        evidence = []
    return {
        **cause,
        "percent": round(float(cause.get("confidence") or 0)),
        "told_above": str(cause.get("sentence")) in incident.title,
        "evidence": evidence[:EVIDENCE],
        "evidence_more": len(evidence[EVIDENCE:]),
    }


def _affected(
    incident: Incident, members: Sequence[IncidentMember], begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    said = {cause.get("sentence") for cause in incident.causes}
    for member in members:
        row = rows.setdefault(
            member.monitor_id,
            {
                "monitor": member.monitor,
                "severity": 0,
                "began": member.began_at,
                "left": member.left_at,
                "sentences": [],
                "trouble": [],
            },
        )
        row["severity"] = max(row["severity"], member.severity)
        row["trouble"].append(_on_axis(member, incident.resolved_at or end, begin, end))
        row["left"] = member.left_at and row["left"] and max(member.left_at, row["left"])
        if member.sentence not in said and member.sentence not in row["sentences"]:
            row["sentences"].append(member.sentence)
    moment = (incident.began_at - begin) / (end - begin) if end > begin else None
    measured = [pk for pk, row in rows.items() if is_looking(row["monitor"])]
    for pk, lane in history.lanes(measured[:30], begin, end).items():
        rows[pk]["spark"] = charts.spark(lane, moment, rows[pk]["trouble"])
    return list(rows.values())


def _on_axis(
    member: IncidentMember, over: datetime, begin: datetime, end: datetime
) -> tuple[float, float, bool]:
    """From when to when it was in this incident, on the axis, and whether it was down."""
    length = end - begin
    low, high = ((at - begin) / length if length else 0.0 for at in (member.began_at, member.left_at or over))
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0), member.severity >= Severity.ERROR


@login_required
@posted_from("incident")
def incident_act(request: HttpRequest, pk: int, do: str) -> HttpResponse:
    incident = _seen(request, pk)
    require_change(person(request), incident.project)
    acted = _do(do, pk, person(request).get_full_name() or person(request).email, request.POST)
    (messages.success if acted.ok else messages.error)(request, acted.sentence)
    return redirect("incident", pk)


def _do(do: str, pk: int, actor: str, given: Mapping[str, Any]) -> act.Acted:
    now = clock.now()
    if do == "acknowledge":
        return act.acknowledge(pk, actor, now)
    if do == "resolve":
        return act.resolve(pk, actor, now)
    if do == "note":
        return act.note(pk, str(given.get("text", "")), actor, now)
    if do == "look":
        monitors = Monitor.objects.filter(memberships__incident=pk).distinct()
        asked = look_now(monitors, now)
        return act.Acted(asked.ok, asked.sentence)
    if do != "snooze":
        raise Http404("There is no such action.")
    seconds = read_count(str(given.get("for", "")), LONGEST_SNOOZE_S)
    length = LINK_SNOOZE if seconds is None else timedelta(seconds=seconds)
    return act.snooze(pk, now + length, actor, now)


@never_cache
def signed_action(request: HttpRequest, token: str) -> HttpResponse:
    """A link out of a message. Looking at it changes nothing, for mail scanners look at everything."""
    try:
        payload = signing.loads(token, salt="incident-action", max_age=LINK_AGE)
        incident = Incident.objects.held().filter(pk=payload["incident"]).first()
        verb = VERBS[payload["do"]]
    except (signing.BadSignature, KeyError, TypeError):
        incident = None
    if incident is None:
        return render(request, "watchpost/incident_link_gone.html", status=410)
    said = ""
    if request.method == "POST":
        said = _do(payload["do"], incident.pk, _who(request), {}).sentence
    return render(request, "watchpost/incident_link.html", {"incident": incident, "verb": verb, "said": said})


def _who(request: HttpRequest) -> str:
    user = request.user
    return (user.get_full_name() or user.email) if user.is_authenticated else "Somebody with the link"
