"""Addresses that only forms post to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect

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
            return redirect(page) if page == "overview" else redirect(page, where)

        return guarded

    return guard
