"""Lists of revoked certificates, good and bad, made on the spot; and a look that waits for what is asked aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.aside import aside_of
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.tests.looking import GUARD, Names
from watchpost.kinds.tls.tests.zoo import DAY, NAME, NOW, ROOT, Made
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look


def revoke(
    by: Made,
    *gone: Made | int,
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
    days: tuple[float, float] = (-1, 7),
    key: Any = None,
    also: Sequence[tuple[x509.ExtensionType, bool]] = (),
    now: datetime = NOW,
) -> bytes:
    """A signed list, DER. ``days``: when it was made, and until when it counts."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(now + days[0] * DAY)
        .next_update(now + days[1] * DAY)
    )
    for one in gone:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one if isinstance(one, int) else one.certificate.serial_number)
            .revocation_date(now - timedelta(hours=2))
        )
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for extension, critical in also:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key or by.key, hashes.SHA256()).public_bytes(Encoding.DER)


class Watcher:
    """One process that looks again and again: what is asked aside is known at the next look."""

    def __init__(self, outbound: Outbound, config: TlsConfig, monitor: int = 7, revision: int = 3) -> None:
        self.outbound, self.config = outbound, config
        self.monitor, self.revision = monitor, revision
        self.baseline: Mapping[str, Any] = {}

    async def glance(self, now: datetime = NOW, deadline_s: float = 20.0) -> tuple[Observation, Verdict]:
        """One look, without waiting for what it started."""
        assert KIND.probe is not None
        seen = await KIND.probe(
            Look(self.monitor, self.revision, self.config, deadline_s), self.outbound, now
        )
        verdict = KIND.judge(self.config, seen, self.baseline, NO_PAST, now)
        self.baseline = verdict.baseline if verdict.baseline is not None else self.baseline
        return seen, verdict

    async def look(self, now: datetime = NOW) -> tuple[Observation, Verdict]:
        """Looks, waits until all that is asked aside is answered, and looks again."""
        await self.glance(now)
        while tasks := tuple(aside_of(self.outbound).asking.values()):
            await asyncio.gather(*tasks)
        return await self.glance(now)

    async def codes(self, now: datetime = NOW) -> list[str]:
        _, verdict = await self.look(now)
        return sorted(finding.code for finding in verdict.findings)


@asynccontextmanager
async def watching(
    port: int, folder: Path | None = None, guard: Guard = GUARD, **more: Any
) -> AsyncIterator[Watcher]:
    config = TlsConfig.model_validate(
        {"host": NAME, "port": port, "ca_pem": ROOT.pem, "protocols": "off"} | more
    )
    outbound = Outbound(guard, Names({NAME: ("127.0.0.1",)}), folder=folder)
    try:
        yield Watcher(outbound, config)
    finally:
        await outbound.close()


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    coded = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(coded)]) + coded + body


def large(by: Made, entries: int, now: datetime = NOW) -> bytes:
    """A signed list of so many others, by hand: the library takes minutes (RFC 5280, 5.1)."""

    def at(when: datetime) -> bytes:
        return _der(0x17, f"{when:%y%m%d%H%M%SZ}".encode())

    alg = _der(0x30, bytes.fromhex("06082a8648ce3d040302"))  # ecdsa-with-SHA256
    rows = [_der(0x30, _der(0x02, (n | 1 << 126).to_bytes(16)), at(now - DAY)) for n in range(entries)]
    issuer = by.certificate.subject.public_bytes()
    body = _der(0x30, b"\x02\x01\x01", alg, issuer, at(now - DAY), at(now + 7 * DAY), _der(0x30, *rows))
    signature = by.key.sign(body, ec.ECDSA(hashes.SHA256()))
    return _der(0x30, body, alg, _der(0x03, b"\0" + signature))
