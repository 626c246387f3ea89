"""Server-sent events over ASGI: one poller, told after a change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import AsyncClient, Client

from watchpost.accounts.models import User
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Change
from watchpost.web import live

pytestmark = pytest.mark.django_db(transaction=True)


def _enter() -> AsyncClient:
    client = AsyncClient()
    user = User.objects.create_user("a@example.com", "x" * 12)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


async def _said(stream: Any) -> bytes:
    chunk: bytes = await asyncio.wait_for(anext(stream), 5)
    return chunk


async def _streams(client: AsyncClient, count: int) -> list[Any]:
    streams: list[Any] = []
    for _ in range(count):
        answer: Any = await client.get("/events/")
        assert answer["Content-Type"] == "text/event-stream"
        streams.append(aiter(answer.streaming_content))
        assert b"retry" in await anext(streams[-1])
    return streams


async def _close(streams: list[Any]) -> None:
    for stream in streams:
        await stream.aclose()
    live.PULSE.listeners.clear()
    await asyncio.sleep(0.1)


async def test_a_change_is_told_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    streams = await _streams(await sync_to_async(_enter)(), 2)
    before = [await _said(stream) for stream in streams]
    assert b"event: beat" in before[0]
    await sync_to_async(announce)("monitor", 1, datetime.now(UTC))
    after = [await _said(stream) for stream in streams]
    assert after[0] == after[1] != before[0]
    await _close(streams)


async def test_a_change_between_the_page_and_its_stream_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    client = await sync_to_async(_enter)()
    page = (await client.get("/incidents/")).content.decode()
    await sync_to_async(announce)("monitor", 1, datetime.now(UTC))
    streams = await _streams(client, 1)
    said = (await _said(streams[0])).decode()
    carried = page.split('data-mark="')[1].split('"')[0]
    assert f"data: {carried}\n" not in said
    assert f"data: {await sync_to_async(live.mark)()}\n" in said
    await _close(streams)


async def test_no_sign_of_life_while_the_database_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    monkeypatch.setattr(live, "BEAT_S", 0.1)
    streams = await _streams(await sync_to_async(_enter)(), 1)
    assert b"event: beat" in await _said(streams[0])
    assert b"event: beat" in await _said(streams[0])

    def fails() -> str:
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(live, "mark", fails)
        await asyncio.sleep(0.05)
        said = [await _said(streams[0]) for _ in range(3)]
        assert b"event: beat" not in said[-1]
    await asyncio.sleep(0.1)
    assert any([b"event: beat" in await _said(streams[0]) for _ in range(3)])
    await _close(streams)


def test_the_mark_notices_a_slower_transaction() -> None:
    now = datetime.now(UTC)
    Change.objects.create(pk=7, topic="monitor", key="1", at=now)
    before = live.mark()
    Change.objects.create(pk=6, topic="monitor", key="1", at=now)
    assert live.mark() != before


def test_whoever_is_signed_out_is_told_so_and_not_sent_to_a_page() -> None:
    answer = Client().get("/pulse.json")
    assert (answer.status_code, answer.json()) == (200, {"signed_in": False})


async def test_strangers_hear_nothing() -> None:
    assert (await AsyncClient().get("/events/")).status_code == 204


def test_without_a_loop_the_page_polls() -> None:
    client = Client()
    client.force_login(
        User.objects.create_user("b@example.com", "x" * 12),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert client.get("/events/").status_code == 204
