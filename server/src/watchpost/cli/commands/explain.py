"""``watchpost explain MONITOR``: why it is in its state, from stored reasons alone."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from watchpost.cli.command import Command, Out
from watchpost.cli.wording import outcome_word


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("monitor", metavar="MONITOR", help="slug, project/slug or id")
    parser.add_argument(
        "--last",
        metavar="N",
        type=_count,
        default=5,
        help="how many transitions to go back, 1 to 100 (default 5)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError(f"{text!r} is not possible; write a whole number from 1 to 100")
    return int(text)


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock
    from watchpost.cli.find import find_monitor

    data = collect(find_monitor(args.monitor), args.last)
    out.show(data, _lines(data, clock.now(), out))
    return 0


def collect(monitor: Any, last: int) -> dict[str, Any]:
    """Each step of the walk of a result, as stored."""
    from watchpost.api.shapes import part_object
    from watchpost.incidents.payload import stamp
    from watchpost.monitors.parts import parts_of
    from watchpost.monitors.standing import held_back_by, parents

    state = monitor.state
    transitions = monitor.transitions.order_by("-at", "-id")[:last]
    return {
        "monitor": f"{monitor.project.slug}/{monitor.slug}",
        "asks": _asks(monitor),
        **_manner(monitor),
        "interval_s": monitor.interval_s,
        "confirm": monitor.confirm,
        "recover": monitor.recover,
        "state": state.shown,
        "since": stamp(state.since),
        "reason": state.reason,
        "flapping": state.flapping,
        "held_back_by": [parent.slug for parent in held_back_by(monitor)],
        "parents": [
            {"slug": one.monitor.slug, "state": one.shown, "natural": one.natural} for one in parents(monitor)
        ],
        "last": _last(monitor),
        "tracks": [_track(name, track) for name, track in state.tracks.items()],
        "parts": [part_object(one) for one in parts_of(monitor)],
        "transitions": [
            {
                "at": stamp(row.at),
                "began": stamp(row.began),
                "before": row.before,
                "after": row.after,
                "reason": row.reason,
            }
            for row in transitions
        ],
        "incidents": [_incident(incident) for incident in _incidents(monitor)],
    }


def _asks(monitor: Any) -> str:
    from watchpost.monitors.edit import config_of
    from watchpost.registry import kinds

    try:
        return kinds()[monitor.kind].describe(config_of(monitor))
    except (KeyError, ValueError) as error:  # the kind is gone, or the key does not open its secrets
        return f"nothing: its configuration cannot be used ({str(error).splitlines()[0]})"


def _manner(monitor: Any) -> dict[str, str]:
    """How it comes to be judged, and what reasons call what it is judged by."""
    from watchpost.registry import kinds

    kind = kinds().get(monitor.kind)
    return {"feed": kind.feed, "noun": kind.noun} if kind is not None else {"feed": "cadence", "noun": "look"}


def _is_fed(data: dict[str, Any]) -> bool:
    """Nobody looks at it: something is told of it."""
    return bool(data["feed"] != "cadence")


def _last(monitor: Any) -> dict[str, Any] | None:
    from watchpost.incidents.payload import stamp

    last = getattr(monitor, "last", None)
    if last is None:
        return None
    return {
        "at": stamp(datetime.fromtimestamp(last.at / 1000, UTC)),
        "outcome": last.outcome,
        "total_ms": last.total_ms,
        "address": last.address,
        "findings": last.findings or [],
        "reason": last.reason,
    }


def _track(name: str, track: dict[str, Any]) -> dict[str, Any]:
    """A part of the monitor, or ``main``; of each side the streak that has come furthest."""
    most = {
        side: max((row[0] for row in track.get(side) or []), default=0) for side in ("failing", "recovering")
    }
    return {"part": name, "health": track.get("health", "new"), **most}


def _incidents(monitor: Any) -> list[Any]:
    from watchpost.incidents.models import Incident

    mine = Incident.objects.filter(members__monitor=monitor).distinct()
    open_now = list(mine.exclude(state="resolved").order_by("-began_at"))
    return open_now or list(mine.order_by("-began_at")[:1])


def _incident(incident: Any) -> dict[str, Any]:
    from watchpost.incidents.payload import stamp

    return {
        "id": str(incident.pk),
        "title": incident.title,
        "state": incident.state,
        "timeline": [
            {"at": stamp(row.at), "kind": row.kind, "sentence": row.sentence}
            for row in incident.timeline.all()
        ],
        "deliveries": [
            {
                "channel": row.channel.name,
                "event": row.event,
                "state": row.state,
                "attempts": row.attempts,
                "reason": row.reason,
                "answer": row.answer,
            }
            for row in incident.deliveries.select_related("channel").order_by("id")
        ],
    }


def _lines(data: dict[str, Any], now: datetime, out: Out) -> Iterator[str]:
    from watchpost.cli.wording import since

    began = f" {since(datetime.fromisoformat(data['since']), now)}" if data["since"] else ""
    yield out.paint(f"{data['monitor']} is {data['state']}{began}.", "bold")
    yield f"  {_why(data)}"
    yield f"  {'Its rule' if _is_fed(data) else 'It asks'}: {data['asks']}"
    if data["held_back_by"]:
        names = " and ".join(data["held_back_by"])
        yield f"  It is held back because {names} is down: that incident tells of it."
    for parent in data["parents"]:
        how = "its host stands on that" if parent["natural"] else "as declared"
        yield f"  It depends on {parent['slug']} ({how}), which is {parent['state']}."
    yield f"1. The last {data['noun']}"
    yield from _look_lines(data)
    yield from _part_lines(data["parts"], now)
    yield "2. The streaks"
    yield from _track_lines(data)
    yield "3. The changes of state, newest first"
    for row in data["transitions"]:
        yield f"  {row['at']}  {row['before']} -> {row['after']} (began {row['began']}): {row['reason']}"
    if not data["transitions"]:
        yield "  None yet."
    yield "4. Incidents and who was told"
    for incident in data["incidents"]:
        yield from _incident_lines(incident)
    if not data["incidents"]:
        yield "  None."


def _why(data: dict[str, Any]) -> str:
    """What was stored when it was made holds until a look decides something; looks that could not may have
    come since."""
    if data["state"] == "new" and data["last"] is not None:
        if _is_fed(data):
            return data["last"]["reason"] or "Nothing was told yet by which it could be judged."
        return "It has been looked at, but no look could tell its state yet."
    return data["reason"] or "No reason is stored yet."


def _look_lines(data: dict[str, Any]) -> Iterator[str]:
    last = data["last"]
    if last is None:
        yield "  Nothing was told of it yet." if _is_fed(data) else "  It has not been looked at yet."
        return
    where = f" at {last['address']}" if last["address"] else ""
    ended = outcome_word(last["outcome"], last["findings"])
    how = "judged" if _is_fed(data) else f"{ended}{where} in {last['total_ms']:.0f} ms"
    yield f"  {last['at']}  {how}"
    for finding in last["findings"]:
        yield f"  {finding.get('code', '')}: {finding.get('sentence', '')}"
        if finding.get("fix"):
            yield f"      {finding['fix']}"
    if last["reason"]:
        yield f"  {last['reason']}"


def _part_lines(parts: list[dict[str, Any]], now: datetime) -> Iterator[str]:
    from watchpost.cli.wording import since

    if parts:
        yield f"  It has {len(parts)} part{'' if len(parts) == 1 else 's'}:"
    for one in parts:
        began = f" {since(datetime.fromisoformat(one['since']), now)}" if one["since"] else ""
        value = "" if one["value"] is None else f", {one['value']:g} {one['unit']}".rstrip()
        about = f" ({', '.join(one['about'])})" if one["about"] else ""
        yield f"    {one['part']}: {one['state']}{began}{value}{about}"
        if one["says"]:
            yield f"        {one['says']}"
        if one["last_change"] and one["last_change"]["before"] != "new":
            changed = one["last_change"]
            yield f"        {changed['at']}  {changed['before']} -> {changed['after']}: {changed['reason']}"


def _track_lines(data: dict[str, Any]) -> Iterator[str]:
    """Parts that are up with nothing pending are counted; a single location is not named."""
    places = {track["part"].partition("|")[0] for track in data["tracks"] if "|" in track["part"]}
    quiet = [one for one in data["tracks"] if _is_quiet(one)]
    for track in data["tracks"]:
        if track in quiet:
            continue
        part = track["part"].partition("|")[2] if len(places) == 1 else ""
        name = "as a whole" if track["part"] == "main" else part or track["part"]
        counts = (
            f"; {track['failing']} failing in a row ({data['confirm']} confirm), "
            f"{track['recovering']} good in a row ({data['recover']} recover)"
        )
        yield f"  {name}: {track['health']}{'' if _is_fed(data) else counts}"
    if quiet:
        yield f"  {len(quiet)} more part{'s' if len(quiet) > 1 else ''}: up, no look in a row failed"
    if not data["tracks"]:
        yield "  None yet."
    if data["flapping"]:
        yield "  It is flapping: at least four changes within 30 minutes."


def _is_quiet(track: dict[str, Any]) -> bool:
    return bool(track["part"] != "main" and track["health"] == "up" and not track["failing"])


def _incident_lines(incident: dict[str, Any]) -> Iterator[str]:
    yield f"  Incident {incident['id']} ({incident['state']}): {incident['title']}"
    for row in incident["timeline"]:
        yield f"    {row['at']}  {row['sentence']}"
    for row in incident["deliveries"]:
        answer = f": {row['answer']}" if row["answer"] else ""
        tries = f" after {row['attempts']} tries" if row["attempts"] > 1 else ""
        yield f"    {row['event']} to {row['channel']}: {row['state']}{tries}{answer}"


COMMAND = Command("explain", "why a monitor is in its state, step by step", configure, run)
