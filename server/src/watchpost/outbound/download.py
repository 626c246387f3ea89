"""Files that stay good for a while: fetched once for all who want them, kept, asked for again by ETag.

Whoever wants one says how old it may be. A server's ``Retry-After`` is kept to, and after a failure there is
a pause. What is held is handed out even if it cannot be refreshed; whether it still counts is the reader's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from watchpost.outbound.curl import Reply
from watchpost.outbound.request import Request
from watchpost.outbound.resolver import ResolveFailure
from watchpost.registry.place import Place, place

if TYPE_CHECKING:
    from watchpost.outbound.way import Outbound

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_HOPS = 4
_LEAST_TIME_S = 0.05
_LONGEST_S = 86_400.0
_MOST_FILES = 2000
_PLACE = "downloads"
_MOST_HELD = 64 * 1024 * 1024
_MOST_ON_DISK = 256 * 1024 * 1024


class Want(NamedTuple):
    """``fresh_s``: how old it may be; ``again_s``: the pause after a failure, both unless the server names a
    time itself; ``most`` bytes. ``ca_file`` as in ``Request``."""

    url: str
    fresh_s: float = 86_400.0
    again_s: float = 3600.0
    most: int = 1024 * 1024
    accept: str = "*/*"
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """``body`` b"" if it was never had. ``checked``: when the server last said that this is it. ``why``: the
    end of a sentence, why it could not be refreshed. ``due``: not to be asked for before."""

    url: str
    body: bytes = b""
    checked: datetime | None = None
    why: str = ""
    due: datetime | None = None
    etag: str = ""
    modified: str = ""


@dataclass(slots=True)
class Downloads:
    """One for a process. Bodies lie in ``folder``; without one in memory: nothing outlives the process."""

    outbound: Outbound
    folder: Path | None = None
    _known: dict[str, File] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def get(self, want: Want, ends: float, now: datetime, resolver: int = 0) -> File:
        """``ends`` is on the monotonic clock. Raises only on cancellation."""
        try:
            here = place(want.url)
        except ValueError:
            return File(want.url, why="its address is no http or https address")
        lock = self._locks.setdefault(here.url, asyncio.Lock())
        try:
            async with asyncio.timeout(max(_LEAST_TIME_S, ends - monotonic())), lock:
                return await self._get(want._replace(url=here.url), ends, now, resolver)
        except TimeoutError:
            return File(want.url, why=f"{here.host} did not answer in time")

    async def _get(self, want: Want, ends: float, now: datetime, resolver: int) -> File:
        held = self._known.get(want.url)
        if held is None:
            held = await asyncio.to_thread(self._from_disk, want.url)
        elif not held.body and self.folder is not None and held.checked is not None:
            body = (await asyncio.to_thread(self._from_disk, want.url)).body
            held = replace(held, body=body) if body else File(want.url)  # somebody has tidied up
        # A clock that was set back must not keep a file for ever.
        if held.due is not None and timedelta(0) < held.due - now <= timedelta(seconds=_LONGEST_S):
            return held
        after = await self._refresh(want, held, ends, now, resolver)
        if len(self._known) >= _MOST_FILES or sum(len(one.body) for one in self._known.values()) > _MOST_HELD:
            self._known.clear()
            self._locks = {url: lock for url, lock in self._locks.items() if lock.locked()}
        self._known[want.url] = after if self.folder is None else replace(after, body=b"")
        if after.checked == now:
            await asyncio.to_thread(self._to_disk, after, after.body is not held.body)
        return after

    async def _refresh(self, want: Want, held: File, ends: float, now: datetime, resolver: int) -> File:
        url, seen = want.url, set[str]()
        for _ in range(_MOST_HOPS + 1):
            try:
                here = place(url)
            except ValueError:
                return _failed(held, want, now, "it redirects to what is no http or https address")
            if here.url in seen:
                return _failed(held, want, now, "it redirects in a circle")
            seen.add(here.url)
            reply = await self._ask(want, here, held, ends, resolver)
            if isinstance(reply, str):
                return _failed(held, want, now, reply)
            location = reply.header("location") if reply.status in _REDIRECTS else None
            if location is None:
                return _read(held, want, here, reply, now)
            url = urljoin(here.url, location.encode("latin-1").decode("utf-8", "replace"))
        return _failed(held, want, now, f"it redirects more than {_MOST_HOPS} times")

    async def _ask(self, want: Want, here: Place, held: File, ends: float, resolver: int) -> Reply | str:
        found = (await self.outbound.look_up(here.host, "any", resolver, ends)).answer
        if isinstance(found, ResolveFailure):
            return found.sentence
        lines = [self.outbound.agent_line, b"Accept: " + want.accept.encode()]
        if held.body and held.etag:
            lines.append(b"If-None-Match: " + held.etag.encode("latin-1", "replace"))
        elif held.body and held.modified:
            lines.append(b"If-Modified-Since: " + held.modified.encode("latin-1", "replace"))
        addresses = self.outbound.order(here.host, here.port, found.addresses)[:3]
        for number, address in enumerate(addresses, 1):
            left_s = max(_LEAST_TIME_S, ends - monotonic())
            wait_s = left_s if number == len(addresses) else left_s / 2
            reply = await self.outbound.fetch(
                Request(here.url, here.host, here.port, address, tuple(lines), connect_timeout_s=wait_s,
                        timeout_s=left_s, max_body=want.most, ca_file=want.ca_file)
            )  # fmt: skip
            if reply.failure is None or reply.failure.phase != "connect":
                break
        return reply.failure.sentence if reply.failure is not None else reply

    def _paths(self, url: str) -> tuple[Path, Path] | None:
        if self.folder is None:
            return None
        name = sha256(url.encode()).hexdigest()[:32]
        return self.folder / _PLACE / f"{name}.json", self.folder / _PLACE / f"{name}.bin"

    def _from_disk(self, url: str) -> File:
        paths = self._paths(url)
        if paths is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                held = json.loads(paths[0].read_text("utf-8"))
                body = paths[1].read_bytes()
                checked, due = (datetime.fromisoformat(held[name]) for name in ("checked", "due"))
                whole = held["sha256"] == sha256(body).hexdigest()
                if whole and held["url"] == url and checked.tzinfo is not None and due.tzinfo is not None:
                    return File(url, body, checked, "", due, str(held["etag"]), str(held["modified"]))
        return File(url)

    def _to_disk(self, file: File, is_new: bool) -> None:
        paths = self._paths(file.url)
        if paths is None or file.checked is None or file.due is None:
            return
        held: dict[str, Any] = {
            "url": file.url, "etag": file.etag, "modified": file.modified,
            "checked": file.checked.isoformat(), "due": file.due.isoformat(),
            "sha256": sha256(file.body).hexdigest(),
        }  # fmt: skip
        with contextlib.suppress(OSError):  # a full disk costs one more question, nothing else
            paths[0].parent.mkdir(exist_ok=True)
            if is_new:
                _write(paths[1], file.body)
            else:
                os.utime(paths[1])
            _write(paths[0], json.dumps(held).encode())
            if is_new:
                _make_room(paths[0].parent)


def _write(path: Path, data: bytes) -> None:
    half = path.with_suffix(f".{os.getpid()}")
    half.write_bytes(data)
    half.replace(path)


def _make_room(folder: Path) -> None:
    """What was not asked for longest goes first."""
    bodies = [(path, path.stat()) for path in folder.glob("*.bin")]
    size = sum(found.st_size for _, found in bodies)
    for path, found in sorted(bodies, key=lambda one: one[1].st_mtime):
        if size <= _MOST_ON_DISK:
            return
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        size -= found.st_size


def _read(held: File, want: Want, here: Place, reply: Reply, now: datetime) -> File:
    said = retry_after_s(reply.header("retry-after"), now)
    if reply.status in (429, 503):
        words = f"{here.host} wants no more questions for now"
        return _failed(held, want, now, words, said)
    if reply.status == 304 and held.body:
        due = now + timedelta(seconds=said or want.fresh_s)
        return replace(held, checked=now, why="", due=due)
    if reply.status != 200:
        return _failed(held, want, now, f"{here.host} answers with status {reply.status}", said)
    if reply.truncated:
        return _failed(held, want, now, f"it is larger than {want.most // 1024} kB")
    due = now + timedelta(seconds=said or want.fresh_s)
    etag, modified = reply.header("etag") or "", reply.header("last-modified") or ""
    return File(want.url, reply.body, now, "", due, etag, modified)


def _failed(held: File, want: Want, now: datetime, why: str, said_s: float | None = None) -> File:
    return replace(held, why=why, due=now + timedelta(seconds=max(said_s or 0.0, want.again_s)))


def retry_after_s(text: str | None, now: datetime, least_s: float = 60.0) -> float | None:
    """Seconds, ``least_s`` to a day: a number or a date (RFC 9110, 10.2.3). None: nothing readable."""
    seconds = None
    if text and text.strip().isascii() and text.strip().isdigit():
        seconds = float(text.strip()[:9])
    elif text:
        with contextlib.suppress(ValueError, TypeError):
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
    return None if seconds is None else min(max(seconds, least_s), _LONGEST_S)
