"""The pages of heartbeats: what they say in each state, who sees an address, and what a page costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.e2e.beats import make, ping, seed_beats, shown
from tests.e2e.seed import Seeded, seed

from watchpost.accounts.links import make_token
from watchpost.accounts.models import Membership, User
from watchpost.core.heartbeat import Sign
from watchpost.engine.load import away_between
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.rows import facts_of_row, ms_of
from watchpost.heartbeats.runs import misses_of, runs_of
from watchpost.heartbeats.standing import standing_of
from watchpost.heartbeats.store import Timeout, note_timeouts
from watchpost.incidents.models import Incident, IncidentMember
from watchpost.incidents.payload import stamp
from watchpost.monitors.models import AliveSpan, Look, Monitor, MonitorLast
from watchpost.web.beats import printed, says
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

NOW = datetime.now(UTC).replace(microsecond=0)
RUN, OTHER = "728b3763-ea80-4113-9fc0-f49b3adf226a", "11111111-ea80-4113-9fc0-f49b3adf226a"
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


@pytest.fixture
def beats(seeded: Seeded) -> dict[str, Monitor]:
    return seed_beats(seeded.shop, NOW)


def standing(monitor: Monitor, now: datetime = NOW) -> tuple[str, str]:
    row = Heartbeat.objects.select_related("monitor__state").get(pk=monitor.pk)
    one = standing_of(row, now, away_between(now))
    return one.state, says(one, now)


@pytest.mark.parametrize(
    ("which", "state", "said"),
    [
        ("new", "new", "expects a sign every 1 d"),
        ("late", "late", "expected 3 min ago, 57 min left"),
        ("running", "running", "for 4 min, 56 min left"),
        ("failed", "down", "failed 1 h ago, exit code 3"),
        ("missed", "down", "was expected 5 h ago"),
        ("paused", "paused", "its silence is not judged"),
    ],
)
def test_each_state_is_told_in_words(beats: dict[str, Monitor], which: str, state: str, said: str) -> None:
    assert standing(beats[which]) == (state, said)


def test_one_that_overran_and_one_whose_time_is_over(seeded: Seeded) -> None:
    one = make(seeded.shop, "Long", NOW, period="1h", grace="10m")
    ping(one, NOW - timedelta(minutes=12), Sign.START)
    assert standing(one) == ("running", "for 12 min, it should have ended")
    other = make(seeded.shop, "Late", NOW, period="1h", grace="10m")
    ping(other, NOW - timedelta(minutes=75))
    assert standing(other) == (
        "late",
        "expected 15 min ago, no time left",
    )  # the engine has not judged it yet


def test_one_that_printed_something_else_is_not_called_overdue(seeded: Seeded) -> None:
    """It came in time: until its next time is over, what it printed is what is wrong."""
    one = make(seeded.shop, "Checked", NOW, period="1h", grace="10m", output="0 errors")
    ping(one, NOW - timedelta(minutes=5), body=b"5 errors")
    shown(one, "down", NOW)
    assert standing(one) == ("down", "ended 5 min ago without the output it should have")
    assert standing(one, NOW + timedelta(hours=2)) == ("down", "was expected 1 h ago")


def test_a_run_that_began_twice_is_one_run(seeded: Seeded) -> None:
    """Beat announces the first one of an entry and the worker begins it; one that is tried again begins anew."""
    one = make(seeded.shop, "Backup", NOW)
    at = NOW - timedelta(hours=1)
    for run in (RUN, ""):
        ping(one, at, Sign.START, run=run)
        ping(one, at + timedelta(minutes=5), Sign.START, run=run)
        ping(one, at + timedelta(minutes=7), Sign.SUCCESS, run=run)
    found = [(each.run, each.sign, each.took_s) for each in runs_of(one.pk)]
    # Without an id nobody knows whether the first of two starts was another run.
    assert found == [("", Sign.SUCCESS, 120.0), ("", Sign.START, None), (RUN, Sign.SUCCESS, 120.0)]


def test_starts_and_ends_are_one_run_also_beside_each_other(seeded: Seeded) -> None:
    one = make(seeded.shop, "Backup", NOW)
    at = NOW - timedelta(hours=1)
    ping(one, at, Sign.START, run=RUN)
    ping(one, at + timedelta(minutes=5), Sign.SUCCESS, b"done", run=RUN)
    ping(one, at + timedelta(minutes=6), Sign.START)  # never ends
    ping(one, at + timedelta(minutes=7), Sign.START, run=OTHER)
    ping(one, at + timedelta(minutes=9), Sign.FAIL, run=OTHER)
    ping(one, at + timedelta(minutes=10), Sign.LOG, b"a word")
    found = [(run.sign, run.took_s, run.size) for run in runs_of(one.pk)]
    assert found == [("log", None, 6), ("fail", 120.0, 0), ("start", None, 0), ("success", 300.0, 4)]
    assert runs_of(one.pk)[3].began == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_misses_say_how_long(beats: dict[str, Monitor]) -> None:
    missed = beats["missed"]
    [miss] = misses_of(missed.pk, 8)
    assert miss.until is None
    ping(missed, NOW)
    [miss] = misses_of(missed.pk, 8)
    assert miss.until is not None
    assert misses_of(beats["failed"].pk, 8) == []  # it said so itself


def test_a_run_that_did_not_end_is_no_silence(seeded: Seeded) -> None:
    one = make(seeded.shop, "Long", NOW, period="1h", grace="10m")
    ping(one, NOW - timedelta(minutes=12), Sign.START)
    facts = facts_of_row(Heartbeat.objects.get(pk=one.pk))
    note_timeouts([Timeout(one.pk, NOW - timedelta(minutes=2), "new", facts)])
    client, page = enter(seeded.admin), f"/monitors/{one.pk}/"
    assert "its run did not end in time; still no end" in words(client.get(page))
    ping(one, NOW)
    assert "its run did not end in time; 2 min until the next sign" in words(client.get(page))


def test_the_list_names_each_with_what_is_due(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    said = words(enter(seeded.admin).get("/heartbeats/"))
    assert "8 heartbeats Add a heartbeat" in said
    assert "Newsletter queue shop Late expected 3 min ago, 5" in said
    assert "Search index shop Running for 4 min, 5" in said
    assert said.index("Daily reconciliation") < said.index("Newsletter queue") < said.index("Nightly backup")
    late = words(enter(seeded.admin).get("/heartbeats/?state=late"))
    assert "1 of 8 heartbeats matches" in late
    assert "Nightly backup" not in late
    assert "0 of 8 heartbeats match" in words(enter(seeded.admin).get("/heartbeats/?project=billing"))


def test_strangers_see_nothing_and_viewers_no_address(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    one = beats["up"]
    code = str(Heartbeat.objects.get(pk=one.pk).code)
    paths = (f"/monitors/{one.pk}/", f"/monitors/{one.pk}/pings/80/")
    stranger, viewer = enter(seeded.stranger), enter(seeded.viewer)
    assert [stranger.get(path).status_code for path in paths] == [404, 404]
    assert "Nightly backup" not in words(stranger.get("/heartbeats/"))
    page = viewer.get(paths[0])
    assert code not in page.content.decode()
    assert "shop-ping" not in page.content.decode()
    assert viewer.get(paths[1]).status_code == 200
    owner = User.objects.create_user("olga@example.com", "x" * 12)
    Membership.objects.create(user=owner, project=seeded.shop, role="owner")
    assert f"/ping/{code}" in enter(owner).get(paths[0]).content.decode()


@pytest.mark.parametrize("path", ["/heartbeats/", "/monitors/", "/projects/shop/", "/monitors/{}/",
                                  "/monitors/{}/pings/1/", "/monitors/{}/pings/2/", "/incidents/"])  # fmt: skip
def test_hostile_words_stay_words(seeded: Seeded, beats: dict[str, Monitor], path: str) -> None:
    page = enter(seeded.admin).get(path.format(beats["hostile"].pk))
    text = page.content.decode()
    assert page.status_code == 200
    assert "<script>document" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert printed("größe: 5\r\n".encode()).text == "größe: 5\n"
    odd = printed(b"a rather long line of words \xff and \x1b[31mred")
    assert odd.text == "a rather long line of words \\xff and \\x1b[31mred"
    assert odd.note == "1 byte of it is no UTF-8."
    dump = printed(b"\x00\x01PK")
    assert dump.text.split() == ["0000", "00", "01", "50", "4b", "..PK"]
    assert not dump.is_text
    assert printed(("long " * 9 + "\u20ac").encode()[:-1]).text == "long " * 9 + "\\xe2\\x82"


def test_a_ping_that_is_not_there(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    for n in ("99999", "9" * 30):
        assert enter(seeded.admin).get(f"/monitors/{beats['up'].pk}/pings/{n}/").status_code == 404


def test_runs_are_paged(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    path = f"/monitors/{beats['up'].pk}/"
    first, last = (words(enter(seeded.admin).get(path + asked)) for asked in ("", "?runs=99"))
    assert "1–20 of 40 that are kept Older" in first
    assert "Newer 21–40 of 40 that are kept" in last


def test_what_means_nothing_for_a_heartbeat_is_absent(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    client = enter(seeded.admin)
    for one in beats.values():
        said = words(client.get(f"/monitors/{one.pk}/"))
        for word in ("Look now", "p95", "Response time", "Gives up", "Confirms", "first look", "0 ms"):
            assert word not in said, word
    for path in ("/monitors/", "/projects/shop/"):
        said = words(client.get(path))
        assert " 0 ms" not in said
        assert "not looked at yet" not in said
        assert "Waiting for the first ping" in said
    assert "Scheduled work" in words(client.get("/projects/shop/"))


def test_the_menu_marks_where_it_was_found(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    for path in ("/heartbeats/", f"/monitors/{beats['up'].pk}/"):
        [marked] = re.findall(
            r'<a href="(/\w+/)" aria-current="page">', enter(seeded.admin).get(path).content.decode()
        )
        assert marked == "/heartbeats/"


def test_the_api_tells_how_one_stands_and_its_address_to_those_who_may_change_it(
    seeded: Seeded, beats: dict[str, Monitor]
) -> None:
    late = beats["late"]
    MonitorLast.objects.update_or_create(
        monitor=late, defaults={"at": 0, "outcome": "ok", "total_ms": 0.0, "phases": {}}
    )
    told = []
    for read_only in (False, True):
        token = make_token(f"ci {read_only}", None, read_only, NOW)
        answer = Client().get(f"/v1/monitors/{late.pk}", headers={"Authorization": f"Bearer {token}"})
        told.append(answer.json())
    assert told[0]["heartbeat"]["state"] == "late"
    assert told[0]["heartbeat"]["next_due"] == stamp(NOW - timedelta(minutes=3))
    assert told[0]["heartbeat"]["last_run_s"] == pytest.approx(9, 0.01)
    assert told[0]["last"]["total_ms"] is None
    assert told[0]["ping_url"].endswith(f"/ping/{Heartbeat.objects.get(pk=late.pk).code}")
    assert told[0]["ping_url_by_name"].endswith("/ping/shop-ping/newsletter-queue")
    assert "ping_url" not in str(told[1])
    assert "shop-ping" not in str(told[1])


@pytest.mark.parametrize("domain", ["", "ping.example.com"])
def test_mail_addresses_are_shown_while_mail_is_taken(
    seeded: Seeded, beats: dict[str, Monitor], settings: Any, domain: str
) -> None:
    settings.PING_MAIL_DOMAIN = domain
    late = beats["late"]
    by_id = f"{Heartbeat.objects.get(pk=late.pk).code}@ping.example.com"
    by_name = "shop-ping+newsletter-queue@ping.example.com"
    token = make_token("ci", None, False, NOW)
    told = Client().get(f"/v1/monitors/{late.pk}", headers={"Authorization": f"Bearer {token}"}).json()
    page = enter(seeded.admin).get(f"/monitors/{late.pk}/").content.decode()
    assert (told.get("ping_mail"), told.get("ping_mail_by_name")) == (
        (by_id, by_name) if domain else (None, None)
    )
    assert (by_id in page, by_name in page, "By mail" in page) == (bool(domain),) * 3


def test_an_incident_of_a_heartbeat_has_no_empty_chart(seeded: Seeded, beats: dict[str, Monitor]) -> None:
    incident = Incident.objects.create(
        project=seeded.shop, environment="production", title="It did not come.", severity=2, state="open",
        began_at=NOW - timedelta(hours=4), detected_at=NOW, causes=[],
    )  # fmt: skip
    IncidentMember.objects.create(
        incident=incident, monitor=beats["missed"], code="heartbeat.missed", subject="run", severity=2, rank=1,
        sentence="It did not come.", fix="", began_at=NOW, joined_at=NOW,
    )  # fmt: skip
    Look.objects.create(monitor_id=beats["missed"].pk, at=ms_of(NOW - timedelta(hours=1)), location="local",
                        outcome="ok", total_ms=0.0, dns_ms=0, connect_ms=0, tls_ms=0, wait_ms=0, transfer_ms=0)  # fmt: skip
    client = enter(seeded.admin)
    page = client.get(f"/incidents/{incident.pk}/")
    assert "Look now" not in words(page)
    assert "Response time" not in page.content.decode()
    assert "Daily reconciliation" in words(page)
    assert "Look now" in words(client.get(f"/incidents/{seeded.incident.pk}/"))


def test_the_agents_snippets_are_there_for_a_name_that_means_one_heartbeat(seeded: Seeded) -> None:
    one = make(seeded.shop, "Import", NOW)
    client, page = enter(seeded.admin), f"/monitors/{one.pk}/?how=celery"
    said = words(client.get(page))
    assert '@heartbeat("import")' in said
    assert f'"PING_KEY": "{seeded.shop.ping_key}"' in said
    make(seeded.shop, "Its twin", NOW, ping_slug="import")  # pings to this name are refused from now on
    said = words(client.get(page))
    assert "@heartbeat" not in said
    assert "Celery alone" in said
    nameless = make(seeded.shop, "Nameless", NOW, ping_slug="")
    assert "@heartbeat" not in words(client.get(f"/monitors/{nameless.pk}/?how=django"))


def test_time_left_counts_what_watchpost_was_away(seeded: Seeded) -> None:
    now = datetime.now(UTC).replace(
        microsecond=0
    )  # of this moment: a ledger that was not kept since is an absence, too
    one = make(seeded.shop, "Import", now, period="1h", grace="30m")
    ping(one, now - timedelta(minutes=80))
    shown(one, "up", now)
    AliveSpan.objects.all().delete()
    AliveSpan.objects.create(started_at=now - timedelta(days=1), alive_at=now - timedelta(minutes=18))
    AliveSpan.objects.create(started_at=now - timedelta(minutes=6), alive_at=now)
    assert standing(one, now) == ("late", "expected 20 min ago, 22 min left")
    client = enter(seeded.admin)
    page = words(client.get(f"/monitors/{one.pk}/"))
    assert "12 min later than its grace says: Watchpost was away for as long" in page
    for path in (f"/monitors/{one.pk}/", "/heartbeats/"):
        assert re.search(r"expected 2\d min ago, 2\d min left", words(client.get(path)))
    AliveSpan.objects.create(started_at=now, alive_at=now)
    other = make(seeded.shop, "Fresh", now, period="1h", grace="30m")
    ping(other, now)
    assert "later than its grace" not in words(client.get(f"/monitors/{other.pk}/"))
