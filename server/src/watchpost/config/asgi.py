"""The ASGI application of the web process.

A semaphore bounds how many requests are inside Django at once: each has a thread and a database
connection of its own (unbounded, 201 requests took 201 connections). Streams of events wait on the loop
and count no thread.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchpost.config.settings")

from django.core.asgi import get_asgi_application

from watchpost.cli.supervise import end_with_parent
from watchpost.config.note import take_note
from watchpost.ingest.address import PREFIX
from watchpost.outbound.knock import wait_until_listening

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

log = logging.getLogger(__name__)
_django = get_asgi_application()
_slots: asyncio.Semaphore | None = None
_pings: Any = None
_background: set[asyncio.Task[None]] = set()
STREAMS = ("/events/",)
PARENT = "WATCHPOST_WEB_PROCESS"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    global _slots
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["path"].startswith(PREFIX):
        await _serve_ping(scope, receive, send)
        return
    if scope["path"] in STREAMS:
        await _django(scope, receive, send)
        return
    if _slots is None:
        from django.conf import settings

        _slots = asyncio.Semaphore(settings.WATCHPOST["WEB_THREADS"])
    async with _slots:
        await _django(scope, receive, send)


async def _serve_ping(scope: Scope, receive: Receive, send: Send) -> None:
    global _pings
    if _pings is None:
        from django.conf import settings

        from watchpost.ingest.pings import Pings

        _pings = Pings(settings.WATCHPOST["PING_RATE"])
    await _pings.serve(scope, receive, send)


async def _announce() -> None:
    """An address is printed when a click on it works; once, for a sign-in link does not come back."""
    from django.conf import settings

    if not await asyncio.to_thread(wait_until_listening, *settings.LISTEN, 60.0):
        return
    if lines := take_note():
        print(lines, file=sys.stderr, flush=True)
    else:
        log.warning("the worker that serves the pages was started anew")


def _spare_the_collector() -> None:
    """The code of all pages is read now and stays: searching it for garbage took one list in twenty the time
    of three. What one page leaves is found while it is young: rows that know each other are circles, and by
    the usual measure a page of a thousand grows old before it is done."""
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 - reads it
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # The worker is a fork of the web process: a killed parent must not leave it behind.
            # It is named in the environment: one that died before this line is nobody's parent any more.
            end_with_parent(int(os.environ.get(PARENT, os.getppid())), signal.SIGKILL)
            _spare_the_collector()
            announcing = asyncio.create_task(_announce())
            _background.add(announcing)
            announcing.add_done_callback(_background.discard)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
