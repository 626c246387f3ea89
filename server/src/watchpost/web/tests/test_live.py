"""Server-sent events over ASGI: one poller, told after a change."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client

from watchpost.accounts.models import User
from watchpost.monitors.changes import announce
from watchpost.web import live

pytestmark = pytest.mark.django_db(transaction=True)


def _enter() -> AsyncClient:
    client = AsyncClient()
    user = User.objects.create_user("a@example.com", "x" * 12)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


async def test_a_change_is_told_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)
    client = await sync_to_async(_enter)()
    streams: list[Any] = []
    for _ in range(2):
        answer: Any = await client.get("/events/")
        assert answer["Content-Type"] == "text/event-stream"
        streams.append(aiter(answer.streaming_content))
        assert b"retry" in await anext(streams[-1])
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.2)
    await sync_to_async(announce)("monitor", 1, datetime.now(UTC))
    told = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert all(b"event: changed" in chunk for chunk in told)
    for stream in streams:
        await stream.aclose()
    live.PULSE.listeners.clear()
    await asyncio.sleep(0.1)


async def test_strangers_hear_nothing() -> None:
    assert (await AsyncClient().get("/events/")).status_code == 204


def test_without_a_loop_the_page_polls() -> None:
    client = Client()
    client.force_login(
        User.objects.create_user("b@example.com", "x" * 12),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert client.get("/events/").status_code == 204
