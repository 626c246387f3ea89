"""``watchpost status``: what is wrong now."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from watchpost.cli.command import Command, Out

_COLOURS = {"down": "red", "degraded": "yellow", "up": "green"}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--project", metavar="P", help="this project alone, by its slug")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock

    now = clock.now()
    data = collect(args.project, now)
    out.show(data, _lines(data, out, now))
    return 0


def collect(only: str | None, now: datetime) -> dict[str, Any]:
    """Open incidents, monitors that are not up, counts, and whether anybody looks at all."""
    from watchpost.cli.find import find_project
    from watchpost.cli.pulse import engine_silence_s
    from watchpost.incidents.models import Incident
    from watchpost.incidents.payload import incident_object, stamp
    from watchpost.incidents.untold import find_untold
    from watchpost.monitors.models import Monitor

    monitors = Monitor.objects.select_related("project", "state").order_by("project__slug", "slug")
    incidents = (
        Incident.objects.exclude(state="resolved").select_related("project").order_by("-severity", "began_at")
    )
    if only:
        project = find_project(only)
        monitors, incidents = monitors.filter(project=project), incidents.filter(project=project)
    watched = list(monitors)
    counts: dict[str, int] = {}
    for monitor in watched:
        counts[monitor.state.shown] = counts.get(monitor.state.shown, 0) + 1
    return {
        "incidents": [
            incident_object(incident, list(incident.members.select_related("monitor__state").order_by("id")))
            for incident in incidents
        ],
        "monitors": [
            {
                "id": str(monitor.pk),
                "project": monitor.project.slug,
                "slug": monitor.slug,
                "name": monitor.name,
                "state": monitor.state.shown,
                "since": stamp(monitor.state.since),
                "reason": monitor.state.reason,
            }
            for monitor in watched
            if monitor.state.shown != "up"
        ],
        "counts": counts,
        "engine_silent_s": engine_silence_s(now),
        "untold": [
            {"channel": one.channel, "waiting": one.waiting, "since": stamp(one.since), "why": one.why}
            for one in find_untold()
        ],
    }


def _lines(data: dict[str, Any], out: Out, now: datetime) -> Iterator[str]:
    from watchpost.cli.pulse import SILENT_AFTER_S, silence_sentence
    from watchpost.watching.health import full_disk

    silent = data["engine_silent_s"]
    if full := full_disk():
        yield out.paint(full, "red")
    if silent is None or silent > SILENT_AFTER_S:
        yield out.paint(silence_sentence(silent), "red")
    for one in data["untold"]:
        yield out.paint(_untold_line(one, now), "red")
    for incident in data["incidents"]:
        yield from _incident_lines(incident, out, now)
    told = {row["id"] for incident in data["incidents"] for row in incident["monitors"]}
    for row in data["monitors"]:
        if row["id"] not in told:
            yield _monitor_line(row, out, now)
    yield _summary(data)


def _incident_lines(incident: dict[str, Any], out: Out, now: datetime) -> Iterator[str]:
    from watchpost.cli.wording import since

    who = f", {incident['acknowledged_by']} has it" if incident["acknowledged_by"] else ", nobody has it yet"
    colour = "red" if incident["severity"] in ("error", "critical") else "yellow"
    yield out.paint(f"{incident['project']}: {incident['title']}", colour)
    began = datetime.fromisoformat(incident["began_at"])
    yield f"    {since(began, now)}{who}. {incident['url']}"
    for cause in incident["causes"][:1]:
        if fix := cause.get("fix"):
            yield f"    {fix}"


def _untold_line(one: dict[str, Any], now: datetime) -> str:
    from watchpost.cli.wording import since

    began = f" {since(datetime.fromisoformat(one['since']), now)}" if one["since"] else ""
    waiting = f"{one['waiting']} {'message waits' if one['waiting'] == 1 else 'messages wait'}{began}"
    return f"{one['channel']} hears nothing, {waiting}: {one['why']}"


def _monitor_line(row: dict[str, Any], out: Out, now: datetime) -> str:
    from watchpost.cli.wording import since

    began = f" {since(datetime.fromisoformat(row['since']), now)}" if row["since"] else ""
    name = out.paint(f"{row['project']}/{row['slug']}", _COLOURS.get(row["state"], "dim"))
    return f"{name} is {row['state']}{began}{': ' + row['reason'] if row['reason'] else ''}"


def _summary(data: dict[str, Any]) -> str:
    counts = data["counts"]
    total = sum(counts.values())
    if not total:
        return "Nothing is watched yet; begin with watchpost add https://your.site/"
    if not data["incidents"] and counts.get("up") == total:
        return f"Nothing is wrong: {'the one monitor is' if total == 1 else f'all {total} monitors are'} up."
    words = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    open_now = len(data["incidents"])
    return f"{open_now} open incident{'' if open_now == 1 else 's'}. Monitors: {words}."


COMMAND = Command("status", "what is wrong now, in sentences", configure, run)
