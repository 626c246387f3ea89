"""A mail server that keeps what it is given: ``python -m patient.mailbox PORT FOLDER [--refuse]``."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

_KEPT = 200


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: Path | None) -> None:
    """One connection of SMTP (RFC 5321). ``keep`` None: everybody is turned away."""

    async def say(line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()

    await say("220 mailbox ready" if keep else "554 No mail is taken here")
    while keep and (line := await reader.readline()):
        word = line[:4].decode("ascii", "replace").upper().strip()
        if word == "DATA":
            await say("354 Go on")
            _store(keep, await _read_mail(reader))
            await say("250 Kept")
        elif word == "QUIT":
            await say("221 Bye")
            break
        elif word in ("EHLO", "HELO", "MAIL", "RCPT", "RSET", "NOOP"):
            await say("250 Fine")
        else:
            await say("502 Not known here")
    writer.close()


async def _read_mail(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) and line != b".\r\n":
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


def _store(folder: Path, mail: bytes) -> None:
    """The last 200 are kept."""
    to = re.search(rb"^To: (\S+)", mail, re.MULTILINE)
    name = re.sub(r"[^\w@.-]", "", to[1].decode("ascii", "replace")) if to else "unknown"
    number = max((int(one.name[:6]) for one in folder.glob("[0-9]*.eml")), default=0) + 1
    (folder / f"{number:06}-{name}.eml").write_bytes(mail)
    for old in folder.glob(f"{number - _KEPT:06}-*.eml"):
        old.unlink()


async def _serve(port: int, folder: Path, refuses: bool) -> None:
    keep = None if refuses else folder
    server = await asyncio.start_server(lambda r, w: _talk(r, w, keep), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--refuse", action="store_true", help="turn everybody away")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(args.port, args.folder, args.refuse))


if __name__ == "__main__":
    main()
