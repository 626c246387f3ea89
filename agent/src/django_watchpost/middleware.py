"""The middleware that stands first, so that probes survive ALLOWED_HOSTS and the redirect to https."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_watchpost.conf import read_conf
from django_watchpost.guard import guard, tell
from django_watchpost.health.answer import Endpoint

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
Answer = HttpResponseBase | Awaitable[HttpResponseBase]

# Whether this process serves ASGI. Django builds the middleware accordingly, unless one behind it is
# synchronous (WhiteNoise): then the first request tells.
runs_async = False


class WatchpostMiddleware:
    """Answers the health endpoint; every other request passes for the price of one look into a dict."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._endpoint = _endpoint()
        self._groups: Mapping[str, str] = self._endpoint.groups if self._endpoint else {}
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
            _note_async()

    def __call__(self, request: HttpRequest) -> Answer:
        group = self._groups.get(request.path_info)
        if group is None or self._endpoint is None:
            return self.get_response(request)
        if self._is_async:
            return self._answer_async(self._endpoint, request, group)
        if isinstance(request, ASGIRequest):
            _note_async()
        try:
            return self._endpoint.answer(request, group)
        except Exception:  # noqa: BLE001  ours: the application goes on, and answers what it would without us
            return _failed()

    async def _answer_async(self, endpoint: Endpoint, request: HttpRequest, group: str) -> HttpResponse:
        try:
            return await endpoint.answer_async(request, group)
        except Exception:  # noqa: BLE001
            return _failed()


def _note_async() -> None:
    global runs_async
    runs_async = True


def _failed() -> HttpResponse:
    """The truth when we are broken ourselves: nothing is known, and nobody is to be taken out of service."""
    tell("django_watchpost.middleware")
    body = b'{"status": "degraded", "checks": {"watchpost": {"state": "error"}}}'
    return HttpResponse(body, content_type="application/json")


@guard(None)
def _endpoint() -> Endpoint | None:
    return Endpoint(read_conf())
