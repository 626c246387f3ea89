"""Invented heartbeats for looking at their pages: one in each state, and one whose every text is hostile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from watchpost.core.heartbeat import Ping, Sign
from watchpost.heartbeats.models import Flip, Heartbeat
from watchpost.heartbeats.rows import ms_of
from watchpost.heartbeats.store import Incoming, Timeout, note_timeouts, store_pings
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, MonitorState, Project

HOSTILE = "<script>document.title='hit'</script>\"><img src=x onerror=\"document.title='hit'\">"
OUTPUT = "dumping shop … 4.2 GB\ncompressing\nuploading to s3://backups/shop\ndone: 0 errors\n"
BYTES = bytes(range(256)) * 2


def make(project: Project, name: str, now: datetime, **spec: Any) -> Monitor:
    return edit.create_monitor(project, {"name": name, "kind": "heartbeat"} | spec, now)


def ping(monitor: Monitor, at: datetime, sign: Sign = Sign.SUCCESS, body: bytes = b"", **more: Any) -> None:
    """As the web process stores it."""
    code, run = Heartbeat.objects.get(pk=monitor.pk).code, more.pop("run", "")
    method = "POST" if body else "GET"
    one = Incoming(Ping(at, sign, method, body, run), code=code, scheme="https", address="203.0.113.9",
                   **{"agent": "curl/8.14.1", **more})  # fmt: skip
    assert store_pings([one], at)[0].outcome == "ok"


def runs(monitor: Monitor, end: datetime, every: timedelta, count: int, took_s: float) -> None:
    """Runs that said when they began; the last one ended at ``end``."""
    for back in range(count - 1, -1, -1):
        at = end - back * every
        longer = took_s * (1 + 0.35 * ((back * 7) % 5) / 5)
        ping(monitor, at - timedelta(seconds=longer), Sign.START)
        ping(monitor, at, body=OUTPUT.encode(), exit_code=0)


def shown(monitor: Monitor, state: str, since: datetime, reason: str = "The last ping was good.") -> None:
    """What the engine makes of it."""
    finding = {"code": "heartbeat.missed", "subject": "run", "sentence": reason, "severity": 2,
               "fix": "See whether the job was started at all."}  # fmt: skip
    bad = state in ("down", "degraded")
    MonitorState.objects.filter(monitor=monitor).update(
        shown=state, health=state, since=since, reason=reason, findings=[finding] if bad else []
    )
    Flip.objects.filter(monitor=monitor).update(handled=True)


def seed_beats(project: Project, now: datetime) -> dict[str, Monitor]:
    """By what is to be seen of each."""
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    new = make(project, "Invoices to the bank", now)
    began = (now - 5 * hour - 6 * minute).astimezone(ZoneInfo("Europe/Lisbon"))  # up at whatever hour this is
    daily = f"{began.minute} {began.hour} * * *"
    up = make(project, "Nightly backup", now, schedule=daily, timezone="Europe/Lisbon", period="1d")
    runs(up, now - 5 * hour, day, 40, 252)
    late = make(project, "Newsletter queue", now, period="1h", grace="1h")
    runs(late, now - 63 * minute, hour, 20, 9)
    running = make(project, "Search index", now, period="1d", grace="1h")
    runs(running, now - 23 * hour, day, 12, 1500)
    ping(running, now - 4 * minute, Sign.START)
    failed = make(project, "Export to the warehouse", now, period="6h")
    runs(failed, now - 7 * hour, 6 * hour, 9, 61)
    ping(failed, now - 65 * minute, Sign.START)
    ping(failed, now - hour, Sign.FAIL, b"disk full\nTraceback: OSError: [Errno 28]\xff\n", exit_code=3)
    missed = make(project, "Daily reconciliation", now, period="25h", grace="1h")
    runs(missed, now - 30 * hour, 25 * hour, 6, 40)
    code = Heartbeat.objects.get(pk=missed.pk)
    assert code.last_ping == ms_of(now - 30 * hour)
    facts = {"pings": code.pings, "status": "up"}
    note_timeouts([Timeout(missed.pk, now - 4 * hour, "up", facts)])
    paused = make(project, "Old import", now, period="1d")
    runs(paused, now - 3 * day, day, 3, 5)
    edit.set_paused(paused, True, now)
    hostile = make(project, HOSTILE[:99], now, slug="hostile")
    ping(
        hostile,
        now - minute,
        Sign.FAIL,
        HOSTILE.encode() + b"\x1b[31m\xe2\x80\xae",
        agent=HOSTILE,
        exit_code=1,
    )
    ping(hostile, now - minute / 2, Sign.LOG, BYTES, agent="\u202eevil")
    shown(up, "up", now - 20 * day)
    shown(late, "up", now - 20 * day)
    shown(running, "up", now - 12 * day)
    shown(failed, "down", now - hour, "The job reported that it failed with exit code 3: disk full.")
    shown(
        missed,
        "down",
        now - 4 * hour,
        "No sign came: it was expected Fri 27 Nov 13:20:00 UTC, and 1 h more were given.",
    )
    shown(paused, "paused", now - day, "paused by Ana")
    shown(hostile, "down", now - minute, f"The job reported that it failed with exit code 1: {HOSTILE}.")
    return {"new": new, "up": up, "late": late, "running": running, "failed": failed, "missed": missed,
            "paused": paused, "hostile": hostile}  # fmt: skip
