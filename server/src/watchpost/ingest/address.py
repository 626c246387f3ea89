"""The addresses of pings, to the letter of Healthchecks (its ``hc/api/urls.py`` and ``views.py``). Pure.

``/ping/<uuid>`` and ``/ping/<ping key>/<slug>``, each with nothing, ``/start``, ``/fail``, ``/log`` or an
exit code behind it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from watchpost.core.heartbeat import Sign

PREFIX = "/ping/"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ANY_CASE = re.compile(_UUID.pattern, re.IGNORECASE)
_KEY = re.compile(r"[A-Za-z0-9_-]{22}")
_SLUG = re.compile(r"[A-Za-z0-9_-]+")
_ACTIONS = {"start": Sign.START, "fail": Sign.FAIL, "log": Sign.LOG}
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Address:
    """Whom a ping means, and what it says. ``code`` or ``key`` and ``slug``; ``create`` only with a slug;
    ``took_s`` by ``took_ms``, what the client measured itself."""

    sign: Sign
    code: UUID | None = None
    key: str = ""
    slug: str = ""
    exit_code: int | None = None
    run: str = ""
    create: bool = False
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an address cannot be used; ``status`` and body of the answer."""

    status: int
    words: str


NOT_FOUND = Refused(404, "not found")
BAD_URL = Refused(400, "invalid url format")
BAD_RUN = Refused(400, "invalid uuid format")


def read_address(path: str, query: str) -> Address | Refused:
    """``path`` begins after ``/ping/``."""
    parts = path.removesuffix("/").split("/")
    if _UUID.fullmatch(parts[0]):
        who, rest = Address(Sign.SUCCESS, code=UUID(parts[0])), parts[1:]
    elif len(parts) >= 2 and _KEY.fullmatch(parts[0]) and _SLUG.fullmatch(parts[1]):
        if parts[1] != parts[1].lower():
            return BAD_URL
        who, rest = Address(Sign.SUCCESS, key=parts[0], slug=parts[1]), parts[2:]
    else:
        return NOT_FOUND
    said = _read_action(rest)
    if isinstance(said, Refused):
        return said
    sign, exit_code = said
    run, create, took_s = "", False, None
    if query:
        values = parse_qs(query, keep_blank_values=True)
        create = values.get("create", [""])[-1] == "1" and bool(who.slug)
        if "rid" in values:
            run = values["rid"][-1].lower()
            if not _ANY_CASE.fullmatch(run):
                return BAD_RUN
        took_s = _read_took(values.get("took_ms", [""])[-1])
    return Address(sign, who.code, who.key, who.slug, exit_code, run, create, took_s)


def read_mailbox(address: str, domain: str) -> Address | None:
    """Whom a mail means: ``<uuid>@domain`` or ``<ping key>+<slug>@domain``; None when it is no such address.

    Case tells nothing: what mail passes through writes addresses small. So ``key`` may differ in case from
    the project's."""
    box, _, host = address.rpartition("@")
    if not domain or host.lower() != domain.lower():
        return None
    if _ANY_CASE.fullmatch(box):
        return Address(Sign.SUCCESS, code=UUID(box))
    key, _, slug = box.partition("+")
    if _KEY.fullmatch(key) and _SLUG.fullmatch(slug):
        return Address(Sign.SUCCESS, key=key, slug=slug.lower())
    return None


def _read_took(text: str) -> float | None:
    """Seconds. It is beyond Healthchecks, and no ping is lost over it: what is no number counts as none."""
    return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _read_action(rest: list[str]) -> tuple[Sign, int | None] | Refused:
    if not rest:
        return Sign.SUCCESS, None
    if len(rest) > 1:
        return NOT_FOUND
    if rest[0] in _ACTIONS:
        return _ACTIONS[rest[0]], None
    if not (rest[0].isascii() and rest[0].isdigit()):
        return NOT_FOUND
    code = int(rest[0][-_MOST_DIGITS:]) if len(rest[0]) <= _MOST_DIGITS else 256
    return BAD_URL if code > 255 else (Sign.FAIL if code else Sign.SUCCESS, code)
