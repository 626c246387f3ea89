"""Where a redirect leads, and how it is asked there. Pure."""

from __future__ import annotations

from urllib.parse import urljoin

from watchpost.registry.place import Place, place


def next_place(here: Place, location: str) -> Place:
    """Raises ValueError for what is no http or https address."""
    return place(urljoin(here.url, text_of(location)))


def text_of(location: str) -> str:
    """Headers arrive as latin-1; many servers send UTF-8 in Location."""
    return location.encode("latin-1").decode("utf-8", "replace")


def next_method(method: str, status: int) -> str:
    """RFC 9110, 15.4: 303 asks with GET; after 301 and 302 a POST becomes a GET, as browsers do."""
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        return "GET"
    return method
