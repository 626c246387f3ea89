"""The page of an incident, also in a storm: nothing twice, nothing endless, nothing said that is not so."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from tests.e2e.seed import Seeded, seed

from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.monitors.models import Change, Look, Monitor
from watchpost.web import charts
from watchpost.web.tests.test_access import enter

NOW = datetime.now(UTC)
FIX = "Look at the log."
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


def sentence(number: int) -> str:
    return f"https://shop.example/{number} answers 500."


def incident(seeded: Seeded, count: int, title: str = "") -> Incident:
    row = Incident.objects.create(
        project=seeded.shop,
        environment="production",
        title=title or f"page 0: {sentence(0)}",
        severity=2,
        causes=[{"code": "site.error_status", "confidence": 55, "sentence": sentence(0), "fix": FIX}],
        began_at=NOW - timedelta(minutes=5),
        detected_at=NOW,
    )
    for number in range(count):
        monitor = Monitor.objects.create(
            project=seeded.shop,
            slug=f"p{number}",
            name=f"page {number}",
            kind="http",
            created_at=NOW,
            config={},
        )
        IncidentMember.objects.create(
            incident=row,
            monitor=monitor,
            code="site.error_status",
            subject="500",
            severity=2,
            rank=0,
            sentence=sentence(number),
            fix=FIX,
            began_at=NOW - timedelta(minutes=5),
            joined_at=NOW,
        )
    return row


def enter_at(row: Incident, kind: str, said: str, actor: str = "") -> None:
    TimelineEntry.objects.create(incident=row, at=NOW, kind=kind, sentence=said, actor=actor)


def test_a_sentence_is_said_once_and_a_name_is_not_changed(seeded: Seeded) -> None:
    row = incident(seeded, 1)
    said = words(enter(seeded.admin).get(f"/incidents/{row.pk}/")).split("Down for")[1]
    assert said.count(sentence(0)) == 1
    assert "page 0: https" in said
    assert FIX in said
    for path in ("/", "/incidents/"):
        assert words(enter(seeded.admin).get(path)).count(sentence(0)) == 1


def test_a_storm_says_how_many_and_folds_what_repeats(seeded: Seeded) -> None:
    row = incident(seeded, 34, "34 monitors at shop.example are down: page 0 and 33 more")
    enter_at(row, "opened", "page 0: Now down.")
    for number in range(1, 34):
        enter_at(row, "joined", f"page {number}: {sentence(number)} It has the host in common.")
        enter_at(row, "failed", f"hook-x could not be told (updated), attempt {number}: {'x' * 300}")
    enter_at(row, "acknowledged", "Ana acknowledged it.")
    enter_at(row, "failed", "hook-x was switched off: 404")
    answer = enter(seeded.admin).get(f"/incidents/{row.pk}/")
    said = words(answer)
    assert "Affected: 34 monitors" in said
    assert "and 28 more" in said
    assert "33 more monitors joined: page 1, page 2, page 3 and 30 more" in said
    assert "hook-x could not be told, 33 attempts" in said
    assert answer.content.count(b"<details><summary>") == 2
    assert "x" * 300 not in said
    assert said.index("Ana acknowledged it.") < said.index("hook-x was switched off: 404")


def test_messages_of_one_channel_are_counted(seeded: Seeded) -> None:
    row = incident(seeded, 1)
    for number in range(4):
        Delivery.objects.create(
            delivery_id=f"x{number}", channel=seeded.channel, incident=row, event="updated", payload={},
            state="delivered", created_at=NOW, delivered_at=NOW,
        )  # fmt: skip
    said = words(enter(seeded.admin).get(f"/incidents/{row.pk}/"))
    assert "ops-mail updated arrived 4 times, last" in said
    Channel.objects.filter(pk=seeded.channel.pk).update(broken="404")
    Delivery.objects.update(state="pending")
    said = words(enter(seeded.admin).get(f"/incidents/{row.pk}/"))
    assert "waits until the channel is switched on again" in said
    assert "on its way" not in said


def test_a_note_names_who_wrote_it_and_keeps_its_lines(seeded: Seeded) -> None:
    row = incident(seeded, 1)
    client = enter(seeded.admin)
    client.post(f"/incidents/{row.pk}/note/", {"text": "first\nsecond"})
    page = client.get(f"/incidents/{row.pk}/").content.decode()
    assert "<b>Ana M.:</b> first<br>second" in page


def test_the_only_monitor_was_deleted(seeded: Seeded) -> None:
    row = incident(seeded, 0)
    assert "is deleted, with its history" in words(enter(seeded.admin).get(f"/incidents/{row.pk}/"))


def test_confidence_is_percent(seeded: Seeded) -> None:
    row = incident(seeded, 1)
    row.causes = [*row.causes, {"code": "site.slow", "confidence": 50, "sentence": "Slow.", "fix": ""}]
    row.save()
    said = words(enter(seeded.admin).get(f"/incidents/{row.pk}/"))
    assert " 55 %" in said
    assert "5500" not in said


def test_an_incident_held_open_by_flapping_is_not_headed_down(seeded: Seeded) -> None:
    seeded.incident.members.update(left_at=NOW)
    admin = enter(seeded.admin)
    page = words(admin.get(f"/incidents/{seeded.incident.pk}/"))
    assert "Up again, flapping" in page
    assert "Down for" not in page
    card = admin.get("/").content.decode().split("<article")[1]
    assert "Flapping" in card
    assert "Down" not in card


def test_a_link_from_a_mail_says_at_once_that_it_is_over(seeded: Seeded) -> None:
    token = signing.dumps({"incident": seeded.incident.pk, "do": "resolve"}, salt="incident-action")
    open_now = words(enter(seeded.admin).get(f"/i/{token}/"))
    assert "Down for" in open_now
    ended = NOW - timedelta(hours=1)
    Incident.objects.filter(pk=seeded.incident.pk).update(state="resolved", resolved_at=ended)
    page = enter(seeded.admin).get(f"/i/{token}/")
    assert "It is over. There is nothing to do." in words(page)
    assert "Resolved 1 h ago" in words(page)
    assert b'<form method="post"' not in page.content


def test_all_its_monitors_are_looked_at_now_by_those_who_may_change_it(seeded: Seeded) -> None:
    row = incident(seeded, 3)
    admin, viewer = enter(seeded.admin), enter(seeded.viewer)
    page = admin.get(f"/incidents/{row.pk}/")
    assert 'action="look/"' in page.content.decode()
    said = words(admin.post(f"/incidents/{row.pk}/look/", follow=True))
    assert "Looking at 3 monitors now" in said
    one = row.members.order_by("id")[0].monitor
    assert set(Change.objects.filter(topic="look").values_list("key", flat=True)) == {
        str(pk) for pk in row.members.values_list("monitor_id", flat=True)
    }
    assert f'action="/monitors/{one.pk}/look/"' in admin.get(f"/monitors/{one.pk}/").content.decode()
    assert "less than 10 s ago" in words(admin.post(f"/monitors/{one.pk}/look/", follow=True))
    assert 'look/"' not in viewer.get(f"/incidents/{row.pk}/").content.decode()
    for path in (f"/incidents/{row.pk}/look/", f"/monitors/{one.pk}/look/"):
        assert viewer.post(path).status_code == 403


def looks(monitor: Monitor, failed: set[int], severity: int) -> None:
    """One a minute for half an hour, those so many minutes ago failed; the last five with this severity."""
    for ago in range(1, 31):
        bad = ago in failed
        Look.objects.create(
            monitor_id=monitor.pk, location="local", at=int((NOW - timedelta(minutes=ago)).timestamp() * 1000),
            outcome="timeout" if bad else "ok", severity=2 if bad else severity if ago <= 5 else None,
            total_ms=20.0, dns_ms=0, connect_ms=0, tls_ms=0, wait_ms=20.0, transfer_ms=0, address="",
        )  # fmt: skip


@pytest.mark.parametrize(("severity", "kind"), [(1, "miss warn"), (2, "miss")])
def test_the_chart_shades_the_time_of_this_incident(seeded: Seeded, severity: int, kind: str) -> None:
    """Looks that are only degraded, too; of an earlier outage stands a mark at the foot."""
    row = incident(seeded, 1)
    IncidentMember.objects.filter(incident=row).update(severity=severity)
    looks(row.members.get().monitor, {12, 13}, severity)
    page = enter(seeded.admin).get(f"/incidents/{row.pk}/").content.decode()
    bands = re.findall(r'<rect class="(miss[a-z ]*)" x="([\d.]+)" y="0.00" width="([\d.]+)"', page)
    moment = float(re.findall(r'class="moment" x1="([\d.]+)"', page)[0])
    assert [(kind, float(x)) for kind, x, _ in bands] == [(kind, pytest.approx(moment, abs=1))]
    assert float(bands[0][1]) + float(bands[0][2]) == pytest.approx(720, abs=1)
    feet = [float(x) for x in re.findall(r'class="miss foot" x="([\d.]+)" y="31.00"', page)]
    minute = 720 / 15
    assert len([x for x in feet if x < moment - minute]) == 2


def test_the_shade_ends_where_it_was_well_again_and_down_wins() -> None:
    assert charts.worst_of([(0.2, 0.6, False), (0.4, 0.5, True), (0.6, 0.7, False), (0.8, 0.9, True)]) == [
        (0.2, 0.4, False),
        (0.4, 0.5, True),
        (0.5, 0.7, False),
        (0.8, 0.9, True),
    ]
