"""Numbers, spans and states as words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from django.utils import timezone

from watchpost.core.words import duration_words

STATES: Mapping[str, tuple[str, str]] = {  # state -> shape, word
    "up": ("up", "Up"),
    "degraded": ("warn", "Degraded"),
    "down": ("down", "Down"),
    "unknown": ("unknown", "Unknown"),
    "paused": ("paused", "Paused"),
    "maintenance": ("maintenance", "In maintenance"),
    "new": ("none", "Waiting for the first look"),
}
ORDER = ("down", "degraded", "unknown", "new", "maintenance", "paused", "up")
NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def shape(state: str) -> str:
    return STATES.get(state, ("none", state))[0]


def word(state: str) -> str:
    return STATES.get(state, ("none", state.capitalize()))[1]


def severity_shape(severity: int | None) -> str:
    return "up" if severity is None or severity < 1 else "warn" if severity == 1 else "down"


def worst(states: list[str]) -> str:
    """The state to show for a group."""
    return next((state for state in ORDER if state in states), "new")


def span(seconds: float) -> str:
    """Two units at most: 6 min 12 s, 2 h 10 min, 18 days."""
    whole = max(0, int(seconds))
    return f"{whole // 86_400} days" if whole >= 10 * 86_400 else duration_words(whole)


def rough(seconds: float) -> str:
    """One unit: 6 min, 18 days."""
    for name, size in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name if name != 'd' else 'day' if count == 1 else 'days'}"
    return "0 s"


def ago(at: datetime, now: datetime) -> str:
    seconds = (now - at).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    return f"{rough(seconds)} ago" if seconds > 0 else f"in {rough(-seconds)}"


def moment(at: datetime, now: datetime) -> str:
    """The time of day, with the date when it is not today."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


def stretch(start: datetime, end: datetime, zone: tzinfo, now: datetime, beside: tzinfo | None = None) -> str:
    """``Sun 29 Nov 02:00 to 04:00`` on that zone's clock; the end's day when it is another. Said ``beside``
    the same in another zone, the days are left out where they are its days, too."""
    first, last, today = start.astimezone(zone), end.astimezone(zone), now.astimezone(zone)
    if beside and (first.date(), last.date()) == tuple(at.astimezone(beside).date() for at in (start, end)):
        return f"{first:%H:%M} to {last:%H:%M}"
    until = f"{last:%H:%M}" if last.date() == first.date() else f"{_day(last, today)} {last:%H:%M}"
    return f"{_day(first, today)} {first:%H:%M} to {until}"


def _day(local: datetime, today: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b}" + ("" if local.year == today.year else f" {local.year}")


def absolute(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y, %H:%M:%S} {zone_name()}"


def zone_name() -> str:
    return zone_label(timezone.get_current_timezone_name())


def zone_label(name: str) -> str:
    """The place: ``Europe/Lisbon`` is Lisbon."""
    return name.split("/")[-1].replace("_", " ")


def milliseconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 10_000:
        return f"{value / 1000:.0f} s"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def percent(share: float | None) -> str:
    """Never rounds a real outage away: 99.999 % is not 100 %."""
    if share is None:
        return "–"
    text = f"{int(share * 10_000) / 100:.2f}".rstrip("0").rstrip(".")
    return f"{text} %"


def headline(open_incidents: int, states: Sequence[str] = ()) -> str:
    """The first sentence: incidents count first, then what cannot be seen or has not been looked at."""
    if open_incidents == 1:
        return "One thing is wrong."
    if open_incidents:
        count = NUMBERS[open_incidents] if open_incidents < len(NUMBERS) else str(open_incidents)
        return f"{count} things are wrong."
    if "unknown" in states:
        return "Nothing known is wrong, but not everything can be seen."
    if states and all(state == "new" for state in states):
        return "Waiting for the first look."
    return "All is well."
