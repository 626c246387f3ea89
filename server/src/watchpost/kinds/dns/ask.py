"""Asking within one look: at most so many questions at once and in all, and none beyond the deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic

import dns.message

from watchpost.outbound import Failure, Outbound, Question, Resolved, Said

_AT_ONCE = 24
_MOST_QUESTIONS = 400
_PATIENCE_S = 2.5  # for one question: three packets
# What is found out before the name servers are asked may take so much of the time that is left: who asks a
# resolver about a dead zone waits long, and just then the servers themselves must be asked.
_SHARE_OF_RESOLVER, _SHARE_OF_SERVER, _SHARE_OF_LOOK_UP = 0.25, 0.6, 0.33
_LEAST_TIME_S = 0.05
_UNASKED = Said("", 0, failure=Failure("wait", "unasked", "no time was left to ask"))
_ENOUGH = Said("", 0, failure=Failure("wait", "unasked", f"{_MOST_QUESTIONS} questions were asked already"))


@dataclass
class Asking:
    """One look's way to ask. ``ends`` is on the monotonic clock; ``first`` the resolver to begin with."""

    outbound: Outbound
    first: int
    ends: float
    count: int = 0
    unfinished: bool = False
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def server(self, name: str, rdtype: str, at: tuple[str, int], dnssec: bool = False) -> Said:
        """Of a name server, under the guard, without recursion."""
        async with self._slots:
            left_s = self._left_s(_SHARE_OF_SERVER)
            if left_s is None:
                return _ENOUGH if self.count >= _MOST_QUESTIONS else _UNASKED
            address, port = at
            return await self.outbound.ask(
                Question(name, rdtype, address, port, dnssec=dnssec, timeout_s=left_s)
            )

    async def resolver(self, name: str, rdtype: str, index: int, checking: bool = True) -> Said:
        """Of one of our resolvers."""
        async with self._slots:
            left_s = self._left_s(_SHARE_OF_RESOLVER)
            if left_s is None:
                return _ENOUGH if self.count >= _MOST_QUESTIONS else _UNASKED
            question = Question(name, rdtype, "", checking=checking, timeout_s=left_s)
            return await self.outbound.ask_resolver(question, index)

    async def resolvers(self, name: str, rdtype: str) -> Said:
        """Of our resolvers in turn, until one has an answer and not only trouble."""
        said = _UNASKED
        for turn in range(min(2, self.outbound.resolver.count)):
            said = await self.resolver(name, rdtype, self.first + turn)
            if said.message is not None and is_answer(said.message):
                break
        return said

    async def addresses(self, name: str) -> tuple[list[str], str]:
        """IPv4 before IPv6, and, if there is none, why: nxdomain, no_data or the trouble of our resolvers."""
        ends = monotonic() + max(0.0, self.ends - monotonic()) * _SHARE_OF_LOOK_UP
        both = await asyncio.gather(
            *(self.outbound.look_up(name, family, self.first, ends) for family in ("4", "6"))
        )
        found = [a for one in both if isinstance(one.answer, Resolved) for a in sorted(one.answer.addresses)]
        kinds = {getattr(one.answer, "kind", "") for one in both}
        if found:
            return list(dict.fromkeys(found)), ""
        return [], "nxdomain" if "nxdomain" in kinds else "no_data" if kinds == {"no_data"} else "unanswered"

    def _left_s(self, share: float) -> float | None:
        left_s = self.ends - monotonic()
        if left_s < _LEAST_TIME_S or self.count >= _MOST_QUESTIONS:
            self.unfinished = True
            return None
        self.count += 1
        return max(_LEAST_TIME_S, min(_PATIENCE_S, left_s * share))


def is_answer(message: dns.message.Message) -> bool:
    """NOERROR or NXDOMAIN: all other codes say that the server cannot or will not (RFC 1035, 4.1.1)."""
    return int(message.rcode()) in (0, 3)
