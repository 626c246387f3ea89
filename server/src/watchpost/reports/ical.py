"""What ends as an iCalendar document (RFC 5545): one event for each thing, at its moment in UTC. Pure.

An event keeps its UID for as long as the thing is the same, so a calendar moves it and never doubles it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event, vDuration

PRODUCT = "-//Watchpost//Expiry calendar//EN"
REFRESH = timedelta(hours=6)
_MOST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. ``key`` is what it is about, ``at`` aware UTC, ``url`` where to read more."""

    key: str
    title: str
    text: str
    at: datetime
    url: str


def write(entries: Sequence[Entry], host: str, since: datetime, alarm_days: int | None = None) -> bytes:
    """The document. ``host`` makes the UIDs ours, ``since`` (aware UTC) is when it became what it is."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Expiry")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})  # RFC 7986, 5.7
    calendar.add("x-published-ttl", str(vDuration(REFRESH).to_ical(), "ascii"))  # type: ignore[no-untyped-call]
    for entry in entries:
        calendar.add_component(_event(entry, host, since, alarm_days))
    return bytes(calendar.to_ical())


def content_of(entries: Sequence[Entry], host: str, alarm_days: int | None) -> str:
    """A digest of all that a document says but for when it was written."""
    return hashlib.sha256(write(entries, host, datetime(1970, 1, 1, tzinfo=UTC), alarm_days)).hexdigest()


def _event(entry: Entry, host: str, since: datetime, alarm_days: int | None) -> Event:
    event = Event()
    event.add("uid", f"{hashlib.sha256(entry.key.encode()).hexdigest()[:40]}@{host}")
    event.add("dtstamp", since)
    event.add("dtstart", entry.at.astimezone(UTC).replace(microsecond=0))
    event.add("summary", _plain(entry.title))
    event.add("description", _plain(entry.text))
    event.add("url", entry.url)
    event.add("transp", "TRANSPARENT")  # nobody is busy because a certificate ends
    if alarm_days is not None:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _plain(entry.title))
        alarm.add("trigger", timedelta(days=-alarm_days))
        event.add_component(alarm)
    return event


def _plain(text: str) -> str:
    """Without control characters, which RFC 5545 (3.1) forbids whatever stands in a certificate; line feeds
    stay, and are escaped."""
    kept = "".join(c if c == "\n" or c.isprintable() else "\ufffd" for c in text)
    return kept if len(kept) <= _MOST_TEXT else f"{kept[: _MOST_TEXT - 1]}…"
