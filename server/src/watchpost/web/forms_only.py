"""Addresses that only forms post to, and forms sent after the session had ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, resolve_url

ALONE = ("overview", "settings", "calendar", "weekly")  # pages that are about no single thing
View = Callable[..., HttpResponse]


def posted_from(page: str) -> Callable[[View], View]:
    """Whoever comes by a reload, or back from signing in, has sent no form: the page with the form is
    shown, and that nothing was done."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            if request.method not in ("GET", "HEAD"):
                return HttpResponseNotAllowed(["POST"])
            messages.info(request, "Nothing was done by opening this address. Press the button again.")
            where = kwargs.get("slug") or kwargs.get("pk")
            return redirect(page) if where is None or page in ALONE else redirect(page, where)

        return guarded

    return guard


class UnsavedIsSaid:
    """A form that arrives after its session had ended leads to signing in, and from there back to its
    page: both shall say that nothing was saved."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and response.status_code == 302:
            where, begins = response["Location"], f"{resolve_url(settings.LOGIN_URL)}?next="
            if where.startswith(begins) and "%3F" not in where:
                response["Location"] = where + quote("?unsaved=1")
        return response
