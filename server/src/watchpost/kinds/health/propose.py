"""Whether a site speaks of its own health somewhere. Pure.

A site that answers 200 to everything is taken for what it is: nothing is there that is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from watchpost.kinds.health.read import Answer as Came
from watchpost.kinds.health.read import read
from watchpost.kinds.health.report import OK, Report
from watchpost.kinds.health.standard import WORDS
from watchpost.registry.site import Answer, Proposal, Site

# Where Django projects and their packages put it (django-health-check, watchman, probes of orchestrators).
_PATHS = (
    "/health/", "/health/ready/", "/health/live/", "/health", "/healthz", "/healthz/", "/ht/", "/readyz",
    "/livez", "/api/health/", "/api/health", "/-/health/", "/watchman/", "/up", "/ping/", "/status/",
    "/actuator/health",
)  # fmt: skip
_ALIVE = ("/health/live/", "/livez")  # says no more than that the process answers
_STATUSES = (200, 500, 503)
# django-health-check shows people a page; whoever asks for JSON, as the kind does, gets the checks.
_PAGE = re.compile(rb"<title>[^<]{0,40}(?:health|system status)", re.IGNORECASE)


def explore(site: Site) -> tuple[str, ...]:
    """The usual paths, and one of nothing."""
    return (site.nowhere, *(site.beside(path) for path in _PATHS))


def propose(site: Site) -> tuple[Proposal, ...]:
    return tuple(_endpoints(site))


def _endpoints(site: Site) -> Iterator[Proposal]:
    """Each once: a path with and without its slash is the same one, and two that list the same checks are,
    too."""
    taken: set[str] = {site.home.url}
    listed: list[frozenset[str]] = []
    for path in _PATHS:
        answer = site.answers.get(site.beside(path))
        if answer is None or answer.url in taken or (found := _report(site, answer)) is None:
            continue
        taken.add(answer.url)
        checks = frozenset(one.id for one in found.checks)
        if any(checks <= others for others in listed) and (checks or path in _ALIVE):
            continue
        listed.append(checks)
        where = urlsplit(answer.url).path
        spec: dict[str, Any] = {"name": _name(where), "kind": "health", "url": answer.url}
        yield Proposal(spec, f"The application {_says(found, answer)} of itself at {where}.")


def _name(path: str) -> str:
    """``Health``, with the path where it is another than the usual one."""
    return "Health" if path.strip("/") == "health" else f"Health {path}"[:100]


def _says(found: Report, answer: Answer) -> str:
    if found.checks:
        bad = sum(one.state != OK for one in found.checks)
        count = len(found.checks)
        fails = f", {bad} of which {'is' if bad == 1 else 'are'} not well," if bad else ""
        return f"lists {count} check{'' if count == 1 else 's'}{fails}"
    if answer.content_type == "text/html":
        return "shows a page"
    return f"says “{found.says}”" if answer.body.strip() else f"answers {answer.status}"


def _report(site: Site, answer: Answer) -> Report | None:
    """Not what the site says to everything, not a page to sign in, and short enough to be no page at all."""
    nothing = site.answers.get(site.nowhere)
    if answer.status not in _STATUSES or answer.place.host != site.host:
        return None
    is_same = nothing is not None and (nothing.url == answer.url or nothing.body == answer.body)
    if nothing is not None and nothing.status == answer.status and is_same:
        return None
    if answer.content_type == "text/html" and _PAGE.search(answer.body[:4096]):
        return Report("django-health-check", OK)
    found = read(Came(answer.status, answer.content_type, answer.body))
    if not isinstance(found, Report):
        return None
    if found.format == "status" and not _speaks(answer):
        return None
    return found


def _speaks(answer: Answer) -> bool:
    """A word of health stands in it; a status alone says nothing of what the address is for."""
    if "json" in answer.content_type:
        plain = answer.body[:200].lower()
        return any(
            f'"{key}"'.encode() in plain for key in ("status", "state", "health", "healthy", "ok", "alive")
        )
    said = answer.body[:200].decode("utf-8", "replace").strip().strip("\"'.!").lower()
    return answer.status == 200 and said in WORDS
