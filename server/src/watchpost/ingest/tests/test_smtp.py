"""One session of SMTP: its ends, its bounds, and peers that want more than their share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from watchpost.ingest import smtp
from watchpost.ingest.smtp import KEPT_BYTES, Room, Session

EHLO = b"EHLO x\r\n"
BEGIN = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
Talk = Callable[[bytes], Coroutine[Any, Any, list[bytes]]]


class Kept:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content)
        return "250 OK"

    async def handle_exception(self, error: Exception) -> str:
        return f"451 {type(error).__name__}"


@asynccontextmanager
async def listening(room: Room | None = None) -> AsyncIterator[tuple[Kept, int]]:
    kept, there = Kept(), room or Room()
    server = await asyncio.get_running_loop().create_server(
        lambda: Session(kept, there, "ping.example.com"), "127.0.0.1", 0
    )
    try:
        yield kept, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def say(port: int, *chunks: bytes) -> list[bytes]:
    """All that is answered until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
    except (ConnectionError, BrokenPipeError):
        answer = b""
    finally:
        writer.close()
    return answer.splitlines()


def codes(lines: list[bytes]) -> list[int]:
    """Without the lines that go on."""
    return [int(line[:3]) for line in lines if line[3:4] != b"-"]


QUIT = b"QUIT\r\n"


@pytest.mark.parametrize(
    ("sent", "letters"),
    [
        (b"a\r\n.\r\n", [b"a\r\n"]),
        (b".\r\n", [b""]),
        (b"\r\n.\r\n", [b"\r\n"]),
        (b"..a\r\n...\r\nb..\r\n.\r\n", [b".a\r\n..\r\nb..\r\n"]),
        (b"\x00\xff\x80\r\n.\r\n", [b"\x00\xff\x80\r\n"]),
        (b"x" * 100_000 + b"\r\n.y\r\n.\r\n", [b"x" * 100_000 + b"\r\ny\r\n"]),
        (b"." + b"x" * 50_000 + b"\r\n.\r\n", [b"x" * 50_000 + b"\r\n"]),
        (b"a\r\n" * 400_000 + b".\r\n", [(b"a\r\n" * 400_000)[:KEPT_BYTES]]),
        # What is no end: a mail server in front may pass it on as text, with another "mail" behind it.
        *((b"a" + no_end + BEGIN + b"DATA\r\nb\r\n.\r\n", [(b"a" + no_end + BEGIN + b"DATA\r\nb\r\n").replace(b"\r\n.", b"\r\n")])
          for no_end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n\n.\r\r\n", b"\r\n.\x00\r\n"))
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)  # fmt: skip
async def test_where_a_mail_ends_and_what_is_kept(sent: bytes, letters: list[bytes]) -> None:
    async with listening() as (kept, port):
        answer = codes(await say(port, EHLO + BEGIN + b"DATA\r\n" + sent + QUIT))
    assert answer == [220, 250, 250, 250, 354, 250, 221]
    assert kept.letters == letters


async def test_two_mails_in_one_write_are_two() -> None:
    one = BEGIN + b"DATA\r\nhello\r\n.\r\n"
    async with listening() as (kept, port):
        answer = codes(await say(port, EHLO + one + one + QUIT))
    assert answer == [220, 250, *[250, 250, 354, 250] * 2, 221]
    assert kept.letters == [b"hello\r\n"] * 2


async def test_commands_out_of_order_and_nonsense() -> None:
    async with listening() as (kept, port):
        answer = codes(
            await say(
                port, b"DATA\r\n" + EHLO + b"DATA\r\n\r\n\xff\xfe\r\n" + b"x" * 100_000 + b"\r\n" + QUIT
            )
        )
        assert answer == [220, 503, 250, 503, 500, 500, 500, 221]
        assert codes(await say(port, *[b"GET / HTTP/1.1\r\n"] * 9))[-1] == 502
        assert codes(await say(port, EHLO * 30))[-1] == 421
        assert codes(await say(port, EHLO, b"AUTH PLAIN AGEAYg==\r\n", QUIT))[-2] in (500, 504, 538)
    assert not kept.letters


async def test_large_mails_are_refused_before_they_come_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "MOST_BYTES", 50_000)
    async with listening() as (kept, port):
        asked = await say(port, EHLO, b"MAIL FROM:<a@b.example> SIZE=50001\r\n", QUIT)
        assert codes(asked)[2] == 552
        assert b"250-SIZE 50000" in asked
        sent = await say(port, EHLO + BEGIN + b"DATA\r\n" + b"x\r\n" * 20_000 + b".\r\n" + QUIT)
        assert codes(sent) == [220, 250, 250, 250, 354, 552, 221]
        endless = await say(port, EHLO + BEGIN + b"DATA\r\n", *[b"x" * 10_000] * 30)
        assert not endless or codes(endless)[-1] == 552
        whole = await say(port, EHLO + BEGIN + b"DATA\r\nx\r\n.\r\n" + QUIT)
        assert codes(whole)[-2] == 250
    assert kept.letters == [b"x\r\n"]


@pytest.mark.parametrize(
    ("bound", "sent"),
    [
        ("IDLE_S", b""),
        ("IDLE_S", EHLO),
        ("LETTER_S", EHLO + BEGIN + b"DATA\r\nSubject: "),
        ("LIFE_S", EHLO),
    ],
)
async def test_who_says_nothing_more_is_hung_up_on(
    bound: str, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, bound, 0.2)
    room = Room(1, 1)
    async with listening(room) as (kept, port):
        assert codes(await asyncio.wait_for(say(port, sent), 5))[0] == 220
        assert codes(await say(port, QUIT))[0] == 220  # and its place is free
    assert not kept.letters


async def test_who_drips_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no life: neither within a command nor within a mail."""
    for bound, sent in (("IDLE_S", EHLO), ("LETTER_S", EHLO + BEGIN + b"DATA\r\n")):
        monkeypatch.setattr(smtp, bound, 0.3)
        async with listening() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)

            async def drip(to: asyncio.StreamWriter = writer) -> None:
                while True:
                    to.write(b"x")
                    await asyncio.sleep(0.05)

            dripping = asyncio.create_task(drip())
            answer = await asyncio.wait_for(reader.read(), 5)
            assert answer.startswith(b"220")
            dripping.cancel()
            writer.close()


async def test_a_peer_has_its_share_of_the_sessions() -> None:
    room = Room(3, 2)
    async with listening(room) as (_, port):
        open_ones = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, _ in open_ones:
            assert (await reader.readline()).startswith(b"220")
        assert codes(await say(port, EHLO)) == [421]
        assert room.enter("192.0.2.1")
        assert not room.enter("192.0.2.2")
        open_ones[0][1].close()
        room.leave("192.0.2.1")
        async with asyncio.timeout(5):
            while codes(await say(port, QUIT)) != [220, 221]:  # until it has noticed
                await asyncio.sleep(0.01)
        open_ones[1][1].close()
