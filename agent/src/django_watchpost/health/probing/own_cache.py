"""A cache as the application configured it, but one that is ours: with deadlines, and closed after use.

The same class, servers and options, so that what it proves holds for the application; apart from it, so that
neither our deadlines get into the application's connections, nor its hidden errors into our result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string

_KINDS = {
    "django.core.cache.backends.redis.RedisCache": "redis",
    "django_redis.cache.RedisCache": "django-redis",
    "django.core.cache.backends.memcached.PyMemcacheCache": "pymemcache",
    "django.core.cache.backends.memcached.PyLibMCCache": "pylibmc",
    "django.core.cache.backends.db.DatabaseCache": "database",
    "django.core.cache.backends.filebased.FileBasedCache": "file",
    "django.core.cache.backends.locmem.LocMemCache": "memory",
    "django.core.cache.backends.dummy.DummyCache": "dummy",
}
_HONEST = {"django-redis": {"IGNORE_EXCEPTIONS": False}, "pymemcache": {"ignore_exc": False}}
_IN_ADDRESS = re.compile(r"//[^/@]*@")


def kind_of(alias: str) -> str:
    """Which of the known backends it is, or derives from; "other" where it is none."""
    backend = import_string(caches.settings[alias]["BACKEND"])
    names = (f"{one.__module__}.{one.__qualname__}" for one in backend.__mro__)
    return next((_KINDS[name] for name in names if name in _KINDS), "other")


def locations(alias: str) -> list[str]:
    """The servers or the folder that a cache is kept on."""
    given = caches.settings[alias].get("LOCATION") or ""
    if isinstance(given, str):
        return [one.strip() for one in re.split("[;,]", given) if one.strip()]
    return [":".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in given]


def without_password(location: str) -> str:
    return _IN_ADDRESS.sub("//", location)


def build(alias: str, deadline_s: float, location: str | None = None, is_honest: bool = False) -> BaseCache:
    """``location``: only this one of its servers. ``is_honest``: errors are raised, although the application
    has them hidden. Raises what the backend's constructor raises."""
    kind, params = kind_of(alias), dict(caches.settings[alias])
    backend = import_string(params.pop("BACKEND"))
    if is_honest:
        backend = _without_own(backend)
    given = params.pop("LOCATION", "")
    options = dict(params.get("OPTIONS") or {})
    adjust = {"redis": _redis, "django-redis": _django_redis, "pymemcache": _pymemcache, "pylibmc": _pylibmc}
    if kind in adjust:
        adjust[kind](options, deadline_s)
        params["OPTIONS"] = options
    if is_honest:
        options |= _HONEST.get(kind, {})
    cache: BaseCache = backend(given if location is None else location, params)
    getattr(cache, "_cache", None)  # imports the client library, which is not the server's time
    if kind == "django-redis":
        cache.client.connection_factory._pools = {}  # type: ignore[attr-defined]  # else the application's
    return cache


def is_own(alias: str) -> bool:
    """Whether the project derived a backend of its own from a known one."""
    backend = import_string(caches.settings[alias]["BACKEND"])
    return _without_own(backend) is not backend


def _without_own(backend: type[BaseCache]) -> type[BaseCache]:
    """The known backend that one of the project's own derives from: it is the own one that hides errors."""
    return next((one for one in backend.__mro__ if f"{one.__module__}.{one.__qualname__}" in _KINDS), backend)


def release(alias: str, cache: BaseCache) -> None:
    """Closes its connections. Never raises."""
    kind, pools = kind_of(alias), {}
    with suppress(Exception):
        if kind == "redis":
            pools = cache._cache._pools  # type: ignore[attr-defined]
        elif kind == "django-redis":
            pools = cache.client.connection_factory._pools  # type: ignore[attr-defined]
        elif kind == "pylibmc":
            cache._cache.disconnect_all()  # type: ignore[attr-defined]
        else:
            cache.close()
    for pool in pools.values():
        with suppress(Exception):
            pool.disconnect()


def _redis(options: dict[str, Any], deadline_s: float) -> None:
    _lower(options, ("socket_timeout", "socket_connect_timeout"), deadline_s)


def _django_redis(options: dict[str, Any], deadline_s: float) -> None:
    _lower(options, ("SOCKET_TIMEOUT", "SOCKET_CONNECT_TIMEOUT"), deadline_s)
    pool = dict(options.get("CONNECTION_POOL_KWARGS") or {})
    _lower(pool, [name for name in ("socket_timeout", "socket_connect_timeout") if name in pool], deadline_s)
    options["CONNECTION_POOL_KWARGS"] = pool


def _pymemcache(options: dict[str, Any], deadline_s: float) -> None:
    _lower(options, ("timeout", "connect_timeout"), deadline_s)


def _pylibmc(options: dict[str, Any], deadline_s: float) -> None:
    """Milliseconds to connect and to poll, microseconds to send and receive."""
    behaviors = dict(options.get("behaviors") or {})
    _lower(behaviors, ("connect_timeout", "_poll_timeout"), int(deadline_s * 1e3))
    _lower(behaviors, ("send_timeout", "receive_timeout"), int(deadline_s * 1e6))
    options["behaviors"] = behaviors


def _lower(options: dict[str, Any], names: Sequence[str], most: float) -> None:
    for name in names:
        given = options.get(name)
        options[name] = min(given, most) if isinstance(given, (int, float)) and given > 0 else most
