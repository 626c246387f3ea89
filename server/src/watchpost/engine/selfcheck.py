"""Is it us? Evidence of our own fault, and the valve that waits for it when many targets fail at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from watchpost.core.state import Fault
from watchpost.core.types import OwnFault

log = logging.getLogger(__name__)
Ask = Callable[[str], Awaitable[bool]]  # one reference address -> did anything answer


class ResolversSilent(Exception):
    """None of our resolvers answered for the name of a reference."""


@dataclass(slots=True)
class SelfCheck:
    """Asks the references. It counts only once one of them has answered since start: a machine that
    never could reach them proves nothing by failing again.

    ``deadline_s`` bounds a whole check, the look-up of names included. It is shorter than the pause
    before a failed look is repeated, so that the second failure meets the answer.
    """

    references: tuple[str, ...]
    ask: Ask
    fresh_s: float = 10.0
    deadline_s: float = 2.5
    answered: bool = False
    checked_at: float = -1e9  # monotonic seconds
    fault: Fault | None = None
    running: asyncio.Task[None] | None = None
    unresolved: int = 0  # references whose name nobody told us, in the last check

    def start(self, now_s: float, fresh_s: float | None = None) -> asyncio.Task[None] | None:
        """Begin a check unless one is under way or fresh. None when there is nothing to ask or wait for."""
        if not self.references:
            return None
        if self.running is not None and not self.running.done():
            return self.running
        if now_s - self.checked_at < (self.fresh_s if fresh_s is None else fresh_s):
            return None
        self.checked_at = now_s
        self.running = asyncio.create_task(self._check())
        return self.running

    async def _check(self) -> None:
        if await self._any_answers():
            self.answered, self.fault = True, None
        elif self.answered:
            self.fault = self._name_the_fault()

    def _name_the_fault(self) -> Fault:
        count = len(self.references)
        if self.unresolved == count:
            sentence = (
                f"our resolvers answer for none of our {count} reference addresses, "
                "so our own resolver or network is likely down"
            )
            return Fault(OwnFault.RESOLVER, sentence)
        sentence = f"none of our {count} reference addresses answers, so our own network is likely down"
        return Fault(OwnFault.EGRESS, sentence)

    async def _any_answers(self) -> bool:
        """The first answer decides: a reference that is down itself holds up nobody."""
        self.unresolved = 0
        asking = [asyncio.create_task(self._answers(url)) for url in self.references]
        try:
            for answer in asyncio.as_completed(asking):
                if await answer:
                    return True
            return False
        finally:
            for task in asking:
                task.cancel()

    async def _answers(self, url: str) -> bool:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self.ask(url)
        except TimeoutError:
            return False
        except ResolversSilent:
            self.unresolved += 1
            return False
        except Exception:
            log.exception("the reference address %s could not be asked", url)
            return False
