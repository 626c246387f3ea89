"""Dates as WHOIS servers write them. A form that two countries read differently is not read at all. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from watchpost.kinds.domain.rdap import moment

_CLOCK = r"(?:[T ]+(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?)?"
_ZONE = (
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}|\(?(?:UTC|GMT)[+-]\d{1,2}(?::\d{2})?\)?|"
    r"\([A-Z]{2,5}\)|[A-Z]{2,5})?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FORMS = tuple(
    re.compile(form + _CLOCK + _ZONE + r"\s*\Z", re.IGNORECASE)
    for form in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        r"(?P<y>\d{4})\. (?P<m>\d{1,2})\. (?P<d>\d{1,2})\.?",
        r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
        r"(?P<d>\d{1,2})[- ](?P<month>[A-Za-z]{3,9})[- ](?P<y>\d{4})",
        r"(?P<y>\d{4})-(?P<month>[A-Za-z]{3})-(?P<d>\d{1,2})",
        r"(?P<month>[A-Za-z]{3,9}) (?P<d>\d{1,2}),? (?P<y>\d{4})",
        r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})",  # with dots the day stands first, everywhere
    )
)
# "Fri Aug 13 04:00:00 UTC 2027": the year at the end, as C's ctime writes it.
_CTIME = re.compile(
    r"[A-Za-z]{3} (?P<month>[A-Za-z]{3}) +(?P<d>\d{1,2}) (?P<clock>\d{2}:\d{2}:\d{2})"
    r"(?: (?P<zone>[A-Z]{3,4}|[+-]\d{4}))? (?P<y>\d{4})\Z",
    re.IGNORECASE,
)


def read_date(text: str) -> datetime | None:
    """Aware UTC; a zone that is not said, or that we do not know, is taken as UTC, which errs by hours.
    None: it cannot be read, or only by guessing, as 03/04/2027."""
    plain = " ".join(text.split())
    for form in (*_FORMS, _CTIME):
        found = form.match(plain)
        if found is not None:
            return _made(found.groupdict())
    return moment(plain)


def _made(said: dict[str, str | None]) -> datetime | None:
    name = (said.get("month") or "")[:3].lower()
    if said.get("month") and name not in _MONTHS:
        return None
    month = _MONTHS.index(name) + 1 if name else int(said["m"] or 0)
    hour, minute, second, *_ = (*map(int, (said.get("clock") or "0:00").split(":")), 0)
    year, day = int(said["y"] or 0), int(said["d"] or 0)
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=_zone(said.get("zone")))
        return moment(at.isoformat())
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    found = re.search(r"([+-])(\d{1,2}):?(\d{2})?", text or "")
    if found is None:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(ahead if found[1] == "+" else -ahead)
