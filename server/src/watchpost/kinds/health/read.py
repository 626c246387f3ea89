"""From an HTTP answer to a report, or to why it cannot be read. Pure, and never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from watchpost.kinds.health import claims, django, ours, standard
from watchpost.kinds.health.report import ERROR, OK, Report, settled, words

_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)
_SHORT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the first header of the type, the body as far as it was read."""

    status: int
    content_type: str  # lower case, without parameters
    body: bytes
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """``why`` is the end of a sentence; ``kind``: html | json | large | shape | broken | status."""

    kind: str
    why: str


Fits = Callable[[Any, Answer], bool]
Read = Callable[[Mapping[str, Any]], Report]
# In this order: what has a mark of its own comes before what is told by its shape.
_KNOWN: tuple[tuple[str, Fits, Read], ...] = (
    ("watchpost", lambda body, _: ours.fits(body), ours.read),
    (
        "health+json",
        lambda body, at: standard.is_health_json(body, at.content_type),
        standard.read_health_json,
    ),
    ("spring", lambda body, _: standard.is_spring(body), standard.read_spring),
    ("watchman", lambda body, _: django.is_watchman(body), django.read_watchman),
    (
        "django-health-check",
        lambda body, at: django.is_health_check(body, at.status),
        django.read_health_check,
    ),
)  # fmt: skip


def read(answer: Answer, wanted: str = "auto") -> Report | Unreadable:
    """``wanted`` is ``HealthConfig.format``."""
    if wanted == "status":
        return _by_status(answer)
    if answer.truncated:
        return Unreadable("large", f"with more than {len(answer.body) // 1024} kB")
    if _HTML.match(answer.body) or "html" in answer.content_type:
        return Unreadable("html", "with an HTML page, not with a health report")
    body = _parse(answer.body)
    if isinstance(body, Unreadable):
        return _by_words(answer) if wanted == "auto" and "json" not in answer.content_type else body
    if why := claims.broken(body, answer.content_type):
        return Unreadable("broken", why)
    for name, fits, understand in _KNOWN:
        if wanted in ("auto", name) and fits(body, answer):
            return settled(understand(body))
    if wanted != "auto":
        return Unreadable("shape", f"with JSON that is not what {wanted} writes")
    found = standard.read_by_hand(body)
    if found is not None:
        return found
    # JSON that says nothing of health: an endpoint whose status is what counts, or one that is not there.
    return _by_status(answer) if answer.status < 300 or answer.status in (500, 503) else _odd(answer)


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=lambda _: None)
    except RecursionError:
        return Unreadable("json", "with JSON that is nested too deeply")
    except ValueError as problem:
        return Unreadable("json", f"with a body that is no JSON ({words(str(problem), 80)})")


def _by_words(answer: Answer) -> Report | Unreadable:
    """Plain text, or nothing: a word that is known, else the status alone."""
    said = words(answer.body[:_SHORT].decode("utf-8", "replace"), _SHORT)
    first = re.match(r"[\"'(\[]*([A-Za-z]+)", said)
    known = standard.WORDS.get(first[1].lower()) if first else None
    if known is not None and (answer.status < 300) == (known != ERROR):
        return Report("status", known, message=said if known != OK else "")
    return _by_status(answer) if answer.status < 300 or answer.status in (500, 503) else _odd(answer)


def _by_status(answer: Answer) -> Report | Unreadable:
    if answer.status < 300:
        return Report("status", OK)
    if answer.status >= 500:
        return Report("status", ERROR)
    return _odd(answer)


def _odd(_: Answer) -> Unreadable:
    return Unreadable("status", "and no health report")
