"""A TLS handshake without an opinion, for a name whose chain was accepted before: as cheap as it can be made.

By pyOpenSSL, that is by the OpenSSL that comes with ``cryptography``. The interpreter's may be of the 3.0
series, where reading two certificates takes longer than all the mathematics of a handshake. It is a full
handshake all the same: the server shows its chain and proves that it has the key.
"""

from __future__ import annotations

import ssl

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from watchpost.outbound.failure import Failure
from watchpost.outbound.handshake import Shown
from watchpost.outbound.resolver import is_address
from watchpost.outbound.stream import Broken, Stream
from watchpost.outbound.trust import CIPHERS

_AT_ONCE = 16 * 1024


class Short:
    """Offers the cipher suites of a handshake that checks, in the same order, so that the server chooses the
    same; and one group, which every server of today knows: a key for each of several costs time.
    """

    def __init__(self) -> None:
        full = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        full.set_ciphers(CIPHERS)
        names = [one["name"] for one in full.get_ciphers() if one["protocol"] != "TLSv1.3"]
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._context.set_verify(SSL.VERIFY_NONE)
        self._context.set_options(SSL.OP_NO_TICKET)
        # No session is kept: a resumed one has no chain.
        self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self._context.set_cipher_list(f"{':'.join(names)}:@SECLEVEL=0".encode())
        self._context.set_tmp_ecdh(ec.SECP256R1())

    async def shake(self, stream: Stream, name: str) -> Shown:
        """``name`` is sent as SNI, an IP address is not. A failure may be due to how little is offered."""
        tls = SSL.Connection(self._context)
        tls.set_connect_state()
        if not is_address(name):
            tls.set_tlsext_host_name(name.encode())
        try:
            await _shake(tls, stream)
        except Broken as broken:
            return Shown(failure=broken.failure)
        except SSL.Error as error:
            return Shown(failure=Failure("tls", "handshake", f"the TLS handshake failed: {error}"[:200]))
        served = tls.get_peer_cert_chain() or ()
        chain = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in served)
        return Shown(chain, tls.get_protocol_version_name(), tls.get_cipher_name() or "")


async def _shake(tls: SSL.Connection, stream: Stream) -> None:
    """Raises Broken and SSL.Error."""
    while True:
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            await _flush(tls, stream)
            data = await stream.receive("tls")
            if not data:
                words = "the server closed the connection in the middle of the TLS handshake"
                raise Broken(Failure("tls", "closed", words)) from None
            tls.bio_write(data)
        else:
            await _flush(tls, stream)
            return


async def _flush(tls: SSL.Connection, stream: Stream) -> None:
    try:
        due = tls.bio_read(_AT_ONCE)
    except SSL.WantReadError:  # nothing is due
        return
    await stream.send(due, "tls")
