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
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

_USUAL_LIMIT_S = 3600.0
_LONGEST_LIMIT_S = 86_400.0
_MOST_HOSTS = 5_000


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
    bucket of a host would be full again, which says how empty it is."""

    until: dict[str, datetime] = field(default_factory=dict)
    full_at: dict[str, float] = field(default_factory=dict)

    def closed(self, host: str, now: datetime) -> datetime | None:
        """Until when the host wants to be left alone; None: it may be asked. A clock that was set back
        holds nobody back longer than a day."""
        until = self.until.get(host)
        if until is None or now >= until or (until - now).total_seconds() > _LONGEST_LIMIT_S:
            self.until.pop(host, None)
            return None
        return until

    async def turn(self, host: str, rate: Rate, ends: float) -> bool:
        """Takes a token, and waits for it. False: it would come after ``ends`` (monotonic), none is taken."""
        now = monotonic()
        full_at = max(self.full_at.get(host, now), now)
        wait_s = max(0.0, full_at - now - (rate.burst - 1) * rate.apart_s)
        if now + wait_s >= ends:
            return False
        if len(self.full_at) >= _MOST_HOSTS:
            self.full_at = {one: at for one, at in self.full_at.items() if at > now}
        self.full_at[host] = full_at + rate.apart_s
        await asyncio.sleep(wait_s)
        return True

    def close(self, host: str, retry_after: str | None, now: datetime) -> datetime:
        """The host has had enough. Returns until when."""
        if len(self.until) >= _MOST_HOSTS:
            self.until = still_closed(self.until, now)
        self.until[host] = now + timedelta(seconds=retry_after_s(retry_after, now))
        return self.until[host]


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
