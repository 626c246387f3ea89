"""How often one host is asked, over all monitors of the process: a token bucket for each.

Registries do not publish their limits, so ours are chosen to stay below any that is known of: by RDAP five
questions at once and then one a second, by WHOIS three and then one in fifteen seconds (some servers count
one a minute for an address, over an hour). A domain is one question in six hours, its registrar one a day, so
a thousand domains of one registry use a twentieth of what the bucket gives. Who answers 429, or 503 with
Retry-After (RFC 9110, 10.2.3), is left alone until then by every monitor: an hour when it does not say how
long, a second at least, a day at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic

from watchpost.kinds.domain.rdap import moment

_USUAL_LIMIT_S = 3600.0
_LONGEST_LIMIT_S = 86_400.0
_MOST_HOSTS = 5_000
_FILE = "registry-limits.json"


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` questions at once, then one in ``apart_s`` seconds."""

    burst: int
    apart_s: float


RDAP = Rate(5, 1.0)
WHOIS = Rate(3, 15.0)


@dataclass(slots=True)
class Limits:
    """One for a process. ``until`` is on the clock of the looks, ``full_at`` on the monotonic one: when the
    bucket of a host would be full again, which says how empty it is. Both are kept in ``folder`` (None:
    nothing outlives the process) before a question goes out, so that a process that crashes and starts again
    and again asks no more often than one that lives."""

    folder: Path | None = None
    until: dict[str, datetime] = field(default_factory=dict)
    full_at: dict[str, float] = field(default_factory=dict)
    _earlier: dict[str, datetime] | None = None  # when buckets of an earlier process are full

    def closed(self, host: str, now: datetime) -> datetime | None:
        """Until when the host wants to be left alone; None: it may be asked. A clock that was set back
        holds nobody back longer than a day."""
        self._from_disk()
        until = self.until.get(host)
        if until is None or now >= until or (until - now).total_seconds() > _LONGEST_LIMIT_S:
            self.until.pop(host, None)
            return None
        return until

    async def turn(self, host: str, rate: Rate, ends: float, at: datetime) -> bool:
        """Takes a token, and waits for it. False: it would come after ``ends`` (monotonic), none is taken.
        ``at`` is the time of the look."""
        self._from_disk()
        self._inherit(host, rate, at)
        now = monotonic()
        full_at = max(self.full_at.get(host, now), now)
        wait_s = max(0.0, full_at - now - (rate.burst - 1) * rate.apart_s)
        if now + wait_s >= ends:
            return False
        if len(self.full_at) >= _MOST_HOSTS:
            self.full_at = {one: full for one, full in self.full_at.items() if full > now}
        self.full_at[host] = full_at + rate.apart_s
        self._to_disk(at)
        await asyncio.sleep(wait_s)
        return True

    def close(self, host: str, retry_after: str | None, now: datetime) -> datetime:
        """The host has had enough. Returns until when."""
        self._from_disk()
        if len(self.until) >= _MOST_HOSTS:
            self.until = still_closed(self.until, now)
        self.until[host] = now + timedelta(seconds=retry_after_s(retry_after, now))
        self._to_disk(now)
        return self.until[host]

    def _inherit(self, host: str, rate: Rate, at: datetime) -> None:
        """Takes over the bucket that an earlier process left, once: whatever the clock has done since, it is
        no emptier than empty."""
        full = self._earlier.pop(host, None) if self._earlier else None
        if full is not None:
            left_s = min((full - at).total_seconds(), rate.burst * rate.apart_s)
            self.full_at[host] = monotonic() + left_s

    def _from_disk(self) -> None:
        if self._earlier is not None:
            return
        self._earlier = {}
        if self.folder is None:
            return
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            held = json.loads((self.folder / _FILE).read_text("utf-8"))
            self.until = _times(held["until"]) | self.until
            self._earlier = _times(held["full"])

    def _to_disk(self, now: datetime) -> None:
        if self.folder is None:
            return
        since = monotonic()
        full = {host: now + timedelta(seconds=at - since) for host, at in self.full_at.items() if at > since}
        rows = {"until": still_closed(self.until, now), "full": still_closed(self._earlier or {}, now) | full}
        text = json.dumps(rows, default=datetime.isoformat)
        half = self.folder / f"{_FILE}.{os.getpid()}"
        with contextlib.suppress(OSError):  # a full disk costs a few questions more, nothing else
            half.write_text(text, "utf-8")
            half.replace(self.folder / _FILE)


def _times(rows: Mapping[str, str]) -> dict[str, datetime]:
    read = {str(host): moment(text) for host, text in rows.items()}
    return {host: at for host, at in read.items() if at is not None}


def still_closed(until: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    return {host: at for host, at in until.items() if at > now}


def retry_after_s(text: str | None, now: datetime) -> float:
    """Seconds to wait: a number or a date (RFC 9110, 10.2.3), an hour when unreadable, a day at most."""
    seconds = _USUAL_LIMIT_S
    if text and text.strip().isascii() and text.strip().isdigit():
        seconds = float(text.strip()[:9])
    elif text:
        try:
            at = parsedate_to_datetime(text)
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            seconds = _USUAL_LIMIT_S
    return min(max(seconds, 1.0), _LONGEST_LIMIT_S)
