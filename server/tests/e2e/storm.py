"""An evil day for the pages: a storm of many monitors, names and answers that cannot be broken, pages of lists."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.monitors.models import Monitor, MonitorState, Project

ODD = ("W" * 100, "<script>alert(1)</script> & co", "A name of many words " * 4, "é" * 60)
MANY, MEMBERS = 130, 34


def seed_storm(project: Project, channel: Channel, now: datetime) -> Incident:
    began = now - timedelta(minutes=4)
    rows = [_monitor(project, number, began) for number in range(MANY)]
    incident = Incident.objects.create(
        project=project,
        environment="production",
        title=f"{ODD[0]}: {_says(0)} {MEMBERS - 1} more at 127.0.0.8 are down, too",
        severity=2,
        causes=[{"code": "site.error_status", "confidence": 95, "sentence": _says(0), "fix": "Look at the log."}],
        began_at=began,
        detected_at=began,
        last_told_at=began,
    )  # fmt: skip
    IncidentMember.objects.bulk_create(
        IncidentMember(
            incident=incident, monitor=row, code="site.error_status", subject="500", severity=2, rank=0,
            sentence=_says(number), fix="", began_at=began, joined_at=began,
        )
        for number, row in enumerate(rows[:MEMBERS])
    )  # fmt: skip
    _tell(incident, rows, channel, began)
    return incident


def _says(number: int) -> str:
    return f"http://127.0.0.8:9100/flip/{number}?{'q' * 90 * (number % 9 == 0)} answers 500 instead of 200."


def _monitor(project: Project, number: int, began: datetime) -> Monitor:
    name = ODD[number] if number < len(ODD) else f"Service {number} page"
    tags = ["g" * 60, "team-3"] if number == 5 else []
    row = Monitor.objects.create(
        project=project, slug=f"m{number}", name=name, kind="http", tags=tags, created_at=began,
        config={"url": f"http://127.0.0.8:9100/flip/{number}"},
    )  # fmt: skip
    bad = number < MEMBERS
    MonitorState.objects.create(
        monitor=row, shown="down" if bad else "up", health="down" if bad else "up", since=began,
        reason=f"Now down; 2 looks in a row failed: {_says(number)}", findings=[],
    )  # fmt: skip
    return row


def _tell(incident: Incident, rows: list[Monitor], channel: Channel, began: datetime) -> None:
    said = [("opened", f"{rows[0].name}: Now down.")]
    for number, row in enumerate(rows[1:MEMBERS], start=1):
        said.append(("joined", f"{row.name}: {_says(number)} It has the host 127.0.0.8 in common."))
        answer = f"500 {'x' * 300}"
        said.append(("failed", f"old-hook could not be told (updated), attempt {number}: {answer}"))
    for place, (kind, sentence) in enumerate(said):
        at = began + timedelta(seconds=place)
        TimelineEntry.objects.create(incident=incident, at=at, kind=kind, sentence=sentence)
    for number in range(20):
        Delivery.objects.create(
            delivery_id=f"storm{number}", channel=channel, incident=incident, event="updated", created_at=began,
            payload={"title": incident.title, "reason": f"Service {number} page joined: {_says(number)}"},
            state="failed", answer=f"500 {'x' * 300}",
        )  # fmt: skip
