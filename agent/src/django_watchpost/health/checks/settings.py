"""Settings that bite in production."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.cache import caches
from django.db import connections

from django_watchpost.health.contract import Check, Result, degraded, ok
from django_watchpost.health.probing.own_cache import kind_of, locations
from django_watchpost.health.probing.siblings import count_workers
from django_watchpost.health.probing.worst import worst

_SHORT_KEY, _FEW = 50, 5  # as Django's own security.W009
_ALWAYS_TIMED = 8  # redis-py gives up after 5 s by itself from this version on


@dataclass(kw_only=True)
class Settings(Check):
    """Looks at the settings alone. Quiet under ``runserver``, where most of this is as it should be.

    ``longest_s``: the longest timeout of a cache's sockets that is no finding.
    """

    id: str = "settings"
    critical: bool = False
    interval: float = 300.0
    longest_s: float = 5.0

    def run(self) -> Result:
        if "runserver" in sys.argv[1:2]:
            return ok("This is the development server.")
        found = [
            *_judge_debug(),
            *_judge_key(),
            *_judge_connections(),
            *self._judge_timeouts(),
            *_judge_local_cache(),
            *_judge_hosts(),
        ]
        return worst(found, ok(observed=len(found), unit="findings"))

    def _judge_timeouts(self) -> Iterator[Result]:
        for alias in caches.settings:
            kind = kind_of(alias)
            if kind not in ("redis", "django-redis", "pymemcache"):
                continue
            longest = max(_timeouts(alias, kind), key=lambda one: one or float("inf"))
            if longest is not None and longest <= self.longest_s:
                continue
            how = "without a timeout" if longest is None else f"with a timeout of {longest:g} s"
            names = {
                "redis": "socket_timeout and socket_connect_timeout",
                "django-redis": "SOCKET_TIMEOUT and SOCKET_CONNECT_TIMEOUT",
                "pymemcache": "timeout and connect_timeout",
            }
            yield degraded(
                f"The cache {alias!r} is asked {how}: a server that hangs holds every worker.",
                code="settings.cache_timeouts",
                fix=f"Set {names[kind]} in OPTIONS of CACHES[{alias!r}], to 1 second.",
            )


def _judge_debug() -> Iterator[Result]:
    if settings.DEBUG:
        yield degraded(
            "DEBUG is on: visitors see settings and source code at each error, and every query is kept in "
            "memory.",
            code="settings.debug",
            fix="Set DEBUG = False in production, from the environment: os.environ.get('DEBUG') == '1' "
            "(bool('False') is True).",
        )


def _judge_key() -> Iterator[Result]:
    key = str(settings.SECRET_KEY)
    if key.startswith("django-insecure-"):
        why = "is the one that startproject made (django-insecure-)"
    elif len(key) < _SHORT_KEY or len(set(key)) < _FEW:
        why = f"is short or simple (less than {_SHORT_KEY} characters, or less than {_FEW} different ones)"
    else:
        return
    yield degraded(
        f"SECRET_KEY {why}: whoever knows or guesses it can forge sessions.",
        code="settings.secret_key",
        fix="Make one (python -c 'from django.core.management.utils import get_random_secret_key as k; "
        "print(k())'), keep it out of the repository, and put the old one into SECRET_KEY_FALLBACKS.",
    )


def _judge_connections() -> Iterator[Result]:
    from django_watchpost import middleware

    for alias in connections if middleware.runs_async else ():
        given = connections.databases[alias]
        is_server = not given["ENGINE"].endswith(("sqlite3", "dummy"))
        if is_server and given.get("CONN_MAX_AGE", 0) != 0:
            yield degraded(
                f"CONN_MAX_AGE of the database {alias!r} is {given['CONN_MAX_AGE']} under ASGI: each "
                "request may leave a connection behind, until the server has none left.",
                code="settings.persistent_connections",
                fix="Set CONN_MAX_AGE = 0, and use the pool of psycopg (OPTIONS = {'pool': True}) or "
                "PgBouncer.",
            )


def _judge_local_cache() -> Iterator[Result]:
    uses_sessions = settings.SESSION_ENGINE.endswith((".cache", ".cached_db"))
    if not _is_set("CACHES") and not uses_sessions:
        return  # Django's default, which nobody chose and perhaps nobody uses
    workers = count_workers()
    for alias in caches.settings if workers > 1 else ():
        if kind_of(alias) == "memory":
            yield degraded(
                f"The cache {alias!r} lies in the memory of each of {workers} processes: what one writes or "
                "deletes, the others do not see.",
                code="settings.local_cache",
                fix="Use Redis, Memcached or the database for whatever must be the same everywhere: "
                "sessions, locks, rate limits, invalidation.",
            )


def _judge_hosts() -> Iterator[Result]:
    if "*" in settings.ALLOWED_HOSTS:
        yield degraded(
            "ALLOWED_HOSTS lets every host in: links in mails, such as those that reset a password, can be "
            "made to lead to a stranger's site.",
            code="settings.allowed_hosts",
            fix="List the hosts of the site. Health probes by address need none: Watchpost's middleware "
            "answers before.",
        )


def _timeouts(alias: str, kind: str) -> list[float | None]:
    """Of an answer and of a connection, in seconds; None: none."""
    options: dict[str, Any] = caches.settings[alias].get("OPTIONS") or {}
    if kind == "pymemcache":
        return [options.get("timeout"), options.get("connect_timeout")]
    given = {**options, **(options.get("CONNECTION_POOL_KWARGS") or {})}
    given = {str(name).lower(): value for name, value in given.items()}
    for url in locations(alias)[:1]:
        given |= {
            name: float(values[0])
            for name, values in parse_qs(urlsplit(url).query).items()
            if "timeout" in name
        }
    default = 5.0 if _major("redis") >= _ALWAYS_TIMED else None
    return [given.get("socket_timeout", default), given.get("socket_connect_timeout", default)]


def _is_set(name: str) -> bool:
    return bool(settings.is_overridden(name))  # type: ignore[misc]  # the stubs know no LazySettings here


def _major(package: str) -> int:
    try:
        return int(version(package).split(".")[0])
    except (PackageNotFoundError, ValueError):
        return 0
