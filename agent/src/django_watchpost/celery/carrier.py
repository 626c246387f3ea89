"""Where the reports of workers and of Beat are kept, so that web processes can read them.

Chosen by what the project has, or by ``WATCHPOST["CELERY"]``:

``"broker"``
    the broker's own Redis: keys ``watchpost:worker:<node>`` and so on, with a time to live, and
    ``watchpost:reports``, the list of their names. Automatic where the broker is Redis.
``"/some/folder"``
    one small file for each report, for workers on the same machine or file system. Automatic with
    ``filesystem://``: ``.watchpost`` inside the folder of the messages.
``"cache"``
    Django's default cache, ``"cache:alias"`` another one. Automatic where the default cache is shared between
    processes (not local memory, dummy, or a table of the database).

A report is a small JSON object. Its age is told by the store where it can be (Redis' time to live, the
file's time), so that clocks of several machines need not agree; with a cache, by the writer's clock.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote

from django_watchpost.celery.broker import Opened, broker_kind, is_redis, open_broker

KEEP_S = 600  # a report is kept long after it says nothing about now: so that the last word can be quoted
_MOST = 500
_PREFIX = "watchpost:"
_INDEX = "reports"
_UNSHARED = ("locmem.LocMemCache", "dummy.DummyCache", "db.DatabaseCache")


@dataclass(frozen=True, slots=True)
class Kept:
    """A report as it was read: its name (``worker:celery@web1``), what it says, and seconds since it was
    written."""

    name: str
    data: Mapping[str, Any]
    age_s: float


class Carrier(Protocol):
    """Reads and writes reports. Each method may raise whatever the store raises."""

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        """Keeps ``data`` for ten minutes, in the place of what had that name."""

    def read(self) -> list[Kept]:
        """All reports of the last ten minutes, at most 500."""


@dataclass(frozen=True, slots=True)
class Place:
    """``kind``: ``broker``, ``cache`` or ``folder``; ``where``: the cache's alias, or the folder."""

    kind: str
    where: str = ""

    def __str__(self) -> str:
        named = {"broker": "the broker's Redis", "cache": f"the cache {self.where!r}"}
        return named.get(self.kind, f"the folder {self.where}")


def choose_place(app: Any, wish: str) -> Place | None:
    """``wish``: ``auto``, or what the settings say. None when there is no place that processes share."""
    kind, _, rest = wish.partition(":")
    if wish.startswith("/"):
        return Place("folder", wish)
    if kind == "cache":
        return Place("cache", rest or "default")
    if is_redis(broker_kind(app)):
        return Place("broker")
    if wish == "broker":
        return None
    if broker_kind(app) == "filesystem":
        folder = app.conf.broker_transport_options.get("data_folder_in", "data_in")
        return Place("folder", os.path.abspath(os.path.join(folder, ".watchpost")))
    return Place("cache", "default") if _is_shared("default") else None


@contextmanager
def open_carrier(place: Place, app: Any, opened: Opened | None = None) -> Iterator[Carrier]:
    """``opened``: the broker, where the caller has it open already. Raises BrokerTrouble where it is
    needed."""
    if place.kind == "folder":
        yield FolderCarrier(Path(place.where))
    elif place.kind == "cache":
        yield CacheCarrier(place.where)
    elif opened is not None:
        yield RedisCarrier(*opened.redis())
    else:
        with open_broker(app) as mine:
            yield RedisCarrier(*mine.redis())


def _is_shared(alias: str) -> bool:
    from django.conf import settings

    backend = str(settings.CACHES.get(alias, {}).get("BACKEND", ""))
    return bool(backend) and not backend.endswith(_UNSHARED)


class RedisCarrier:
    """One key for each report, and a sorted set of their names, so that nothing has to search the keys."""

    def __init__(self, client: Any, prefix: str = "") -> None:
        self._client, self._prefix = client, prefix + _PREFIX

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        index, now = self._prefix + _INDEX, time.time()
        with self._client.pipeline(transaction=False) as pipe:
            pipe.set(self._prefix + name, json.dumps(data), ex=KEEP_S)
            pipe.zadd(index, {name: now})
            pipe.zremrangebyscore(index, "-inf", now - 2 * KEEP_S)
            pipe.expire(index, 2 * KEEP_S)
            pipe.execute()

    def read(self) -> list[Kept]:
        names = [_text(one) for one in self._client.zrevrange(self._prefix + _INDEX, 0, _MOST - 1)]
        if not names:
            return []
        with self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(self._prefix + name)
                pipe.pttl(self._prefix + name)
            answers = iter(pipe.execute())
        found = []
        for name in names:
            raw, left_ms = next(answers), next(answers)
            data = _parsed(raw)
            if data is not None and left_ms >= 0:
                found.append(Kept(name, data, round(max(0.0, KEEP_S - left_ms / 1000), 3)))
        return found


class CacheCarrier:
    """Caches do not list their keys: the names are kept under one key. Two writers at once can lose a
    name, and the next report, seconds later, brings it back."""

    def __init__(self, alias: str) -> None:
        from django.core.cache import caches

        self._cache = caches[alias]

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        now = time.time()
        self._cache.set(_PREFIX + quote(name), {**data, "at": now}, KEEP_S)
        names = self._names()
        if now - names.get(name, 0) > 30:
            recent = {one: at for one, at in names.items() if now - at < KEEP_S}
            self._cache.set(_PREFIX + _INDEX, {**recent, name: now}, 2 * KEEP_S)

    def read(self) -> list[Kept]:
        names = {quote(one): one for one in list(self._names())[-_MOST:]}
        got = self._cache.get_many([_PREFIX + one for one in names]) if names else {}
        now, found = time.time(), []
        for key, data in got.items():
            name = names.get(str(key).removeprefix(_PREFIX))
            if name and isinstance(data, dict) and isinstance(data.get("at"), (int, float)):
                found.append(Kept(name, data, round(max(0.0, now - data["at"]), 3)))
        return found

    def _names(self) -> dict[str, float]:
        known = self._cache.get(_PREFIX + _INDEX)
        return known if isinstance(known, dict) else {}


class FolderCarrier:
    """One file for each report, replaced as a whole. Files older than ten minutes are removed by who
    writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=self._folder, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file)
            os.replace(half, self._folder / f"{quote(name, safe='')}.json")
        except BaseException:
            with suppress(OSError):
                os.unlink(half)
            raise
        self._sweep()

    def read(self) -> list[Kept]:
        """Raises OSError where it may not be read: that is another thing than nobody there."""
        found, now = [], time.time()
        try:
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(".json"))
        except FileNotFoundError:
            return []
        for path in (self._folder / name for name in names[:_MOST]):
            with suppress(FileNotFoundError):  # removed meanwhile
                age = max(0.0, now - path.stat().st_mtime)
                data = _parsed(path.read_text("utf-8", "replace"))
                if data is not None and age < KEEP_S:
                    found.append(Kept(unquote(path.stem), data, round(age, 3)))
        return found

    def _sweep(self) -> None:
        now = time.time()
        for path in self._folder.iterdir():
            with suppress(OSError):
                if path.suffix in (".json", ".new") and now - path.stat().st_mtime > KEEP_S:
                    path.unlink()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _parsed(raw: Any) -> dict[str, Any] | None:
    with suppress(ValueError, TypeError):
        data = json.loads(raw)
        return data if isinstance(data, dict) else None
    return None
