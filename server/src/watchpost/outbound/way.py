"""The way out for probes, on the event loop: names, HTTP, TLS handshakes and DNS, always under the guard."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Coroutine, Mapping
from functools import cached_property
from pathlib import Path
from ssl import SSLError
from time import monotonic
from typing import Any

from watchpost.outbound.certificate import Readings
from watchpost.outbound.curl import Multi, Reply
from watchpost.outbound.dnsask import EVERYWHERE, Question, Said, ask
from watchpost.outbound.download import Downloads
from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard
from watchpost.outbound.handshake import Handshake, Knock, shake
from watchpost.outbound.names import Found, look_up
from watchpost.outbound.request import Request
from watchpost.outbound.resolver import Answer, Resolver
from watchpost.outbound.stream import Broken, open_stream
from watchpost.outbound.talk import Call, Talk, talk
from watchpost.outbound.trust import Store, only_store, store_of

_MOST_SUSPECTS = 10_000
_MOST_MULTIS = 200
_LEAST_TIME_S = 0.05


class Outbound:
    """Looks at things for probes: resolves names and speaks HTTP, always under the guard.

    Belongs to the loop it is first used on. ``max_concurrent`` bounds open exchanges.
    """

    def __init__(
        self,
        guard: Guard,
        resolver: Resolver | None = None,
        user_agent: str = "Watchpost",
        max_concurrent: int = 500,
        folder: Path | None = None,
        lists: Mapping[str, str] | None = None,
    ) -> None:
        self.guard = guard
        # Where a kind keeps what it fetched and what stays good for days; None: nowhere.
        self.folder = folder
        # Where public lists lie, by name, as the operator says; "": nowhere.
        self.lists: Mapping[str, str] = lists or {}
        # What all looks of this process share, by a name that begins with the kind's: limits of servers.
        self.shared: dict[str, Any] = {}
        self.resolver = resolver or Resolver()
        self.user_agent = user_agent
        self.agent_line = b"User-Agent: " + user_agent.encode()
        self.readings = Readings()
        self._slots = asyncio.Semaphore(max_concurrent)
        self._multis: dict[str, Multi] = {}
        self._trusted: dict[str, str] = {}  # certificate authorities by their PEM
        self._ca_folder: tempfile.TemporaryDirectory[str] | None = None
        self._suspects: dict[tuple[str, int], str] = {}
        self._turn = 0
        self._busy = 0
        self._aside: set[asyncio.Task[None]] = set()

    @property
    def open_sockets(self) -> int:
        """Sockets of exchanges that still run."""
        return self._busy + sum(multi.open_sockets for multi in self._multis.values())

    @cached_property
    def downloads(self) -> Downloads:
        """Files that stay good for a while, one copy for all looks of this process."""
        return Downloads(self, self.folder)

    def aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that no look waits for, as long as this object lives. It keeps its own deadline."""
        task = asyncio.ensure_future(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task

    async def resolve(self, host: str, family: str = "any", resolver: int = 0, fresh: bool = False) -> Answer:
        """See ``Resolver.resolve``. The resolvers themselves are not guarded."""
        return await self.resolver.resolve(host, family, resolver, fresh)

    async def look_up(self, host: str, family: str, first: int, ends: float) -> Found:
        """See ``names.look_up``; ``ends`` is on the monotonic clock."""
        held = self.resolver.cached(host, family) if first == 0 else None
        if held is not None:
            return Found(held)
        return await look_up(self.resolver, host, family, first, ends)

    async def fetch(self, request: Request) -> Reply:
        """One exchange with one pinned address; redirects are the caller's. Raises only on cancellation."""
        store = request.ca_file or ("default" if request.verify_tls else "none")
        if request.proxy is not None and request.proxy.pinned:
            store = f"{store} by {request.proxy.pinned}"
        if self._slots.locked():
            waited_s = await self._wait_for_slot()
            request = request._replace(timeout_s=max(_LEAST_TIME_S, request.timeout_s - waited_s))
        else:
            await self._slots.acquire()
        try:
            multi = self._multis.get(store)
            if multi is None:
                self._drop_idle()
                multi = self._multis[store] = Multi(self.guard, request.ca_file)
            return await multi.exchange(request)
        finally:
            self._slots.release()

    def _drop_idle(self) -> None:
        """Trust stores and addresses of proxies come and go; what is not used is made anew in a moment."""
        if len(self._multis) >= _MOST_MULTIS:
            for store in [store for store, multi in self._multis.items() if multi.is_idle]:
                self._multis.pop(store).close()

    async def shake(self, knock: Knock) -> Handshake:
        """One TLS handshake with one pinned address, see ``handshake.shake``. Raises only on cancellation."""
        if self._slots.locked():
            waited_s = await self._wait_for_slot()
            knock = knock._replace(timeout_s=max(_LEAST_TIME_S, knock.timeout_s - waited_s))
        else:
            await self._slots.acquire()
        self._busy += 1
        try:
            store = only_store(knock.only) if knock.only else store_of(knock.ca_pem)
            return await shake(self.guard, knock, store)
        except SSLError:
            words = "the certificate authorities it is to trust (ca_pem) cannot be read"
            return Handshake(knock.address, failure=Failure("tls", "authorities", words))
        finally:
            self._busy -= 1
            self._slots.release()

    async def ask(self, question: Question) -> Said:
        """One DNS question to one pinned name server, see ``dnsask.ask``. Raises only on cancellation."""
        return await self._ask(self.guard, question)

    async def ask_resolver(self, question: Question, index: int = 0) -> Said:
        """The same of one of our resolvers, which are not guarded; ``address`` and ``port`` are filled in.
        The system's resolvers are asked one after another until one speaks."""
        servers = self.resolver.servers(index)
        ends = monotonic() + question.timeout_s
        said = Said("", 0, failure=Failure("dns", "unanswered", "no resolver is configured"))
        for number, (address, port) in enumerate(servers):
            left_s = max(_LEAST_TIME_S, ends - monotonic()) / (len(servers) - number)
            asked = question._replace(address=address, port=port, recursion=True, timeout_s=left_s)
            said = await self._ask(EVERYWHERE, asked)
            if said.message is not None:
                break
        return said

    async def _ask(self, guard: Guard, question: Question) -> Said:
        if self._slots.locked():
            waited_s = await self._wait_for_slot()
            question = question._replace(timeout_s=max(_LEAST_TIME_S, question.timeout_s - waited_s))
        else:
            await self._slots.acquire()
        self._busy += 1
        try:
            return await ask(guard, question)
        finally:
            self._busy -= 1
            self._slots.release()

    async def talk(self, call: Call) -> Talk:
        """One short conversation with one pinned address, see ``talk.talk``. Raises only on cancellation."""
        if self._slots.locked():
            waited_s = await self._wait_for_slot()
            call = call._replace(timeout_s=max(_LEAST_TIME_S, call.timeout_s - waited_s))
        else:
            await self._slots.acquire()
        self._busy += 1
        try:
            return await talk(self.guard, call)
        finally:
            self._busy -= 1
            self._slots.release()

    async def ask_line(
        self, address: str, port: int, line: bytes, timeout_s: float, most: int
    ) -> bytes | Failure:
        """One line said over plain TCP, and all that comes back until the peer closes, up to ``most`` bytes
        (RFC 3912 and its like). The address is pinned and under the guard. Raises only on cancellation."""
        began = monotonic()
        async with self._slots:
            self._busy += 1
            try:
                opened = await open_stream(self.guard, address, port, began + timeout_s, most)
                if isinstance(opened, Failure):
                    return opened
                with opened:
                    await opened.send(line, "wait")
                    got = b""
                    while len(got) < most and (more := await opened.receive("wait")):
                        got += more
                    return got
            except Broken as broken:
                return broken.failure
            finally:
                self._busy -= 1

    def authorities(self, ca_pem: str = "") -> Store:
        """What a handshake with this ``ca_pem`` trusts; the same object each time."""
        return store_of(ca_pem)

    async def _wait_for_slot(self) -> float:
        """Seconds waited. They count against the deadline; who waited it away gets a moment, not for ever."""
        began = monotonic()
        await self._slots.acquire()
        return monotonic() - began

    def trust(self, ca_pem: str) -> str:
        """A file that holds ``ca_pem``, for ``Request.ca_file``. libcurl caches trust stores by file only."""
        held = self._trusted.get(ca_pem)
        if held is not None:
            return held
        if self._ca_folder is None:
            self._ca_folder = tempfile.TemporaryDirectory(prefix="watchpost-ca-")
        name = hashlib.sha256(ca_pem.encode()).hexdigest()[:32]
        path = Path(self._ca_folder.name) / f"{name}.pem"
        path.write_text(ca_pem)
        self._trusted[ca_pem] = str(path)
        return str(path)

    def order(self, host: str, port: int, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """The addresses to try. They take turns, so that none stays dead unnoticed; one that failed last
        time comes first, so that a second look sees it again."""
        if len(addresses) == 1:
            return addresses
        suspect = self._suspects.get((host, port))
        if suspect is not None and suspect in addresses:
            return (suspect, *(a for a in addresses if a != suspect))
        self._turn += 1
        first = self._turn % len(addresses)
        return addresses[first:] + addresses[:first]

    def suspect(self, host: str, port: int, address: str) -> None:
        """Remembers an address that did not take a connection; "" forgets."""
        if not address:
            self._suspects.pop((host, port), None)
            return
        if len(self._suspects) >= _MOST_SUSPECTS:
            self._suspects.clear()
        self._suspects[(host, port)] = address

    async def close(self) -> None:
        """Frees every socket and every file."""
        for task in self._aside:
            task.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)
        for multi in self._multis.values():
            multi.close()
        self._multis.clear()
        await self.resolver.close()
        if self._ca_folder is not None:
            self._ca_folder.cleanup()
            self._trusted.clear()
            self._ca_folder = None
