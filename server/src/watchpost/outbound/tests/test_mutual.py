"""What a server that demands a client certificate says, in our words: real handshakes, real alerts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
import trustme

from watchpost.outbound import Guard, Outbound, Request
from watchpost.outbound.tests.mutual import demanding

CA = trustme.CA()
NOW, DAY = datetime.now(UTC), timedelta(days=1)
OURS = CA.issue_cert("probe.example")
STRANGE = trustme.CA().issue_cert("probe.example")
OLD = CA.issue_cert("probe.example", not_before=NOW - 9 * DAY, not_after=NOW - DAY)


@pytest.mark.parametrize(
    ("shown", "newest", "words"),
    [
        (None, ssl.TLSVersion.TLSv1_3, "the server demands a certificate of the visitor"),
        (STRANGE, ssl.TLSVersion.TLSv1_3, "it does not know its issuer"),
        (STRANGE, ssl.TLSVersion.TLSv1_2, "it does not know its issuer"),
        (OLD, ssl.TLSVersion.TLSv1_3, "it has expired"),
        (OURS, ssl.TLSVersion.TLSv1_3, ""),
        (OURS, ssl.TLSVersion.TLSv1_2, ""),
    ],
)
async def test_what_the_alert_means(
    shown: trustme.LeafCert | None, newest: ssl.TLSVersion, words: str
) -> None:
    identity = None
    if shown is not None:
        chain = b"".join(one.bytes() for one in shown.cert_chain_pems)
        identity = chain, shown.private_key_pem.bytes()
    outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    with demanding(CA.issue_cert("localhost"), CA, newest) as port:
        ca_file = outbound.trust(CA.cert_pem.bytes().decode())
        request = Request(f"https://localhost:{port}/", "localhost", port, "127.0.0.1", ca_file=ca_file)
        reply = await outbound.fetch(request._replace(identity=identity, timeout_s=20.0))
    await outbound.close()
    if not words:
        assert (reply.failure, reply.status, reply.body) == (None, 200, b"hello")
        return
    assert reply.failure is not None
    assert (reply.failure.phase, reply.failure.kind) == ("tls", "client")
    assert words in reply.failure.sentence
