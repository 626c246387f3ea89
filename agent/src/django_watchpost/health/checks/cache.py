"""The caches: what is written is there when it is read, in time."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from django_watchpost.health.contract import Check, Result, degraded, error, ok
from django_watchpost.health.probing.causes import explain
from django_watchpost.health.probing.causes_of_caches import CACHE
from django_watchpost.health.probing.connect import connected, since_ms
from django_watchpost.health.probing.own_cache import (
    build,
    is_own,
    kind_of,
    locations,
    release,
    without_password,
)
from django_watchpost.health.probing.worst import worst

_TTL_S = 30  # what a process that dies leaves behind is gone after this
_TIMES, _PAUSE_S = 10, 0.05  # a replica has half a second to follow
_WORDS = {"redis": "Redis", "django-redis": "Redis", "pymemcache": "Memcached", "pylibmc": "Memcached"}


@dataclass(frozen=True, slots=True)
class _Look:
    took_ms: float
    wrong: Result | None = None


@dataclass(frozen=True, slots=True)
class _Passed:
    """What came back of ``value``."""

    got: object
    value: str
    took_ms: float


@dataclass(kw_only=True)
class Cache(Check):
    """A value is written, read back, compared and deleted; of Memcached on each of its servers.

    ``deadline``: seconds for each answer of a server. A cache in the application's database is read only: a
    check never writes there.
    """

    id: str = "cache"
    alias: str = "default"
    tags: tuple[str, ...] = ("ready",)
    interval: float = 15.0
    timeout: float = 8.0
    deadline: float = 2.0
    slow_ms: float = 500.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        for alias in caches.settings:
            if kind_of(alias) != "dummy":
                name = "cache" if alias == "default" else f"cache.{alias}"
                yield cls(id=name, alias=alias, critical=alias == "default")

    def run(self) -> Result:
        kind = kind_of(self.alias)
        if kind == "database":
            looks = [self._look_at_table()]
        elif kind in ("pymemcache", "pylibmc"):
            looks = self._look_at_each()
        else:
            looks = [self._look(None)]
        found = [look.wrong for look in looks if look.wrong]
        took_ms = max((look.took_ms for look in looks), default=0.0)
        if not found and took_ms >= self.slow_ms:
            found = [self._slow(took_ms)]
        return worst(found, ok(observed=took_ms, unit="ms"))

    def _look_at_each(self) -> list[_Look]:
        """The servers of a Memcached know nothing of each other, and each key lies on one of them."""
        looks, ends = [], time.monotonic() + self.timeout - 2 * self.deadline
        servers = locations(self.alias)
        for server in servers:
            if time.monotonic() < ends:
                looks.append(self._look(server if len(servers) > 1 else None))
        return looks

    def _look(self, server: str | None) -> _Look:
        began = perf_counter()
        try:
            passed = self._pass_through(server, is_honest=False)
        except Exception as problem:  # noqa: BLE001  every client library has its own
            return _Look(since_ms(began), self._explain(problem, server))
        if passed.got == passed.value:
            return _Look(passed.took_ms)
        if passed.got is not None:
            kind = type(passed.got).__name__
            return _Look(passed.took_ms, self._wrong(f"gave back another value than was written ({kind})"))
        return _Look(passed.took_ms, self._missing(server))

    def _missing(self, server: str | None) -> Result | None:
        """Why nothing came back and nothing was raised: asked again, with nothing hidden."""
        try:
            passed = self._pass_through(server, is_honest=True)
        except Exception as problem:  # noqa: BLE001
            return self._swallowed(self._explain(problem, server))
        if passed.got == passed.value and is_own(self.alias):  # what it derives from works; does it itself?
            passed = self._pass_through(server, is_honest=False)
        if passed.got == passed.value:
            return None
        if kind_of(self.alias) == "other":
            return self._swallowed(None)
        return self._wrong("does not have what was written a moment before")

    def _pass_through(self, server: str | None, is_honest: bool) -> _Passed:
        key, value = f"watchpost-health-{os.getpid()}-{secrets.token_hex(8)}", secrets.token_hex(8)
        cache = build(self.alias, self.deadline, server, is_honest)
        began = perf_counter()
        try:
            cache.set(key, value, _TTL_S)
            try:
                got = self._read(cache, key)
            finally:
                with suppress(Exception):  # it ends by itself
                    cache.delete(key)
            return _Passed(got, value, since_ms(began))
        finally:
            release(self.alias, cache)

    def _read(self, cache: BaseCache, key: str) -> object:
        got = cache.get(key)
        if (
            got is None
            and kind_of(self.alias) in ("redis", "django-redis")
            and len(locations(self.alias)) > 1
        ):
            for _ in range(_TIMES):
                time.sleep(_PAUSE_S)
                if (got := cache.get(key)) is not None:
                    break
        return got

    def _look_at_table(self) -> _Look:
        from django.db import connections, router

        cache, began = build(self.alias, self.deadline), perf_counter()
        database = router.db_for_read(cache.cache_model_class)  # type: ignore[attr-defined]
        table = connections[database].ops.quote_name(cache._table)  # type: ignore[attr-defined]
        try:
            with connected(database, self.deadline) as ask:
                ask(f"SELECT cache_key FROM {table} WHERE cache_key = ''")  # noqa: S608  Django's own name
        except Exception as problem:  # noqa: BLE001
            return _Look(since_ms(began), self._explain(problem, None))
        return _Look(since_ms(began))

    def _explain(self, problem: Exception, server: str | None) -> Result:
        place = without_password(server or ", ".join(locations(self.alias)) or "its place")
        known = {"subject": self._name(server), "place": place, "deadline": self.deadline}
        told = explain(problem, CACHE, "cache.down", **known)
        if told.details["cause"] == "stalled":
            return error(told.message, code="cache.stalled", fix=told.fix, details=told.details)
        return told

    def _swallowed(self, why: Result | None) -> Result:
        """The application goes on as if nothing were cached. Where sessions live, nobody stays signed in."""
        say = error if _has_sessions(self.alias) else degraded
        message = f"{_capital(self._name())} does not work, and hides it from the application"
        return say(
            f"{message}: {why.message}"
            if why
            else f"{message}: what was written a moment before is not there.",
            code="cache.swallowing_errors",
            fix=(
                why.fix
                if why
                else "Ask the server from this machine; see whether the backend hides its errors."
            )
            + " Meanwhile sessions, rate limits and locks in this cache do not hold. "
            "DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True logs what IGNORE_EXCEPTIONS hides.",
            details=why.details if why else {},
        )

    def _wrong(self, words: str) -> Result:
        return error(
            f"{_capital(self._name())} {words}.",
            code="cache.wrong_value",
            fix="Do several projects share it with the same KEY_PREFIX, do processes disagree about its "
            "servers, or is it so small that it drops what is new?",
        )

    def _slow(self, took_ms: float) -> Result:
        return degraded(
            f"{_capital(self._name())} took {took_ms:.0f} ms to write, read and delete one value.",
            code="cache.slow",
            fix="A cache in the same network answers within 5 ms: look for slow commands (SLOWLOG), large "
            "values, swapping, or a long way.",
        )

    def _name(self, server: str | None = None) -> str:
        what = _WORDS.get(kind_of(self.alias), "")
        words = f"the cache {self.alias!r}" + (f" ({what})" if what else "")
        return f"{words}, server {server}," if server else words


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _has_sessions(alias: str) -> bool:
    from django.conf import settings

    return settings.SESSION_ENGINE.endswith(".cache") and alias == settings.SESSION_CACHE_ALIAS
