"""Files that stay good for a while: asked for once, kept, and asked for again politely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from time import monotonic

from watchpost.outbound import File, Guard, Outbound, Want
from watchpost.outbound.download import retry_after_s
from watchpost.outbound.tests.fileserver import file_server

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GUARD = Guard((ip_network("127.0.0.0/8"),))
HOUR = timedelta(hours=1)


@asynccontextmanager
async def going(folder: Path | None = None, guard: Guard = GUARD) -> AsyncIterator[Outbound]:
    outbound = Outbound(guard, folder=folder)
    try:
        yield outbound
    finally:
        await outbound.close()


async def get(outbound: Outbound, url: str, now: datetime = NOW, **more: object) -> File:
    want = Want(url, **more)  # type: ignore[arg-type]
    return await outbound.downloads.get(want, monotonic() + 20, now)


async def test_one_question_for_all_who_want_it_and_none_while_it_is_fresh(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with file_server() as files:
            files.say("/list", b"one", ETag='"1"')
            async with going(folder) as outbound:
                every = await asyncio.gather(*(get(outbound, f"{files.url}/list") for _ in range(20)))
                assert {one.body for one in every} == {b"one"}
                assert (await get(outbound, f"{files.url}/list", NOW + 23 * HOUR)).body == b"one"
                assert len(files.asked) == 1
                later = await get(outbound, f"{files.url}/list", NOW + 25 * HOUR)
                assert (later.body, later.checked) == (b"one", NOW + 25 * HOUR)
                assert files.asked[1][1]["if-none-match"] == '"1"'
                files.say("/list", b"two", ETag='"2"')
                assert (await get(outbound, f"{files.url}/list", NOW + 50 * HOUR)).body == b"two"


async def test_it_outlives_the_process_and_a_broken_copy_is_no_copy(tmp_path: Path) -> None:
    with file_server() as files:
        files.say("/list", b"one", ETag='"1"')
        for _ in range(2):
            async with going(tmp_path) as outbound:
                assert (await get(outbound, f"{files.url}/list")).body == b"one"
        assert len(files.asked) == 1
        [body] = tmp_path.glob("downloads/*.bin")
        for path in (body,):
            path.write_bytes(b"scribbled over")
        async with going(tmp_path) as outbound:
            assert (await get(outbound, f"{files.url}/list")).body == b"one"
            for path in tmp_path.glob("downloads/*"):
                path.unlink()
            assert (await get(outbound, f"{files.url}/list")).body == b"one"
        assert len(files.asked) == 3
        assert "if-none-match" not in files.asked[2][1]


async def test_a_failure_hands_out_what_is_held_and_is_followed_by_a_pause(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with file_server() as files:
            files.say("/list", b"one")
            async with going(folder) as outbound:
                url = f"{files.url}/list"
                await get(outbound, url)
                files.say("/list", b"", 500)
                held = await get(outbound, url, NOW + 25 * HOUR)
                assert (held.body, held.checked, "status 500" in held.why) == (b"one", NOW, True)
                files.say("/list", b"two")
                assert (await get(outbound, url, NOW + 25.5 * HOUR)).body == b"one"
                assert len(files.asked) == 2
                assert (await get(outbound, url, NOW + 26.5 * HOUR)).body == b"two"


async def test_a_server_says_when_to_come_again() -> None:
    with file_server() as files:
        files.say("/busy", b"", 429, Retry_After="36000")
        files.say("/often", b"x", Retry_After="7200")
        async with going() as outbound:
            for hours, busy, often in ((0, 1, 1), (1.9, 1, 1), (2.1, 1, 2), (9.9, 1, 3), (10.1, 2, 3)):
                await get(outbound, f"{files.url}/busy", NOW + hours * HOUR)
                await get(outbound, f"{files.url}/often", NOW + hours * HOUR)
                assert (files.paths.count("/busy"), files.paths.count("/often")) == (busy, often)


async def test_what_is_hostile_is_refused_in_words() -> None:
    with file_server() as files:
        files.say("/huge", b"x" * 5000)
        files.say("/circle", b"", 302, Location="/circle")
        files.say("/away", b"", 302, Location="ldap://ca.example/list")
        files.say("/inside", b"", 302, Location="http://169.254.169.254/latest")
        async with going() as outbound:
            for path, says in (
                ("/huge", "larger than 4 kB"), ("/circle", "in a circle"), ("/away", "no http or https"),
                ("/inside", "169.254.169.254"), ("/none", "status 404"),
            ):  # fmt: skip
                found = await get(outbound, files.url + path, most=4096)
                assert (found.body, says in found.why) == (b"", True), found
            assert "no http" in (await get(outbound, "ldap://ca.example/list")).why
        async with going(guard=Guard(())) as outbound:
            assert "127.0.0.1" in (await get(outbound, f"{files.url}/huge")).why
    assert "/latest" not in files.paths


async def test_it_keeps_its_deadline_and_work_aside_ends_with_the_way_out() -> None:
    with file_server() as files:
        files.gate.clear()
        async with going() as outbound:
            began = monotonic()
            found = await outbound.downloads.get(Want(f"{files.url}/slow"), began + 0.3, NOW)
            assert found.why
            assert monotonic() - began < 10

            async def work() -> None:
                await get(outbound, f"{files.url}/slower")

            task = outbound.aside(work())
            await asyncio.sleep(0)
        assert task.cancelled()


def test_retry_after_is_bounded() -> None:
    assert retry_after_s(None, NOW) is retry_after_s("soon", NOW) is None
    assert [retry_after_s(text, NOW) for text in ("0", "21600", "999999999")] == [60, 21600, 86400]
    assert retry_after_s("Mon, 23 Nov 2026 13:00:00 GMT", NOW) == 3600
