"""status, explain and add."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from watchpost import clock
from watchpost.cli.checks import Check
from watchpost.cli.command import Out, defused
from watchpost.cli.commands import doctor
from watchpost.cli.tests.conftest import Cli
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.monitors import edit
from watchpost.monitors.models import AliveSpan, Monitor, MonitorLast, Project, Transition

HOME: dict[str, Any] = {
    "name": "Home",
    "kind": "page",
    "url": "https://shop.example.com/",
    "token": "t-secret",
}


@pytest.fixture
def home(db: None) -> Monitor:
    now = clock.now()
    AliveSpan.objects.create(started_at=now, alive_at=now)
    return edit.create_monitor(edit.create_project("shop", now), HOME, now)


def trouble(home: Monitor) -> Incident:
    now = clock.now()
    state = home.state
    state.shown = state.health = "down"
    state.reason = "2 looks in a row failed"
    state.tracks = {"main": {"health": "down", "failing": [[2, None], [2, None], [0, None]]}}
    state.save()
    finding = {
        "code": "site.error_status",
        "sentence": "It answers 500.",
        "fix": "Read the log.",
        "subject": "/",
    }
    MonitorLast.objects.create(
        monitor=home, at=0, outcome="ok", total_ms=12, phases={}, address="192.0.2.1", findings=[finding]
    )
    Transition.objects.create(
        monitor=home, at=now, began=now, before="up", after="down", reason="2 looks failed"
    )
    incident = Incident.objects.create(
        project=home.project,
        environment="production",
        title="Home: It answers 500.",
        severity=2,
        began_at=now - timedelta(minutes=5),
        detected_at=now,
        causes=[
            {
                "code": "site.error_status",
                "confidence": 1,
                "sentence": "It answers 500.",
                "fix": "Read the log.",
            }
        ],
    )
    IncidentMember.objects.create(
        incident=incident, monitor=home, code="site.error_status", subject="/", severity=2, rank=1,
        sentence="It answers 500.", fix="", began_at=now, joined_at=now,
    )  # fmt: skip
    TimelineEntry.objects.create(incident=incident, at=now, kind="opened", sentence="Home opened it.")
    channel = Channel.objects.create(name="ops", kind="hook", config={}, created_at=now)
    Delivery.objects.create(
        delivery_id="1", channel=channel, incident=incident, event="opened", payload={}, state="delivered",
        created_at=now, attempts=2, answer="200 OK",
    )  # fmt: skip
    return incident


def test_status_of_nothing_and_of_all_well(cli: Cli, home: Monitor) -> None:
    home.state.shown = "up"
    home.state.save()
    assert cli("status").out == "Nothing is wrong: the one monitor is up.\n"
    edit.delete_monitor(home, clock.now(), "Ana")
    assert "Nothing is watched yet" in cli("status").out


def test_status_says_what_is_wrong(cli: Cli, home: Monitor) -> None:
    trouble(home)
    said = cli("status").out
    assert "shop: Home: It answers 500." in said
    assert "(5 min" in said
    assert "nobody has it yet" in said
    assert "Read the log." in said
    assert "1 open incident. Monitors: 1 down." in said
    data = cli("status", "--json", "--project", "shop").json
    assert data["incidents"][0]["monitors"][0]["state"] == "down"
    assert "did you mean shop?" in cli("status", "--project", "shopp").err


def test_status_says_when_nobody_looks(cli: Cli, home: Monitor) -> None:
    AliveSpan.objects.update(alive_at=clock.now() - timedelta(hours=2))
    assert "silent for 2 h" in cli("status").out
    AliveSpan.objects.all().delete()
    assert "No engine has ever run here" in cli("status").out


def test_explain_prints_the_stored_reasons(cli: Cli, home: Monitor) -> None:
    trouble(home)
    for name in ("home", "shop/home", str(home.pk)):
        said = cli("explain", name).out
    for words in (
        "shop/home is down", "2 looks in a row failed",
        "site.error_status: It answers 500.", "2 failing in a row (2 confirm)",
        "up -> down", "Home opened it.", "opened to ops: delivered after 2 tries: 200 OK",
    ):  # fmt: skip
        assert words in said
    assert "t-secret" not in said + json.dumps(cli("explain", "home", "--json").json)


def test_explain_counts_the_parts_that_are_well(cli: Cli, home: Monitor) -> None:
    trouble(home)
    failing, fine = home.state.tracks["main"], {"health": "up"}
    home.state.tracks |= {"local|cache": fine, "local|database": failing, "local|mail": fine}
    home.state.save()
    said = cli("explain", "home").out
    assert "  database: down; 2 failing in a row (2 confirm)" in said
    assert "  2 more parts: up, no look in a row failed" in said
    assert "cache" not in said
    home.state.tracks |= {"oslo|database": failing}
    home.state.save()
    said = cli("explain", "home").out
    assert "local|database: down" in said
    assert "oslo|database: down" in said


def test_explain_does_not_say_that_nobody_looked_above_the_last_look(cli: Cli, home: Monitor) -> None:
    MonitorLast.objects.create(monitor=home, at=1_700_000_000_000, outcome="failed", total_ms=9, phases={})
    said = cli("explain", "home").out
    assert "no look could tell its state yet" in said
    assert "not looked at yet" not in said


def test_explain_of_what_nobody_looks_at(real: None, cli: Cli) -> None:
    now = clock.now()
    spec = {"name": "Backup", "kind": "heartbeat", "period": "25h"}
    beat = edit.create_monitor(edit.create_project("shop", now), spec, now)
    said = cli("explain", "backup").out
    assert "  waits for its first ping\n  Its rule: expects a sign every 1 d 1 h" in said
    assert "1. The last ping\n  Nothing was told of it yet." in said
    noted = "Nothing changes: It waits for the first ping."
    MonitorLast.objects.create(monitor=beat, at=0, outcome="ok", total_ms=0, phases={}, reason=noted)
    beat.state.tracks = {"main": {"health": "new"}}
    beat.state.save()
    said = cli("explain", "backup").out
    assert said.count(noted) == 2
    assert re.search(r"^  1970-01-01T00:00:00\S*  judged$", said, re.MULTILINE)
    assert "2. The streaks\n  as a whole: new\n" in said
    assert "look" not in said
    assert cli("explain", "backup", "--json").json["noun"] == "ping"


def test_explain_of_what_is_new_unknown_or_ambiguous(cli: Cli, home: Monitor) -> None:
    assert "not been looked at yet" in cli("explain", "home").out
    assert "did you mean home?" in cli("explain", "hom").err
    assert "did you mean shop/home?" in cli("explain", "shop/hom").err
    now = clock.now()
    edit.create_monitor(edit.create_project("blog", now), HOME, now)
    assert "write one of" in cli("explain", "home").err


def look(monitor: Any, now: Any) -> Any:
    finding = SimpleNamespace(sentence="It answers 500.", fix="Read the log.")
    seen = SimpleNamespace(outcome=SimpleNamespace(value="ok"), total_ms=12.0)
    return SimpleNamespace(observation=seen, verdict=SimpleNamespace(findings=(finding,)))


def test_add_creates_and_looks_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchpost.prober import once

    monkeypatch.setattr(once, "look_once", look)
    ran = cli("add", "shop.example.com", "--yes")
    assert ran.code == 0, ran.err
    assert "1  Home page (page) https://shop.example.com every 1m" in ran.err
    assert "It is beside it." in ran.err
    assert "shop-example-com/home-page: answered in 12 ms" in ran.out
    assert "Read the log." in ran.out
    assert Project.objects.get().slug == "shop-example-com"
    assert Project.objects.get().monitors.count() == 2
    again = cli("add", "shop.example.com", "--yes")
    assert again.code == 0
    assert "=  Home page (page) is watched already as Home page" in again.err
    assert again.out == "Nothing new: what was found at shop.example.com is watched already.\n"
    assert "watchpost:" not in again.err
    ran = cli("add", "https://shop.example.com/health/", "--project", "shop-example-com", "--yes", "--json")
    assert ran.json["created"][0]["monitor"] == "shop-example-com/home-page-2"


def test_add_leaves_out_what_somebody_names(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchpost.prober import once

    monkeypatch.setattr(once, "look_once", look)
    typed = io.StringIO("9\nwhat\n2\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", typed)
    ran = cli("add", "shop.example.com")
    assert ran.err.count("write y, n, or some of the numbers 1 to 2") == 2
    assert [one.name for one in Project.objects.get().monitors.all()] == ["Home page"]
    refused = io.StringIO("n\n")
    monkeypatch.setattr(refused, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", refused)
    assert "nothing was created" in cli("add", "blog.example.com").err


def test_add_only_looks_for_nothing_else(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchpost.discovery import make
    from watchpost.prober import once

    monkeypatch.setattr(once, "look_once", look)
    monkeypatch.setattr(make, "discover", lambda *_: pytest.fail("it looked around"))
    assert cli("add", "shop.example.com", "--only", "--yes").code == 0
    monitor = Project.objects.get().monitors.get()
    assert monitor.config["url"] == "https://shop.example.com"


def test_add_asks_before_it_creates(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "add --yes" in cli("add", "shop.example.com").err
    assert "is not an address" in cli("add", "https://").err
    assert not Project.objects.exists()


def test_add_waits_for_a_running_engine(cli: Cli, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    from watchpost.cli.commands import add

    monkeypatch.setattr(add, "_WAIT_S", 0.3)
    with (data_dir / "engine.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "not looked at within" in cli("add", "shop.example.com", "--yes").out


def test_what_strangers_wrote_does_not_command_the_terminal() -> None:
    hostile = "a\x1b[2Jb\x9b31mc\rd\x07 \x1b]0;title\x07"
    assert defused(hostile) == r"a\x1b[2Jb\x9b31mc\x0dd\x07 \x1b]0;title\x07"
    painted = Out(colour=True).paint("red", "red")
    assert defused(f"{painted}\n\tö") == f"{painted}\n\tö"
    stream = io.StringIO()
    Out(json=True, stream=stream).show({"note": hostile}, [])
    assert json.loads(stream.getvalue()) == {"note": hostile}
    assert not set(stream.getvalue()) & {"\x1b", "\x9b", "\r", "\x07"}


def test_the_doctor_counts_one_as_one() -> None:
    well, wrong = Check("key", "ok", "Fine."), Check("database", "warning", "One migration waits.")
    assert list(doctor._lines([well, wrong], Out()))[-1] == "1 of 2 checks asks for something."
    assert list(doctor._lines([well, wrong, wrong], Out()))[-1] == "2 of 3 checks ask for something."
