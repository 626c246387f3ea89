"""Asks the workers themselves, where no report tells: at most once a minute for all processes of this
machine.

A question to all is a message to every worker, and each answer needs a queue of its own: as a habit that
burdens the broker. And a worker of the ``solo`` pool does not answer while a task runs.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django_watchpost.celery.broker import WITHIN_S, broker_kind, deadlines
from django_watchpost.celery.carrier import FolderCarrier
from django_watchpost.guard import guard

EVERY_S = 60.0
_ANSWER_S = 1.0
_KINDS = ("redis", "sentinel", "amqp")  # others cannot reach all workers, or leave traces of each question

Answer = Mapping[str, tuple[str, ...]]
_lock = threading.Lock()
_last: tuple[float, Answer] | None = None


@guard(None)
def ask(app: Any) -> Answer | None:
    """The queues that each answering worker consumes, by node; at most a minute old. None: nobody knows,
    because this broker carries no questions, or another process is asking right now."""
    global _last
    if broker_kind(app) not in _KINDS:
        return None
    with _lock:
        if _last is not None and time.monotonic() - _last[0] < EVERY_S:
            return _last[1]
        folder = _folder()
        name = "asked-" + hashlib.sha256(str(app.conf.broker_read_url).encode()).hexdigest()[:16]
        with _alone(folder, name) as is_alone:
            answer = _shared(folder, name)
            if answer is None and is_alone:
                answer = _question(app, tuple(_last[1]) if _last else ())
                _share(folder, name, answer)
        if answer is not None:
            _last = time.monotonic(), answer
        return answer


def _question(app: Any, known: tuple[str, ...]) -> Answer:
    """Those known are asked by name, which ends with the last answer; all are asked only when one is
    silent."""
    options = deadlines(broker_kind(app), WITHIN_S)
    with app.connection_for_write(connect_timeout=WITHIN_S, transport_options=options) as connection:
        found: dict[str, Any] = {}
        if known:
            inspect = app.control.inspect(list(known), _ANSWER_S, connection=connection, limit=len(known))
            found = inspect.active_queues() or {}
        if not known or len(found) < len(known):
            found |= app.control.inspect(timeout=_ANSWER_S, connection=connection).active_queues() or {}
    return {str(node): tuple(str(one.get("name")) for one in queues or ()) for node, queues in found.items()}


def _folder() -> Path | None:
    """A folder of this user alone; None where somebody else made one of that name."""
    if not hasattr(os, "getuid"):
        return None
    path = Path(tempfile.gettempdir()) / f"watchpost-{os.getuid()}"
    with suppress(OSError):
        path.mkdir(mode=0o700, exist_ok=True)
        known = path.lstat()
        if (
            path.is_dir()
            and not path.is_symlink()
            and known.st_uid == os.getuid()
            and not known.st_mode & 0o022
        ):
            return path
    return None


@contextmanager
def _alone(folder: Path | None, name: str) -> Iterator[bool]:
    """Whether no other process of this machine asks at this moment."""
    if folder is None:
        yield True
        return
    import fcntl

    with open(folder / f"{name}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _shared(folder: Path | None, name: str) -> Answer | None:
    if folder is None:
        return None
    for kept in FolderCarrier(folder).read():
        if kept.name == name and kept.age_s < EVERY_S:
            nodes = kept.data.get("nodes")
            if isinstance(nodes, dict):
                return {str(node): tuple(map(str, queues)) for node, queues in nodes.items()}
    return None


def _share(folder: Path | None, name: str, answer: Answer) -> None:
    if folder is not None:
        FolderCarrier(folder).write(name, {"nodes": {node: list(queues) for node, queues in answer.items()}})


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
