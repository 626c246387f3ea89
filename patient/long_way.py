"""A long way to a server: whatever is sent to it arrives later, and the answers come as ever.

``python -m patient.long_way PORT SERVER_PORT --ms 200``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

_CHUNK = 65_536


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late_s: float) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            await asyncio.sleep(late_s)
            writer.write(data)
            await writer.drain()
    writer.close()


async def relay(port: int, server_port: int, late_s: float) -> None:
    """For ever. ``late_s``: of each piece on its way to the server."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", server_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, there[1], late_s), _carry(there[0], writer, 0.0))

    server = await asyncio.start_server(meet, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("server_port", type=int)
    parser.add_argument("--ms", type=float, default=200.0)
    args = parser.parse_args()
    asyncio.run(relay(args.port, args.server_port, args.ms / 1000))


if __name__ == "__main__":
    main()
