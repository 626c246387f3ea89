"""The page of what ends, the private addresses, the feed and the API: who sees what, and who does not."""

from __future__ import annotations

import html
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.signals import password_reset
from django.test import Client
from icalendar import Calendar

from watchpost.accounts.links import make_token
from watchpost.accounts.models import User
from watchpost.accounts.people import vouch
from watchpost.config.logs import LinksAreSecret
from watchpost.monitors import edit
from watchpost.monitors.models import MonitorLast, MonitorState, Project
from watchpost.reports.endings import dues_of, watched_in
from watchpost.reports.models import CalendarFeed
from watchpost.reports.tests.conftest import NOW, certificate, enter, member, page, seen

pytestmark = pytest.mark.django_db


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.unescape(answer.content.decode())).split())


def new_address(client: Client, name: str = "My phone", alarm: str = "7") -> str:
    client.post("/calendar/feeds/", {"name": name, "alarm": alarm})
    found = re.search(r"http[^<]*/calendar/[\w-]+\.ics", client.get("/calendar/").content.decode())
    assert found
    return found[0].removeprefix("http://localhost:8090")


def test_what_ends_next_comes_first_under_its_heading(shop: Project, blog: Project) -> None:
    seen(shop, "old.example", "f0", -1.5)
    seen(shop, "shop.example", "f1", 3)
    seen(shop, "www.shop.example", "f1", 3)
    seen(blog, "blog.example", "f2", 20)
    seen(blog, "long.example", "f3", 80)
    admin = User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True)
    said = words(enter(admin).get("/calendar/"))
    order = ["One thing has ended.", "Overdue", "Certificate of old.example", "1 day ago", "This week", "Certificate of shop.example",
             "in 2 days", "This month", "Certificate of blog.example", "in 19 days", "Later", "in 79 days"]  # fmt: skip
    places = [said.index(part) for part in order]
    assert places == sorted(places), said
    assert said.count("Issued by Let's Encrypt") == 4  # one certificate on two names is one row
    row = said[said.index("Certificate of shop.example") : said.index("This month")]
    assert "shop.example" in row
    assert "www.shop.example" in row
    assert "last seen" not in said


def test_everybody_sees_their_own_projects_alone(shop: Project, blog: Project) -> None:
    seen(shop, "shop.example", "f1", 3)
    seen(blog, "blog.example", "f1", 3)  # one certificate on both, even so
    said = words(enter(member(shop)).get("/calendar/"))
    assert "shop.example" in said
    assert "blog.example" not in said
    assert Client().get("/calendar/").status_code == 302


def test_what_was_seen_long_ago_and_what_cannot_be_read_are_told_apart(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 3)
    MonitorLast.objects.update(at=int((NOW - timedelta(days=5)).timestamp() * 1000))
    page(
        shop, "odd.example", {"certificate": {"host": "odd.example", "fingerprint": "x", "not_after": "soon"}}
    )
    sealed = page(shop, "gone.example", {"certificate": certificate("f9", 1, "gone.example")})
    sealed.config = sealed.config | {"url": 17}
    sealed.save()
    said = words(enter(member(shop)).get("/calendar/"))
    assert "last seen 5 days ago" in said
    assert "odd.example" not in said
    assert "gone.example" not in said


def test_the_empty_page_teaches(shop: Project) -> None:
    client = enter(member(shop))
    assert "Nothing is watched yet" in words(client.get("/calendar/"))
    page(shop, "shop.example")
    assert "No monitor has met a certificate" in words(client.get("/calendar/"))


def test_a_feed_is_shown_once_read_by_calendars_and_follows_its_owners_rights(
    shop: Project, blog: Project
) -> None:
    first = seen(shop, "shop.example", "f1", 30)
    seen(blog, "blog.example", "f2", 30)
    user = member(shop)
    address = new_address(enter(user))
    assert "/calendar/" not in words(enter(user).get("/calendar/"))  # shown once
    assert address.split("/")[-1].removesuffix(".ics") not in str(CalendarFeed.objects.values())
    answer = Client().get(address)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "session" not in str(answer.cookies)
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("dtstart") == NOW + timedelta(days=30)
    assert f"/monitors/{first.pk}/" in str(event["description"])
    assert "203.0.113.7" not in answer.content.decode()
    assert CalendarFeed.objects.get().last_used_at is not None
    user.memberships.all().delete()
    assert Calendar.from_ical(Client().get(address).content).walk("VEVENT") == []
    user.is_active = False
    user.save()
    assert Client().get(address).status_code == 404


def test_an_unchanged_feed_is_not_sent_again(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 30)
    address = new_address(enter(member(shop)))
    first = Client().get(address)
    assert Client().get(address).content == first.content
    MonitorLast.objects.update(at=int(NOW.timestamp() * 1000))  # another look that saw the same
    by_tag = Client().get(address, headers={"If-None-Match": first["ETag"]})
    by_date = Client().get(address, headers={"If-Modified-Since": first["Last-Modified"]})
    assert (by_tag.status_code, by_tag.content, by_date.status_code) == (304, b"", 304)
    seen(shop, "new.example", "f2", 40)
    changed = Client().get(address, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]
    assert len(Calendar.from_ical(changed.content).walk("VEVENT")) == 2


def test_all_addresses_that_are_none_answer_the_same(shop: Project) -> None:
    user = member(shop)
    client = enter(user)
    address = new_address(client)
    assert Client().get(address).status_code == 200
    feed = CalendarFeed.objects.get()
    stranger = enter(member(shop, email="eva@example.com"))
    assert stranger.post(f"/calendar/feeds/{feed.pk}/revoke/").status_code == 404
    assert "Revoke the address My phone?" in words(client.get(f"/calendar/feeds/{feed.pk}/revoke/"))
    assert Client().get(address).status_code == 200
    client.post(f"/calendar/feeds/{feed.pk}/revoke/")
    answers = [
        Client().get(path) for path in (address, "/calendar/nonsense.ics", f"/calendar/{'a' * 500}.ics")
    ]
    assert {(one.status_code, one.content) for one in answers} == {
        (404, b"There is no calendar under this address.")
    }
    assert Client().post(address).status_code == 405


def test_who_takes_an_account_over_ends_its_addresses(shop: Project) -> None:
    user = member(shop)
    new_address(enter(user))
    vouch(user)
    assert not CalendarFeed.objects.exists()


def test_an_address_needs_a_name_and_there_are_not_endlessly_many(shop: Project) -> None:
    client = enter(member(shop))
    client.post("/calendar/feeds/", {"name": " ", "alarm": ""})
    client.post("/calendar/feeds/", {"name": "x", "alarm": "-1"})
    assert not CalendarFeed.objects.exists()
    assert client.get("/calendar/feeds/").status_code == 302
    for number in range(22):
        client.post("/calendar/feeds/", {"name": f"n{number}", "alarm": ""})
    assert CalendarFeed.objects.count() == 20
    assert "There are 20 addresses already" in words(client.get("/calendar/"))


def test_an_address_stands_in_no_log() -> None:
    record = logging.LogRecord("x", 20, "", 0, "GET %s", ("/calendar/s3cr3t-A_b.ics 404",), None)
    LinksAreSecret().filter(record)
    assert "s3cr3t" not in record.getMessage()


def test_the_api_lists_the_same_page_by_page(shop: Project, blog: Project) -> None:
    for number in range(5):
        seen(shop, f"n{number}.example", f"f{number}", 10 * number + 1)
    monitor = seen(blog, "blog.example", "g", 1)
    MonitorState.objects.filter(monitor=monitor).update(shown="up")

    def call(query: str = "", project: Project | None = None) -> Any:
        token = make_token("ci", project, True, NOW)
        return Client().get(f"/v1/expiries{query}", headers={"Authorization": f"Bearer {token}"})

    every = call().json()
    assert every["next"] is None
    assert [one["key"] for one in every["items"]][:2] == ["cert:f0", "cert:g"]
    assert every["items"][1]["monitors"] == [
        {"id": str(monitor.pk), "name": "blog.example", "kind": "http", "project": "blog", "state": "up"}
    ]
    found, cursor = [], ""
    while cursor is not None:
        answer = call(f"?limit=4{f'&cursor={cursor}' if cursor else ''}").json()
        found += answer["items"]
        cursor = answer["next"]
    assert found == every["items"]
    assert len(call(project=blog).json()["items"]) == 1
    assert call("?project=shop", blog).status_code == 404
    assert len(call("?project=shop&within=12d").json()["items"]) == 2
    for query, field in (
        ("?within=soon", "within"),
        ("?within=99999999d", "within"),
        ("?cursor=abc", "cursor"),
    ):
        answer = call(query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert Client().get("/v1/expiries").status_code == 401


def test_a_new_password_by_a_mailed_link_ends_the_addresses(shop: Project) -> None:
    user = member(shop)
    address = new_address(enter(user))
    password_reset.send(sender=User, request=None, user=user)
    assert Client().get(address).status_code == 404


def _read(days: float, fingerprint: str, minutes_ago: float) -> dict[str, Any]:
    return certificate(fingerprint, days, "shop.example") | {
        "read_at": (NOW - timedelta(minutes=minutes_ago)).isoformat()
    }


def test_the_newest_reading_of_a_place_holds_and_says_when_it_was(shop: Project) -> None:
    """The page read its certificate an hour ago; it was replaced, and another monitor has seen that."""
    old = page(shop, "shop.example", {"certificate": _read(-1, "old", 50)})
    [due] = dues_of(watched_in([shop]))
    assert (due.key, due.seen) == ("cert:old", NOW - timedelta(minutes=50)), "not when it was last looked at"
    spec = {"name": "TLS", "kind": "tls", "host": "shop.example"}
    tls = edit.create_monitor(shop, spec, NOW)
    fresh = {"at": NOW.timestamp() * 1000, "outcome": "ok", "total_ms": 8, "phases": {}}
    MonitorLast.objects.create(monitor=tls, facts={"certificate": _read(89, "new", 2)}, **fresh)
    [due] = dues_of(watched_in([shop]))
    assert (due.key, due.seen, due.monitors) == ("cert:new", NOW - timedelta(minutes=2), (tls,))
    MonitorLast.objects.filter(monitor=old).update(facts={"certificate": _read(89, "new", 1)})
    [due] = dues_of(watched_in([shop]))
    assert set(due.monitors) == {old, tls}
    two = {"certificate": _read(3, "one machine", 9), "others": [_read(89, "new", 9)]}
    MonitorLast.objects.filter(monitor=tls).update(facts=two)
    assert [one.key for one in dues_of(watched_in([shop]))] == ["cert:one machine", "cert:new"]
