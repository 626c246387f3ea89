"""How many tasks wait in each queue, and for how long the oldest does: what each broker can tell,
read-only."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django_watchpost.celery.broker import Opened, is_redis
from django_watchpost.celery.stamp import sent_at

_MOST_UNACKED = 300  # more are counted together, not by queue: each one's message would have to be read
_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Depth:
    """Of one queue: tasks that wait; delivered and not finished (None: the broker does not tell); seconds
    that the oldest waits, by the clock of who sent it; how many consume it by the broker's own word."""

    ready: int
    unacked: int | None = None
    oldest_s: float | None = None
    consumers: int | None = None


def measure(opened: Opened, queues: Iterable[str], routes: Mapping[str, str]) -> dict[str, Depth]:
    """By queue. ``routes``: routing keys to queues, for brokers that keep messages by the former."""
    names = list(queues)
    if is_redis(opened.kind):
        return _of_redis(opened, names, routes)
    if opened.kind == "amqp":
        return {name: _of_amqp(opened.channel, name) for name in names}
    if opened.kind == "filesystem":
        return _of_folder(opened.channel, names)
    return {name: Depth(int(opened.channel._size(name))) for name in names}


def _of_redis(opened: Opened, names: list[str], routes: Mapping[str, str]) -> dict[str, Depth]:
    """A queue is one list for each step of priority. What is delivered lies in one hash for all queues."""
    client, prefix = opened.redis()
    channel = opened.channel
    lists = {
        name: [prefix + channel._q_for_pri(name, step) for step in channel.priority_steps] for name in names
    }
    with client.pipeline(transaction=False) as pipe:
        pipe.hlen(prefix + channel.unacked_key)
        for keys in lists.values():
            for key in keys:
                pipe.llen(key)
                pipe.lindex(key, -1)  # producers push left, workers take from the right
        in_flight, *answers = pipe.execute()
    found, now, rest = {}, time.time(), iter(answers)
    for name, keys in lists.items():
        pairs = [(next(rest), next(rest)) for _ in keys]
        ages = [age for _, message in pairs if (age := _age(message, now)) is not None]
        found[name] = Depth(sum(int(length) for length, _ in pairs), None, max(ages, default=None))
    if in_flight <= _MOST_UNACKED:
        held = client.hvals(prefix + channel.unacked_key) if in_flight else []
        counts = _by_queue(held, routes)
        found = {name: replace(depth, unacked=counts.get(name, 0)) for name, depth in found.items()}
    return found


def _by_queue(held: Iterable[Any], routes: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in held:
        with suppress(ValueError, TypeError, IndexError):
            key = str(json.loads(one)[2])
            name = routes.get(key, key)
            counts[name] = counts.get(name, 0) + 1
    return counts


def _age(message: Any, now: float) -> float | None:
    with suppress(ValueError, TypeError):
        at = sent_at(json.loads(message))
        return None if at is None else round(max(0.0, now - at), 1)
    return None


def _of_amqp(channel: Any, name: str) -> Depth:
    """A passive declaration asks and changes nothing. That a queue does not exist ends the channel."""
    own = channel.connection.channel()
    try:
        told = own.queue_declare(name, passive=True)
        return Depth(int(told.message_count), consumers=int(told.consumer_count))
    except Exception as problem:
        if getattr(problem, "code", None) != 404:
            raise
        return Depth(0, consumers=0)
    finally:
        with suppress(Exception):
            own.close()


def _of_folder(channel: Any, names: list[str]) -> dict[str, Depth]:
    """kombu's ``filesystem://``: one file for each message, named ``<time>_<id>.<queue>.msg``."""
    counts, oldest = dict.fromkeys(names, 0), dict[str, float]()
    with os.scandir(channel.data_folder_in) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST_FILES:
                break
            name = entry.name.partition(".")[2].removesuffix(".msg")
            if name in counts and entry.name.endswith(".msg"):
                counts[name] += 1
                with suppress(OSError):
                    oldest[name] = min(oldest.get(name, float("inf")), entry.stat().st_mtime)
    now = time.time()
    return {
        name: Depth(count, None, round(max(0.0, now - oldest[name]), 1) if name in oldest else None)
        for name, count in counts.items()
    }
