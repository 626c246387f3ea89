"""A TLS server that demands a certificate of the visitor, and says so with an alert.

Blocking, in a thread: asyncio's TLS hangs up without sending the alert.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import trustme

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


@contextlib.contextmanager
def demanding(
    certificate: trustme.LeafCert, trusts: trustme.CA, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Iterator[int]:
    """Serves on a free loopback port until left."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    trusts.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = newest
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            raw, _ = listener.accept()
        except OSError:
            return
        with raw:
            raw.settimeout(20)
            _talk(raw, context)


def _talk(raw: socket.socket, context: ssl.SSLContext) -> None:
    made = None
    with contextlib.suppress(OSError):
        made = context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        made.do_handshake()
        made.recv(65_536)
        made.sendall(_ANSWER)
    # Read on until the visitor hangs up: what is unread at the close would become a reset that eats the alert.
    with contextlib.suppress(OSError):
        rest = socket.socket(fileno=(made or raw).detach())
        with rest:
            rest.shutdown(socket.SHUT_WR)
            while rest.recv(65_536):
                pass
