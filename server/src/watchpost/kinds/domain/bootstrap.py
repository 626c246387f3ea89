"""Which RDAP server knows a domain: IANA's file (RFC 9224) or a mirror of it, fetched on first use and
kept, and overrides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from watchpost.kinds.domain.client import Client

IANA = "https://data.iana.org/rdap/dns.json"
_FRESH = timedelta(days=1)
_TRY_AGAIN = timedelta(minutes=15)
_FILE = "rdap-dns.json"

# Registries that answer and that IANA's file does not name; what IANA names goes before.
# Which ones: the override list that whoisit keeps (github.com/meeb/whoisit, read in November 2026).
UNLISTED: dict[str, str] = {
    "ch": "https://rdap.nic.ch/",
    "co": "https://rdap.nic.co/",
    "de": "https://rdap.denic.de/",
    "gl": "https://rdap.centralnic.com/gl/",
    "li": "https://rdap.nic.li/",
    "nl": "https://rdap.sidn.nl/",
} | dict.fromkeys(
    ("ac", "ag", "bz", "io", "lc", "me", "mn", "pr", "sc", "sh", "vc"),
    "https://rdap.identitydigital.services/rdap/",
)


@dataclass(slots=True)
class Directory:
    """One for a process. ``folder`` None: nothing outlives it. ``url`` "": no list is fetched."""

    client: Client
    folder: Path | None
    url: str = IANA
    why: str = ""  # why it could not be refreshed
    _services: dict[str, str] = field(default_factory=dict)
    _etag: str = ""
    _checked: datetime | None = None
    _tried: datetime | None = None
    _read: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def server(self, name: str, ends: float, now: datetime, resolver: int) -> str | None:
        """The base address for this domain, by the longest suffix; None: nobody is named."""
        async with self._lock:  # a thousand monitors at the start are one question
            self._from_disk()
            if self._is_due(now):
                await self._refresh(ends, now, resolver)
        labels = name.split(".")
        suffixes = [".".join(labels[place:]) for place in range(1, len(labels))]
        for known in (self._services, UNLISTED):
            for suffix in suffixes:
                if suffix in known:
                    return known[suffix]
        return None

    @property
    def is_known(self) -> bool:
        """Whether there is a file at all: without one, a name that is not found says nothing."""
        return bool(self._services)

    def _is_due(self, now: datetime) -> bool:
        if not self.url:
            return False
        if self._checked is not None and timedelta(0) <= now - self._checked < _FRESH:
            return False
        return self._tried is None or not timedelta(0) <= now - self._tried < _TRY_AGAIN

    async def _refresh(self, ends: float, now: datetime, resolver: int) -> None:
        self._tried = now
        answer = await self.client.get(self.url, ends, now, resolver, self._etag if self._services else "")
        services = read_services(answer.body) if answer.kind == "ok" else {}
        if answer.kind == "not_modified" or services:
            self._services, self.why = services or self._services, ""
            self._etag = answer.etag if services else self._etag
            self._checked = now
            self._to_disk()
        else:
            self.why = answer.why or "IANA's list of RDAP servers cannot be read"

    def _from_disk(self) -> None:
        if self._read or self.folder is None:
            return
        self._read = True
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            held = json.loads((self.folder / _FILE).read_text("utf-8"))
            checked = datetime.fromisoformat(held["checked"])
            services = {str(suffix): str(base) for suffix, base in held["services"].items()}
            if held["url"] == self.url and checked.tzinfo is not None:
                self._services, self._etag, self._checked = services, str(held["etag"]), checked

    def _to_disk(self) -> None:
        if self.folder is None or self._checked is None:
            return
        held = {
            "url": self.url,
            "etag": self._etag,
            "checked": self._checked.isoformat(),
            "services": self._services,
        }
        half = self.folder / f"{_FILE}.{os.getpid()}"
        with contextlib.suppress(OSError):  # a full disk costs one more question, nothing else
            half.write_text(json.dumps(held), "utf-8")
            half.replace(self.folder / _FILE)


def read_services(body: bytes) -> dict[str, str]:
    """Suffix to base address, https before http (RFC 9224, 3 and 4). Empty: it is no such file."""
    found: dict[str, str] = {}
    try:
        data: Any = json.loads(body)
        for suffixes, bases, *_ in data["services"]:
            urls = sorted((str(base) for base in bases), key=lambda base: not base.startswith("https:"))
            if urls:
                found |= {str(suffix).lower().rstrip("."): urls[0] for suffix in suffixes}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found
