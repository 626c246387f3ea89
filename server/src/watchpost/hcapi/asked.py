"""What a client asks for: the JSON of Healthchecks' create and update calls, checked as it checks it. Pure.

The first thing that is wrong is told, in the order and words of Healthchecks (``hc/api/views.py``); types are
strict, null is none of them, and fields that nobody knows are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchpost.hcapi.zones import today
from watchpost.monitors.spec import write_duration
from watchpost.registry.schedule import check_schedule, check_zone, schedule_of

LEAST_S, MOST_S = 60, 31_536_000
UNIQUE = ("name", "slug", "tags", "timeout", "grace")
_SLUG = re.compile(r"[a-z0-9_-]*")
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
Asked = dict[str, Any]
Read = Callable[[str, Any], Any]


@dataclass
class Refused(Exception):
    """``words`` go to the client as ``{"error": words}``."""

    words: str
    status: int = 400


def read_json(body: bytes) -> Asked:
    """The object a client posted; nothing posted is an empty one. Raises Refused."""
    if not body:
        return {}
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refused("could not parse request body") from None
    if not isinstance(found, dict):
        raise Refused("json validation error: value is not an object")
    return found


def read_check(posted: Mapping[str, Any]) -> Asked:
    """The fields of a check that were given, checked. Raises Refused."""
    return {name: read(name, posted[name]) for name, read in _FIELDS.items() if name in posted}


def _wrong(name: str, what: str) -> Refused:
    return Refused(f"json validation error: {name} {what}")


def _text(most: int) -> Read:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or not _is_whole(value):
            raise _wrong(name, "is not a string")
        if len(value) > most:
            raise _wrong(name, "is too long")
        return value

    return read


def _is_whole(text: str) -> bool:
    """JSON can write half of a character, which nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "is not a boolean")
    return value


def _seconds(name: str, value: Any) -> int:
    if not isinstance(value, int):  # true counts as 1, there as here
        raise _wrong(name, "is not a number")
    if value < LEAST_S:
        raise _wrong(name, "is too small")
    if value > MOST_S:
        raise _wrong(name, "is too large")
    return value


def _methods(name: str, value: Any) -> str:
    if value not in ("", "POST"):
        raise _wrong(name, "has unexpected value")
    return str(value)


def _schedule(name: str, value: Any) -> str:
    text: str = _text(100)(name, value)
    try:
        comes = schedule_of(check_schedule(text), UTC).due_after(_SOME_DAY)
    except ValueError:
        comes = None
    if comes is None:
        raise _wrong(name, "is not a valid cron or OnCalendar expression")
    return text


def _slug(name: str, value: Any) -> str:
    text: str = _text(100)(name, value)
    if not _SLUG.fullmatch(text):
        raise _wrong(name, "does not match pattern")
    return text


def _zone(name: str, value: Any) -> str:
    zone = today(_text(10_000)(name, value))
    try:
        return check_zone(zone)
    except ValueError:
        raise _wrong(name, "is not a valid timezone") from None


def _unique(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(name, "is not an array")
    if any(one not in UNIQUE for one in value):
        raise _wrong(f"an item in '{name}'", "has unexpected value")
    return tuple(value)


def _slugs(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(name, "is not an array")
    if not all(isinstance(one, str) and _is_whole(one) for one in value):
        raise _wrong(f"an item in '{name}'", "is not a string")
    return tuple(value)


# In the order in which Healthchecks looks at them. It bounds neither desc nor tags; its database does tags.
# The last is ours: the monitors of the project that a check stands on. Healthchecks passes it over.
_FIELDS: dict[str, Read] = {
    "channels": _text(10_000),
    "desc": _text(10_000),
    "failure_kw": _text(200),
    "filter_subject": _flag,
    "filter_body": _flag,
    "filter_http_body": _flag,
    "filter_default_fail": _flag,
    "grace": _seconds,
    "manual_resume": _flag,
    "methods": _methods,
    "name": _text(100),
    "schedule": _schedule,
    "slug": _slug,
    "start_kw": _text(200),
    "subject": _text(200),
    "subject_fail": _text(200),
    "success_kw": _text(200),
    "tags": _text(500),
    "timeout": _seconds,
    "tz": _zone,
    "unique": _unique,
    "depends_on": _slugs,
}


def pick_channels(asked: str, known: Mapping[str, str]) -> frozenset[str]:
    """The ids meant by ``channels``: ``*`` is all, else ids or names between commas; ``known`` is id to name.
    Raises Refused."""
    if asked == "*":
        return frozenset(known)
    picked = set()
    for one in asked.split(",") if asked else []:
        if not one:
            raise Refused("empty channel identifier")
        found = [key for key, name in known.items() if one in (key, name)]
        if len(found) != 1:
            raise Refused(f"{'non-unique' if found else 'invalid'} channel identifier: {one}")
        picked.add(found[0])
    return frozenset(picked)


_WORDS = {"start_kw": "start_words", "success_kw": "success_words", "failure_kw": "failure_words",
          "filter_subject": "read_subject", "filter_body": "read_mail", "filter_http_body": "read_body",
          "filter_default_fail": "fail_unmatched", "manual_resume": "manual_resume", "methods": "methods",
          "tz": "timezone", "desc": "description", "slug": "ping_slug", "name": "name"}  # fmt: skip
THEIRS = {ours: theirs for theirs, ours in _WORDS.items()} | {"period": "timeout"}


def to_spec(asked: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a monitor's spec that change. ``before`` has its words for success and failure: they decide
    whether the deprecated ``subject`` fields switch the reading of subjects on or off."""
    spec: dict[str, Any] = {}
    words = {
        "success_words": before.get("success_words", ""),
        "failure_words": before.get("failure_words", ""),
    }
    for theirs, ours in (("subject", "success_words"), ("subject_fail", "failure_words")):
        if theirs in asked:
            words[ours] = spec[ours] = asked[theirs]
            spec["read_subject"] = any(words.values())
    spec |= {ours: asked[theirs] for theirs, ours in _WORDS.items() if theirs in asked}
    if "depends_on" in asked:
        spec["depends_on"] = list(asked["depends_on"])
    if "tags" in asked:
        spec["tags"] = list(dict.fromkeys(asked["tags"].split()))
    if "grace" in asked:
        spec["grace"] = write_duration(asked["grace"])
    if asked.get("schedule"):
        spec["schedule"] = asked["schedule"]
    elif "timeout" in asked:
        spec |= {"period": write_duration(asked["timeout"]), "schedule": ""}
    return spec
