"""One TLS handshake with one address: the served chain and OpenSSL's opinion, **also when it refuses it**.

By ``ssl.MemoryBIO``: after a failed verification the same object still holds the chain. Time is left out of
OpenSSL's opinion: whether a certificate has expired is judged where ``now`` is an argument.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from watchpost.core.types import Phases
from watchpost.outbound.failure import Failure
from watchpost.outbound.guard import Guard
from watchpost.outbound.hello import ENOUGH, read_hello
from watchpost.outbound.starttls import ask_for_tls
from watchpost.outbound.stream import Broken, Stream, open_stream
from watchpost.outbound.trust import Accepted, Store

if TYPE_CHECKING:
    from watchpost.outbound.short import Short

_ALERT = re.compile(r"ALERT_(\w+)")
# What servers say when they end a handshake, and what it means to whoever runs them.
_REASONS: tuple[tuple[str, str, str], ...] = (
    ("WRONG_VERSION_NUMBER", "not_tls", "what answers on this port does not speak TLS"),
    ("HTTP_REQUEST", "not_tls", "what answers on this port does not speak TLS"),
    ("UNKNOWN_PROTOCOL", "not_tls", "what answers on this port does not speak TLS"),
    ("NO_PROTOCOLS_AVAILABLE", "unable", "the OpenSSL of this Watchpost server does not know this version"),
    ("UNSUPPORTED_PROTOCOL", "handshake", "it speaks only versions of TLS that are long dead"),
    ("PROTOCOL_VERSION", "handshake", "it accepts none of the versions TLS 1.0 to 1.3"),
    ("UNRECOGNIZED_NAME", "unknown_name", "the server does not know this name"),
    ("HANDSHAKE_FAILURE", "handshake", "the server ended it: it has no certificate or cipher for us"),
    ("INTERNAL_ERROR", "handshake", "the server ended it because of an error of its own"),
    ("CERTIFICATE_REQUIRED", "client", "the server demands a certificate of the visitor"),
    ("EXCESSIVE_MESSAGE_SIZE", "handshake", "the served chain is larger than 100 kB"),
)


class Knock(NamedTuple):
    """``name`` is sent as SNI (an IP address is not) and must stand in the certificate."""

    name: str
    address: str
    port: int
    starttls: str = "none"  # none | smtp | imap | postgres
    ca_pem: str = ""  # trusted instead of the system's authorities
    timeout_s: float = 10.0
    only: str = ""  # the one version that is offered (TLSv1.1); what is shown is not checked then


@dataclass(frozen=True, slots=True)
class Handshake:
    """What one address showed. ``chain``: DER as served, leaf first, empty if it never came so far.

    ``verify_code`` is OpenSSL's X509_V_ERR, 0 for fine, and never one of time. ``failure`` None: it was
    completed, or ended by nobody but us because of ``verify_code``.
    """

    address: str
    chain: tuple[bytes, ...] = ()
    protocol: str = ""  # TLSv1.3
    cipher: str = ""
    verify_code: int = 0
    verify_message: str = ""
    failure: Failure | None = None
    phases: Phases = field(default_factory=Phases)


class Shown(NamedTuple):
    """What one handshake showed; see ``Handshake``."""

    chain: tuple[bytes, ...] = ()
    protocol: str = ""
    cipher: str = ""
    verify_code: int = 0
    verify_message: str = ""
    failure: Failure | None = None


async def shake(guard: Guard, knock: Knock, store: Store) -> Handshake:
    """Connects, asks for TLS, shakes hands, hangs up. Raises only on cancellation.

    The same chain under the same name always comes to the same. So a name that has shown an accepted one is
    first asked in short, without checking; whatever comes of it but a chain that was accepted before is asked
    for again, and checked, within the same time. Where the two differ, it is not asked in short for a while:
    servers behind one address may differ, and each must be seen as often as it answers.
    """
    ends, accepted = monotonic() + knock.timeout_s, store.accepted
    glimpse = None
    if accepted is not None and accepted.knows(knock.name):
        glimpse = await _shake(guard, knock, ends, partial(_short().shake, name=knock.name))
        if _is_settled(glimpse, accepted, knock.name):
            return glimpse
    found = await _shake(guard, knock, ends, partial(_check, store=store, name=knock.name))
    if accepted is not None and glimpse is not None and glimpse.chain != found.chain:
        accepted.shun(knock.name)
    elif accepted is not None and found.chain and found.failure is None and not found.verify_code:
        accepted.note(knock.name, found.chain)
    return found


def _is_settled(glimpse: Handshake, accepted: Accepted, name: str) -> bool:
    """Whether there is nothing to check: the chain was, or it never came to TLS, or there is no time left."""
    if glimpse.failure is not None:
        return glimpse.failure.phase != "tls" or glimpse.failure.kind == "timeout"
    return accepted.holds(name, glimpse.chain)


@lru_cache(maxsize=1)
def _short() -> Short:
    """Loaded by the first who needs it: most installations watch no certificates by themselves."""
    from watchpost.outbound.short import Short

    return Short()


async def _check(stream: Stream, store: Store, name: str) -> Shown:
    pump = await Pump(stream, store, name).run()
    (version, cipher), (code, message, failure) = pump.chosen, pump.verdict
    return Shown(pump.chain, version, cipher, code, message, failure)


async def _shake(
    guard: Guard, knock: Knock, ends: float, look: Callable[[Stream], Awaitable[Shown]]
) -> Handshake:
    """Once, until ``ends`` (monotonic); ``look`` does what comes when TLS begins."""
    began = monotonic()
    stream = await open_stream(guard, knock.address, knock.port, ends)
    connected = monotonic()
    connect_ms = (connected - began) * 1000
    if isinstance(stream, Failure):
        return Handshake(knock.address, failure=stream, phases=Phases(connect=round(connect_ms, 3)))
    with stream:
        try:
            await ask_for_tls(stream, knock.starttls)
        except Broken as broken:
            waited_ms = (monotonic() - connected) * 1000
            spent = Phases(connect=round(connect_ms, 3), wait=round(waited_ms, 3))
            return Handshake(knock.address, failure=broken.failure, phases=spent)
        clear = monotonic()
        shown = await look(stream)
        tls_ms, wait_ms = (monotonic() - clear) * 1000, (clear - connected) * 1000
    phases = Phases(connect=round(connect_ms, 3), tls=round(tls_ms, 3), wait=round(wait_ms, 3))
    return Handshake(knock.address, *shown, phases)


class Pump:
    """Carries bytes between a stream and OpenSSL's memory until the handshake is over."""

    def __init__(self, stream: Stream, store: Store, name: str) -> None:
        self._stream = stream
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        # Each handshake has an object of its own and no session is ever offered: a resumed one has no chain.
        self._tls = store.context.wrap_bio(self._in, self._out, server_hostname=name)
        self._first, self._ciphers = b"", store.ciphers
        self.verdict: tuple[int, str, Failure | None] = (0, "", None)

    async def run(self) -> Pump:
        try:
            await self._shake()
        except ssl.SSLCertVerificationError as error:
            self.verdict = (error.verify_code, error.verify_message, None)
            await self._say_why()
        except ssl.SSLError as error:
            self.verdict = (0, "", _explain(error))
        except Broken as broken:
            self.verdict = (0, "", broken.failure)
        return self

    async def _shake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._stream.receive("tls")
                if not data:
                    words = "the server closed the connection in the middle of the TLS handshake"
                    raise Broken(Failure("tls", "closed", words)) from None
                if len(self._first) < ENOUGH:
                    self._first += data[:ENOUGH]
                self._in.write(data)
            else:
                await self._flush()
                return

    async def _flush(self) -> None:
        if self._out.pending:
            await self._stream.send(self._out.read(), "tls")

    async def send(self, data: bytes, phase: str) -> None:
        """Over the finished handshake. Raises Broken."""
        self._tls.write(data)
        await self._stream.send(self._out.read(), phase)

    async def receive(self, phase: str) -> bytes:
        """At least one byte; b"" when the peer has closed, politely or not. Raises Broken."""
        while True:
            try:
                return self._tls.read(_AT_ONCE)
            except ssl.SSLWantReadError:
                data = await self._stream.receive(phase)
                if not data:
                    return b""
                self._in.write(data)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise Broken(_explain(error)) from None

    async def _say_why(self) -> None:
        """The alert that is due; a server that no longer listens changes nothing."""
        try:
            await self._flush()
        except Broken:
            return

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Public from Python 3.13 on; 3.11 and 3.12 have it one level lower (python/cpython#109109)."""
        inner: Any = self._tls if hasattr(self._tls, "get_unverified_chain") else self._tls._sslobj  # type: ignore[attr-defined]
        served = inner.get_unverified_chain() or ()
        return tuple(one if isinstance(one, bytes) else one.public_bytes(_DER) for one in served)

    @property
    def chosen(self) -> tuple[str, str]:
        """Version and cipher; OpenSSL does not tell those of a handshake that it refused."""
        version, cipher = self._tls.version(), self._tls.cipher()
        if version and cipher:
            return version, cipher[0]
        read, number = read_hello(self._first)
        return read, self._ciphers.get(number, "")


_DER = 2  # _ssl.ENCODING_DER
_AT_ONCE = 16 * 1024


def _explain(error: ssl.SSLError) -> Failure:
    reason = error.reason or ""
    for sign, kind, words in _REASONS:
        if sign in reason:
            return Failure("tls", kind, words)
    alert = _ALERT.search(reason)
    said = (alert[1] if alert else reason or str(error)).replace("_", " ").lower()[:100]
    return Failure("tls", "handshake", f"the TLS handshake failed: {said}")
