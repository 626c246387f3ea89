"""A secret that is seen once: the page it is sent on to shows it, a reload neither shows nor makes one."""

from __future__ import annotations

from django.http import HttpRequest

_KEY = "shown_once"


def keep(request: HttpRequest, title: str, secret: str) -> None:
    """For this person's next page that can show one."""
    request.session[_KEY] = {"title": title, "secret": secret}


def take(request: HttpRequest) -> dict[str, str] | None:
    """It is forgotten here as it is handed out. What only asks for news does not get it."""
    if _KEY not in request.session or request.headers.get("X-Live"):
        return None
    shown: dict[str, str] = request.session.pop(_KEY)
    return shown
