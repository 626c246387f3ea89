"""The ASGI application of the web process.

A semaphore bounds how many requests are inside Django at once: each has a thread and a database
connection of its own (unbounded, 201 requests took 201 connections). Streams of events wait on the loop
and count no thread.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchpost.config.settings")

from django.core.asgi import get_asgi_application

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_django = get_asgi_application()
_slots: asyncio.Semaphore | None = None
STREAMS = ("/events/",)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    global _slots
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["path"] in STREAMS:
        await _django(scope, receive, send)
        return
    if _slots is None:
        from django.conf import settings

        _slots = asyncio.Semaphore(settings.WATCHPOST["WEB_THREADS"])
    async with _slots:
        await _django(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
