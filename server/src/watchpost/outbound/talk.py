"""A short conversation with one address over TCP or TLS: say something, hear what is expected, hang up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from watchpost.core.types import Phases
from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard
from watchpost.outbound.handshake import Pump
from watchpost.outbound.starttls import ask_for_tls
from watchpost.outbound.stream import Broken, Stream, open_stream
from watchpost.outbound.trust import store_of, unchecked_store

MOST_HEARD = 64 * 1024


class Step(NamedTuple):
    """``send`` is said first; then it is listened until ``heard`` likes all that came since. None: go on.
    Where all that came is ``whole`` and the last word for ``quiet_s`` seconds, nothing else is awaited."""

    send: bytes = b""
    heard: Callable[[bytes], bool] | None = None
    whole: Callable[[bytes], bool] | None = None
    quiet_s: float = 1.0


class Call(NamedTuple):
    """``tls``: none | direct | smtp | imap | postgres, the last three after asking for it in the clear.
    ``name`` is the one asked for, and must stand in the certificate when ``verify``."""

    name: str
    address: str
    port: int
    tls: str = "none"
    verify: bool = True
    ca_pem: str = ""
    steps: tuple[Step, ...] = ()
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Talk:
    """``done`` steps were finished; ``said`` is what came in the one that was not, or in the last one.
    ``failure.kind`` ``unexpected``: something came, but not what was expected. ``leaf``: the served
    certificate, DER; its dates are not checked here, for ``now`` is an argument of judges."""

    address: str
    done: int = 0
    said: bytes = b""
    failure: Failure | None = None
    leaf: bytes = b""
    phases: Phases = field(default_factory=Phases)


async def talk(guard: Guard, call: Call) -> Talk:
    """Connects, speaks TLS if asked, goes through the steps, hangs up. Raises only on cancellation."""
    began = monotonic()
    stream = await open_stream(guard, call.address, call.port, began + call.timeout_s)
    connected = monotonic()
    connect_ms = round((connected - began) * 1000, 3)
    if isinstance(stream, Failure):
        return Talk(call.address, failure=stream, phases=Phases(connect=connect_ms))
    leaf, speaker = b"", None
    with stream:
        try:
            speaker, leaf, failure = await _secure(stream, call)
        except Broken as broken:
            failure = broken.failure
        ready = monotonic()
        tls_ms = round((ready - connected) * 1000, 3) if call.tls != "none" else 0.0
        if failure is not None or speaker is None:
            return Talk(call.address, 0, b"", failure, leaf, Phases(connect=connect_ms, tls=tls_ms))
        done, said, failure = await _converse(speaker, call)
    wait_ms = round((monotonic() - ready) * 1000, 3)
    phases = Phases(connect=connect_ms, tls=tls_ms, wait=wait_ms)
    return Talk(call.address, done, said, failure, leaf, phases)


async def _secure(stream: Stream, call: Call) -> tuple[Stream | Pump | None, bytes, Failure | None]:
    """What to speak through, and the certificate; or why there is no speaking. Raises Broken."""
    if call.tls == "none":
        return stream, b"", None
    await ask_for_tls(stream, "none" if call.tls == "direct" else call.tls)
    try:
        store = store_of(call.ca_pem) if call.verify else unchecked_store()
    except ssl.SSLError:
        words = "the certificate authorities it is to trust (ca_pem) cannot be read"
        return None, b"", Failure("tls", "authorities", words)
    pump = await Pump(stream, store, call.name).run()
    code, message, failure = pump.verdict
    if code:
        failure = Failure("tls", "certificate", f"its certificate is not accepted ({message})")
    return pump, next(iter(pump.chain), b""), failure


async def _converse(speaker: Stream | Pump, call: Call) -> tuple[int, bytes, Failure | None]:
    said = b""
    for done, step in enumerate(call.steps):
        try:
            if step.send:
                await speaker.send(step.send, "send")
            if step.heard is not None:
                said = b""
                while not step.heard(said):
                    more = await _listen(speaker, step, said)
                    if not more:
                        return done, said, _over(said, more)
                    said += more
                    if len(said) > MOST_HEARD:
                        return done, said, Failure("wait", "unexpected", "the server sends without end")
        except Broken as broken:
            return done, said, _cut_short(said, broken.failure)
    return len(call.steps), said, None


async def _listen(speaker: Stream | Pump, step: Step, said: bytes) -> bytes | None:
    """What came, b"" at the end, None when a whole answer was the last word. Raises Broken."""
    if step.whole is None or not step.whole(said):
        return await speaker.receive("wait")
    try:
        async with asyncio.timeout(step.quiet_s):
            return await speaker.receive("wait")
    except TimeoutError:
        return None


def _over(said: bytes, more: bytes | None) -> Failure:
    if more is None:
        return Failure("wait", "unexpected", "something else came, and nothing after it")
    if said:
        return Failure("wait", "unexpected", "the server hung up after something else")
    return Failure("wait", "closed", "the server hung up without a word")


def _cut_short(said: bytes, failure: Failure) -> Failure:
    """Whoever said something else before the end has answered, and wrongly. Without figures: what is said of
    the same trouble stays the same at every look."""
    words = {
        "timeout": "something else came, and it did not follow before the timeout",
        "reset": "the server reset the connection after something else",
    }
    if not said or failure.phase != "wait" or failure.kind not in words:
        return failure
    return Failure("wait", "unexpected", words[failure.kind])
