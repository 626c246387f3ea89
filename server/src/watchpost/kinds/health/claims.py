"""Bodies that claim a format and break it. Pure.

What is no report at all ("a plain 200/503" is read by its status) is told from what means to be one: a report
that nobody understands may hide anything, so it is said which check is wrong and how, and is never well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.health import django, ours, standard
from watchpost.kinds.health.report import words

_ACTUATOR = "spring-boot.actuator"


def broken(body: Any, content_type: str) -> str:
    """The end of a sentence: what is wrong, and which check it is. "" for what keeps its format, and for what
    claims none. ``content_type`` as in ``read.Answer``."""
    if not isinstance(body, dict):
        return ""
    return next((why for find in _FINDERS for why in find(body, content_type)), "")


def _ours(body: Mapping[str, Any], _: str) -> Iterator[str]:
    """The mark of the format, or what strangers get: checks with a state each."""
    checks, marked = body.get("checks"), ours.is_marked(body)
    if not marked and not _is_for_strangers(body):
        return
    what = f"a report of {words(body['format'], 40)}" if marked else "a health report"
    if not ours.is_state(body.get("status")):
        yield f"with {what} whose status is {_shown(body, 'status')}, and must be {ours.STATES_SAID}"
    if not isinstance(checks, dict):
        yield f"with {what} whose checks are {_shown(body, 'checks')}, and must be an object"
        return
    for name, one in checks.items():
        whose = f"with {what} whose check {words(name, 60)}"
        if not isinstance(one, dict):
            yield f"{whose} is {_shown(checks, name)}, and must be an object"
        elif not ours.is_state(one.get("state")):
            yield f"{whose} has the state {_shown(one, 'state')}, and must have {ours.STATES_SAID}"


def _is_for_strangers(body: Mapping[str, Any]) -> bool:
    checks = body.get("checks")
    return (
        "status" in body
        and isinstance(checks, dict)
        and bool(checks)
        and any(isinstance(one, dict) and "state" in one for one in checks.values())
    )


def _health_json(body: Mapping[str, Any], content_type: str) -> Iterator[str]:
    if content_type == "application/health+json" and not standard.is_health_json(body, content_type):
        status = _shown(body, "status")
        yield f"with application/health+json whose status is {status}, and must be pass, warn or fail"


def _spring(body: Mapping[str, Any], content_type: str) -> Iterator[str]:
    """A status of one's own is allowed there, but nobody else can tell whether it is good."""
    components = body.get("components")
    listed = isinstance(components, dict) and any(
        isinstance(one, dict) and "status" in one for one in components.values()
    )
    if (listed or _ACTUATOR in content_type) and not standard.is_spring(body):
        whose = f"whose status is {_shown(body, 'status')}"
        yield f"with a report of Spring Boot {whose}, and must be one of {', '.join(standard.SPRING)}"


def _watchman(body: Mapping[str, Any], _: str) -> Iterator[str]:
    """``ok`` in each result, and one of them is no boolean."""
    results = list(_results(body))
    if len(results) < len(body) or not all("ok" in one for _, one in results):
        return
    for name, one in results:
        if not isinstance(one["ok"], bool):
            whose = f"whose check {words(name, 60)} has ok: {_shown(one, 'ok')}"
            yield f"with a report of django-watchman {whose}, and must have true or false"


def _results(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group, found in body.items():
        if isinstance(found, dict):
            yield group, found
        for aliases in found if isinstance(found, list) else ():
            for alias, one in aliases.items() if isinstance(aliases, dict) else ():
                if isinstance(one, dict):
                    yield f"{group}.{alias}", one


def _health_check(body: Mapping[str, Any], _: str) -> Iterator[str]:
    """Each name is one that django-health-check gives, and what it says of one is no text."""
    if not django.are_names(body):
        return
    for name, said in body.items():
        if not isinstance(said, str):
            whose = f"whose check {django.identity(name)} says {_shown(body, name)}"
            yield f"with a report of django-health-check {whose}, and must say a text"


_FINDERS = (_ours, _health_json, _spring, _watchman, _health_check)


def _shown(of: Mapping[str, Any], key: str) -> str:
    """A value as JSON writes it, or that it is missing."""
    if key not in of:
        return "missing"
    value = of[key]
    if isinstance(value, dict | list):  # however deep: only its beginning would be shown
        return "a list" if isinstance(value, list) else "an object"
    return words(json.dumps(value, ensure_ascii=False), 60)
