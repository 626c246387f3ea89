"""The Redis servers that a project's settings name: of its caches, of Celery and of Channels."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches

from django_watchpost.health.probing.own_cache import kind_of, locations

_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
_BROKERS = ("CELERY_BROKER_URL", "BROKER_URL")
_RESULTS = ("CELERY_RESULT_BACKEND",)
_PASSED = ("username", "password")  # of a cache's OPTIONS, and whatever begins with ssl_


@dataclass(frozen=True, slots=True)
class Server:
    """``use``: what for, as a part of an id (``cache``, ``cache.sessions``, ``broker``). ``is_replica``: "
    "it is
    listed to be read from only. ``options``: for redis-py, besides the URL."""

    use: str
    url: str
    is_replica: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def place(self) -> str:
        """Host and port, or the socket: without a password."""
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"


def find_servers() -> list[Server]:
    """Each server once, under its first use. A setting that cannot be read is left out."""
    found: dict[str, Server] = {}
    for source in (_of_caches, _of_celery, _of_channels):
        with suppress(Exception):
            for one in source():
                found.setdefault(one.place, one)
    return list(found.values())


def _of_caches() -> Iterator[Server]:
    for alias in caches.settings:
        if kind_of(alias) not in ("redis", "django-redis"):
            continue
        given = caches.settings[alias].get("OPTIONS") or {}
        if _has_other_ways(given):
            continue
        options = _passed({**given, **(given.get("CONNECTION_POOL_KWARGS") or {})})
        use = "cache" if alias == "default" else f"cache.{alias}"
        for number, url in enumerate(locations(alias)):
            if url.partition(":")[0] in _SCHEMES:
                name = use if number == 0 else f"{use}.{number + 1}"
                yield Server(name, _spelt(url), number > 0, options)


def _has_other_ways(options: Mapping[str, Any]) -> bool:
    """Sentinel and Cluster: the address is a name that only they know."""
    names = ("CLIENT_CLASS", "CONNECTION_FACTORY", "REDIS_CLIENT_CLASS", "CONNECTION_POOL_CLASS", "SENTINELS")
    given = [str(options.get(name, "")) for name in names]
    given.append(str(getattr(settings, "DJANGO_REDIS_CONNECTION_FACTORY", "")))
    return bool(options.get("SENTINELS")) or any("entinel" in one or "luster" in one for one in given)


def _passed(options: Mapping[str, Any]) -> dict[str, Any]:
    lower = {str(name).lower(): value for name, value in options.items()}
    return {name: value for name, value in lower.items() if name in _PASSED or name.startswith("ssl_")}


def _of_celery() -> Iterator[Server]:
    brokers, results = _celery_urls()
    for use, given, secured in (
        ("broker", brokers, "CELERY_BROKER_USE_SSL"),
        ("results", results, "CELERY_REDIS_BACKEND_USE_SSL"),
    ):
        tls = getattr(settings, secured, None)
        options = _passed(tls) if isinstance(tls, Mapping) else {}
        for one in given:
            listed = one if isinstance(one, (list, tuple)) else str(one or "").split(";")
            for number, url in enumerate(url for url in listed if str(url).partition(":")[0] in _SCHEMES):
                name = use if number == 0 else f"{use}.{number + 1}"
                yield Server(name, _spelt(str(url)), options=options)


def _celery_urls() -> tuple[list[Any], list[Any]]:
    """Of brokers and of results: in the settings, and of Celery's apps in this process."""
    brokers = [getattr(settings, name, None) for name in _BROKERS]
    results = [getattr(settings, name, None) for name in _RESULTS]
    for app in list(getattr(sys.modules.get("celery._state"), "_apps", ())):
        with suppress(Exception):
            brokers.append(app.conf.broker_url)
            results.append(app.conf.result_backend)
    return brokers, results


def _of_channels() -> Iterator[Server]:
    for layer in getattr(settings, "CHANNEL_LAYERS", {}).values():
        for number, host in enumerate((layer.get("CONFIG") or {}).get("hosts") or ()):
            given = host.get("address") if isinstance(host, Mapping) else host
            url = f"redis://{given[0]}:{given[1]}" if isinstance(given, (list, tuple)) else str(given or "")
            if url.partition(":")[0] in _SCHEMES:
                yield Server("channels" if number == 0 else f"channels.{number + 1}", _spelt(url))


def _spelt(url: str) -> str:
    """As redis-py wants it; Celery has words of its own."""
    url = re.sub(r"^redis\+socket:", "unix:", url)
    return re.sub(r"ssl_cert_reqs=CERT_(\w+)", lambda found: f"ssl_cert_reqs={found[1].lower()}", url)
