"""The server's own health, answered before anything else may refuse: a load balancer asks by bare address."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from watchpost.watching.health import healthz, readyz

ANSWERS: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"/healthz": healthz, "/readyz": readyz}


class OwnHealthFirst:
    """First in MIDDLEWARE: whether the name in ``Host`` is ours matters to pages and cookies, not here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return ANSWERS.get(request.path_info, self.get_response)(request)
