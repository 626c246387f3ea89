"""What Django refuses before a view is asked, told so that the reader can mend it."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SENSELESS = ("This request makes no sense here.", "Nothing was changed. Go back and try again.")
MOST_SAID = 20  # scanners know many names
_said: set[str] = set()
log = logging.getLogger(__name__)
TOO_BIG = ("That is too much at once.", "Nothing was changed. Send less.")


def _say_once(host: str) -> None:
    if host not in _said and len(_said) < MOST_SAID:
        _said.add(host)
        log.warning("refused a request for %.100r; this server is %s (SITE_URL)", host, settings.SITE_URL)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400. Most often the first visit under a name that the server was not told of."""
    title, text = SENSELESS
    if isinstance(exception, RequestDataTooBig):
        title, text = TOO_BIG
    elif isinstance(exception, DisallowedHost):
        _say_once(request.META.get("HTTP_HOST", ""))
        title = "Watchpost is not reached under this name."
        text = (
            f"It answers at {settings.SITE_URL}. To reach it under another name, set SITE_URL "
            "(WATCHPOST_SITE_URL) to that address and start it again."
        )
    return render(None, "400.html", {"title": title, "text": text}, status=400)
