"""The calendar document, read again by a library and held against the rules of RFC 5545 by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from icalendar import Calendar

from watchpost.reports.ical import Entry, content_of, write

SINCE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
AT = datetime(2027, 1, 2, 4, 4, 5, 678, tzinfo=timezone(timedelta(hours=1)))
HOSTILE = "a; b, c \\ d\r\nBEGIN:VEVENT\nX-EVIL:1\x00\x1b[31m\u2028 \U0001f525 " + "é" * 200


def entry(
    key: str = "cert:f1", title: str = "Ends: Certificate of shop.example", text: str = "x", **more: object
) -> Entry:
    return Entry(key, title, text, AT, "https://watch.example.com/calendar/")


def test_an_event_says_what_ends_at_its_moment_in_utc() -> None:
    [event] = Calendar.from_ical(write([entry(text="One\nTwo")], "watch.example.com", SINCE, 7)).walk(
        "VEVENT"
    )
    assert event.decoded("dtstart") == datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert event["dtstart"].to_ical() == b"20270102T030405Z"
    assert event["dtstamp"].to_ical() == b"20261123T080000Z"
    assert str(event["summary"]) == "Ends: Certificate of shop.example"
    assert str(event["description"]) == "One\nTwo"
    assert str(event["uid"]).endswith("@watch.example.com")
    [alarm] = event.walk("VALARM")
    assert alarm.decoded("trigger") == timedelta(days=-7)
    assert not Calendar.from_ical(write([entry()], "h", SINCE)).walk("VALARM")


def test_the_identity_is_that_of_the_thing() -> None:
    def uid(one: Entry) -> str:
        return str(Calendar.from_ical(write([one], "h", SINCE)).walk("VEVENT")[0]["uid"])

    assert uid(entry()) == uid(entry(title="Other words", text="and others"))
    assert uid(entry()) != uid(entry(key="cert:f2"))


def test_the_content_does_not_hang_on_when_it_is_asked_for() -> None:
    assert content_of([entry()], "h", None) == content_of([entry()], "h", None)
    for other in ([entry(text="y")], [entry(key="cert:f2")], []):
        assert content_of(other, "h", None) != content_of([entry()], "h", None)
    assert content_of([entry()], "h", 7) != content_of([entry()], "h", None)


@pytest.mark.parametrize(
    "title", ["plain", HOSTILE, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), ""]
)
def test_whatever_stands_in_a_certificate_the_rules_hold(title: str) -> None:
    document = write([entry(title=title, text=title), entry("cert:f2")], "watch.example.com", SINCE, 1)
    lines = document.split(b"\r\n")
    assert document.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in document.replace(b"\r\n", b"")
    assert b"\r" not in document.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75  # octets, RFC 5545 3.1
    text = document.decode("utf-8")  # no character is cut in two beyond what unfolding mends
    unfolded = text.replace("\r\n ", "")
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", unfolded.replace("\r\n", ""))
    assert unfolded.count("\r\nBEGIN:VEVENT\r\n") == 2
    assert "\r\nX-EVIL" not in unfolded
    assert all(re.fullmatch(r"[A-Z-]+(;[A-Z-]+=[^:]+)?:.*", line) for line in unfolded.split("\r\n")[:-1])
    for line in unfolded.split("\r\n"):
        if line.startswith(("DTSTART", "DTSTAMP")):
            assert re.fullmatch(r"(DTSTART|DTSTAMP):\d{8}T\d{6}Z", line)
        if line.startswith("SUMMARY"):
            value = line.partition(":")[2]
            assert not re.search(r"(?<!\\)[;,]", re.sub(r"\\\\", "", value))
    events = Calendar.from_ical(document).walk("VEVENT")
    assert len(events) == 2
    kept = "".join(c if c == "\n" or c.isprintable() else "\ufffd" for c in title)
    assert str(events[0].get("summary", "")) == kept


def test_an_empty_calendar_is_one() -> None:
    found = Calendar.from_ical(write([], "h", SINCE))
    assert (str(found["version"]), found.walk("VEVENT")) == ("2.0", [])
