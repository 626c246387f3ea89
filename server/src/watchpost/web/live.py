"""What changed, told to open pages: server-sent events from one shared poller, or a small JSON to poll."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from django.contrib.auth.decorators import login_required
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from watchpost.monitors.models import Change

EVERY_S = 1.0
KEEP_ALIVE_S = 20.0


class Pulse:
    """One task per process asks for the newest change while anybody listens."""

    def __init__(self) -> None:
        self.newest = -1
        self.listeners: set[asyncio.Event] = set()
        self.task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncIterator[str]:
        """``changed`` after every change, a comment now and then to keep the line open."""
        moved = asyncio.Event()
        self.listeners.add(moved)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._poll())
        try:
            yield "retry: 5000\n\n"
            while True:
                yield await _next_event(moved)
        finally:
            self.listeners.discard(moved)

    async def _poll(self) -> None:
        while self.listeners:
            newest = await Change.objects.aaggregate(newest=Max("id"))
            if self.newest not in (-1, newest["newest"]):
                for listener in self.listeners:
                    listener.set()
            self.newest = newest["newest"]
            await asyncio.sleep(EVERY_S)
        self.newest = -1


async def _next_event(moved: asyncio.Event) -> str:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(moved.wait(), KEEP_ALIVE_S)
        moved.clear()
        return "event: changed\ndata: 1\n\n"
    return ": still here\n\n"


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


@login_required
def pulse(request: HttpRequest) -> JsonResponse:
    newest = Change.objects.aggregate(newest=Max("id"))["newest"]
    return JsonResponse({"change": newest or 0}, headers={"Cache-Control": "no-store"})
