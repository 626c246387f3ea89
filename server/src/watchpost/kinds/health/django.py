"""Reads what Django's other health packages answer: django-health-check 3 and 4, django-watchman. Pure.

django-health-check answers a flat object, a name for each check: the class in version 3
(``DatabaseBackend``), the ``repr`` of a dataclass in version 4 (``Cache(alias='default')``), which holds host
names, paths and addresses in memory. Those must not make another check of it at every start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.health import report as clean
from watchpost.kinds.health.guess import guess
from watchpost.kinds.health.report import DEGRADED, ERROR, OK, Inner, Report, worst

_FINE = frozenset({"ok", "working"})
_CLASS = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\((.*)\)", re.DOTALL)
_LASTING = re.compile(
    r"\b(alias|queue|queues|path|name|bucket|url|feed)=(?:'([^']{0,80})'|\"([^\"]{0,80})\")"
)
_NAME = re.compile(
    r"[A-Z]\w*(?:HealthCheck\w*|Backend|Check|Usage|Storage\w*)|Cache backend: .{1,80}|[A-Z]\w*\(.*\)",
    re.DOTALL,
)
_MOST_NAME = 2000  # of a repr
_WARNING = re.compile(r"(?i)warning\b")


def is_health_check(body: Any, status: int) -> bool:
    """A flat object of texts, of which some are fine, or all of which have names of checks."""
    if not isinstance(body, dict) or not body or not all(isinstance(one, str) for one in body.values()):
        return False
    if are_names(body):
        return True
    return (
        any(one.lower() in _FINE for one in body.values()) and status in (200, 500) and "status" not in body
    )


def are_names(body: Mapping[str, Any]) -> bool:
    """Whether each key is a name that this package gives, and there is one."""
    return bool(body) and all(len(key) <= _MOST_NAME and _NAME.fullmatch(key) for key in body)


def read_health_check(body: Mapping[str, Any]) -> Report:
    """Version 3 says "working", version 4 "OK"; anything else is what is wrong."""
    checks = tuple(_health_check(str(key), str(said)) for key, said in body.items())
    return Report("django-health-check", worst(checks), checks)


def _health_check(key: str, said: str) -> Inner:
    name = identity(key)
    if said.strip().lower() in _FINE:
        return Inner(name, OK)
    message = clean.words(said)
    state = DEGRADED if _WARNING.match(message) else ERROR
    return Inner(name, state, message=message, code=guess(name, message, state == ERROR))


def identity(key: str) -> str:
    """``Cache.default`` of ``Cache(alias='default', key='x-1f')``: the class and what stays with it."""
    found = _CLASS.fullmatch(key.strip()[:_MOST_NAME])
    if found is None:
        return clean.name(key)
    lasting = [one or other for _, one, other in _LASTING.findall(found[2])]
    return clean.name(".".join([found[1], *filter(None, lasting)]))


# ---- django-watchman ----------------------------------------------------------------------------


def is_watchman(body: Any) -> bool:
    """``{"caches": [{"default": {"ok": true}}], "storage": {"ok": true}}``."""
    if not isinstance(body, dict) or not body:
        return False
    return all(_is_result(one) or _is_list(one) for one in body.values())


def _is_result(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("ok"), bool)


def _is_list(group: Any) -> bool:
    if not isinstance(group, list):
        return False
    return all(isinstance(one, dict) and one and all(map(_is_result, one.values())) for one in group)


def read_watchman(body: Mapping[str, Any]) -> Report:
    checks = tuple(_watchman(body))
    return Report("watchman", worst(checks), checks)


def _watchman(body: Mapping[str, Any]) -> Iterator[Inner]:
    for group, found in body.items():
        if isinstance(found, dict):
            yield _result(clean.name(group), found)
            continue
        for aliases in found:
            for alias, one in aliases.items():
                yield _result(clean.name(f"{group}.{alias}"), one)


def _result(name: str, one: Mapping[str, Any]) -> Inner:
    """Of the stack trace that it sends along nothing is kept."""
    if one["ok"]:
        return Inner(name, OK)
    message = clean.words(one.get("error"))
    return Inner(name, ERROR, message=message, code=guess(name, message, is_error=True))
