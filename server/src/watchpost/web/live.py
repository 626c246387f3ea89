"""What changed, told to open pages: server-sent events from one shared poller, or a small JSON to poll."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from zlib import crc32

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from watchpost.monitors.models import Change

EVERY_S = 1.0
BEAT_S = 4.0
NO_PAGES = ("/static/", "/events/", "/pulse.json", "/api/")
log = logging.getLogger(__name__)


def mark() -> str:
    """Where the changes stand. Of the newest fifty: a slower transaction may bring a lower id later."""
    newest = list(Change.objects.order_by("-id").values_list("id", flat=True)[:50])
    return f"{newest[0]}-{crc32(repr(newest).encode()):x}" if newest else "0"


class Marked:
    """A page carries where the changes stood before it was read: whatever came after is told to it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = request.method == "GET" and not request.path.startswith(NO_PAGES)
        if page and request.user.is_authenticated:
            request.mark = mark()  # type: ignore[attr-defined]
        return self.get_response(request)


class Pulse:
    """One task per process asks for the newest change while anybody listens."""

    def __init__(self) -> None:
        self.newest = ""
        self.asked = 0
        self.listeners: set[asyncio.Event] = set()
        self.task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncIterator[str]:
        """Where the changes stand: at once, after every change, and now and then as a sign of life. While
        the database does not answer there is none, so the page can tell that it is old."""
        moved = asyncio.Event()
        self.listeners.add(moved)
        if self.task is None or self.task.done():
            self.newest, self.asked = "", 0
            self.task = asyncio.create_task(self._poll())
        elif self.asked:
            moved.set()
        told = 0
        try:
            yield "retry: 2000\n\n"
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), BEAT_S)
                moved.clear()
                silent, told = told == self.asked, self.asked
                yield ": waiting\n\n" if silent else f"event: beat\ndata: {self.newest}\n\n"
        finally:
            self.listeners.discard(moved)

    async def _poll(self) -> None:
        while self.listeners:
            try:
                newest = await sync_to_async(mark)()
            except DatabaseError as error:
                log.warning("live pages wait for the database: %s", error)
                await sync_to_async(close_old_connections)()
            else:
                self.asked += 1
                if newest != self.newest:
                    self.newest = newest
                    for listener in self.listeners:
                        listener.set()
            await asyncio.sleep(EVERY_S)


PULSE = Pulse()


async def events(request: HttpRequest) -> HttpResponseBase:
    """Needs an event loop of its own making; under WSGI the page falls back to ``pulse.json``."""
    if not isinstance(request, ASGIRequest):
        return HttpResponse(status=204)
    user = await request.auser()
    if not user.is_authenticated:
        return HttpResponse(status=204)
    response = StreamingHttpResponse(PULSE.listen(), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def pulse(request: HttpRequest) -> JsonResponse:
    """An open page is told in so many words that its session has ended; a sign-in page is no answer to it."""
    said = {"signed_in": True, "mark": mark()} if request.user.is_authenticated else {"signed_in": False}
    return JsonResponse(said, headers={"Cache-Control": "no-store"})
