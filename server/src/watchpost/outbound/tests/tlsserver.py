"""TLS servers for tests: they serve the chain they are told, at any loopback address, and may be hostile."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import Certificate

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def context_of(chain: Sequence[Certificate], key: object) -> ssl.SSLContext:
    """Serves exactly ``chain``, in this order, whatever it is worth."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "served.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
        path.write_bytes(private + b"".join(one.public_bytes(Encoding.PEM) for one in chain))
        made.load_cert_chain(path)
    return made


@contextlib.asynccontextmanager
async def listen(
    talk: Talk | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Listens until left. Without ``talk`` it waits until the visitor hangs up."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            if talk is not None:
                await talk(reader, writer)
            else:
                await reader.read()
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(handle, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
