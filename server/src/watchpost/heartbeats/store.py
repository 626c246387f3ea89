"""Pings into the database: all that wait in one transaction, each with what it changes.

Several web processes do this at once. On SQLite the transaction is the lock (IMMEDIATE); on PostgreSQL the
rows are locked in the order of their ids. The engine is told of what it cannot know by itself: a flip, a run
that began, a success that is not quite one. A success that only moves the deadline is no news: before the
engine calls a miss it reads the row again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from watchpost.core.heartbeat import Beat, Ping, Rules, Sign, Status, take
from watchpost.heartbeats.configs import known_config, read_config
from watchpost.heartbeats.models import Heartbeat
from watchpost.heartbeats.rows import ms_of, time_of
from watchpost.kinds.heartbeat.config import HeartbeatConfig
from watchpost.kinds.heartbeat.facts import facts_of
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Monitor

KEPT = 100  # pings of a heartbeat, as Healthchecks keeps them
PRUNE_EVERY = 100
log = logging.getLogger(__name__)
MOST_SAID = 500


@dataclass(frozen=True, slots=True)
class Incoming:
    """A ping that waits for its place in the database. ``code``, or ``key`` and ``slug``."""

    ping: Ping
    code: UUID | None = None
    key: str = ""
    slug: str = ""
    exit_code: int | None = None
    scheme: str = "http"
    agent: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of it: ``ok``, ``unknown`` or ``ambiguous``; the heartbeat it was of."""

    outcome: str
    monitor_id: int = 0


UNKNOWN, AMBIGUOUS = Stored("unknown"), Stored("ambiguous")


@dataclass(slots=True)
class _Row:
    """A heartbeat while a batch goes through it."""

    monitor_id: int
    rules: Rules
    beat: Beat
    sign: str
    exit_code: int | None
    said: str
    revision: int
    touched: bool = False
    news: bool = False
    woke: bool = False


_COLUMNS = (
    "h.monitor_id, h.code, p.ping_key, h.slug, h.status, h.pings, h.last_ping, h.last_start, h.last_run, "
    "h.last_s, h.trouble, h.sign, h.exit_code, h.said, m.paused, m.revision"
)
_FROM = (
    "FROM heartbeats_heartbeat h JOIN monitors_monitor m ON m.id = h.monitor_id "
    "JOIN monitors_project p ON p.id = h.project_id"
)


def store_pings(pings: Sequence[Incoming], now: datetime) -> list[Stored]:
    """All of them, or DatabaseError and none. In the order given; the answers in the same."""
    with transaction.atomic():
        by_code, by_slug = _load(pings)
        logged: list[tuple[Any, ...]] = []
        flips: list[tuple[Any, ...]] = []
        answers: list[Stored] = []
        for one in pings:
            found = [by_code[one.code]] if one.code in by_code else by_slug.get((one.key, one.slug), [])
            if len(found) != 1:
                answers.append(AMBIGUOUS if found else UNKNOWN)
                continue
            _count(found[0], one, logged, flips)
            answers.append(Stored("ok", found[0].monitor_id))
        rows = {row.monitor_id: row for row in by_code.values() if row.touched}
        rows |= {row.monitor_id: row for many in by_slug.values() for row in many if row.touched}
        _write(list(rows.values()), logged, flips, now)
    return answers


def _count(row: _Row, one: Incoming, logged: list[tuple[Any, ...]], flips: list[tuple[Any, ...]]) -> None:
    before = row.beat
    taken = take(row.rules, before, one.ping)
    beat, sign, at = taken.beat, taken.sign, ms_of(one.ping.at)
    row.beat, row.touched = beat, True
    if sign in (Sign.SUCCESS, Sign.FAIL):
        row.sign, row.exit_code = sign.value, one.exit_code
        row.said = _said(one.ping)
    if sign is Sign.START or beat.trouble != before.trouble:
        row.news = True
    if taken.before is not beat.status:
        row.news = True
        row.woke = row.woke or taken.before is Status.PAUSED
        facts = json.dumps(facts_of(beat, row.sign, row.exit_code, row.said))
        why = "fail" if sign is Sign.FAIL else ""
        flips.append((row.monitor_id, at, taken.before.value, beat.status.value, why, facts, False))
    logged.append(
        (row.monitor_id, beat.pings, at, sign.value, one.scheme[:10], one.ping.method[:10], one.agent[:200],
         one.address[:45], one.ping.run, one.exit_code, taken.took_s, one.ping.body or None)
    )  # fmt: skip


def _said(ping: Ping) -> str:
    """The end of what a job printed; of a mail its subject, or without one the end of its text."""
    if ping.mail is not None:
        subject = ping.mail.subject.strip()
        said = subject[:MOST_SAID] if subject else ping.mail.text[-MOST_SAID:]
    else:
        said = ping.body[-4 * MOST_SAID :].decode(errors="replace")
    return said.replace("\0", "")[-MOST_SAID:]


# ---- reading --------------------------------------------------------------------------------------


def _load(pings: Sequence[Incoming]) -> tuple[dict[UUID, _Row], dict[tuple[str, str], list[_Row]]]:
    by_code: dict[UUID, _Row] = {}
    by_slug: dict[tuple[str, str], list[_Row]] = {}
    codes = list({one.code for one in pings if one.code is not None})
    names = list({(one.key, one.slug) for one in pings if one.code is None})
    # One question: asked in two, two processes could each hold what the other waits for.
    wheres = ["(p.ping_key = %s AND h.slug = %s)"] * len(names)
    if codes:
        wheres.append(f"h.code IN ({', '.join(['%s'] * len(codes))})")
    values = [part for name in names for part in name] + [_column(code) for code in codes]
    found = _ask(" OR ".join(wheres), values)
    rules = _rules_of(found)
    rows: dict[int, _Row] = {}
    wanted = set(names)
    for line in found:
        row = rows.get(line[0]) or rows.setdefault(line[0], _row(line, rules[line[0]]))
        by_code[line[1] if isinstance(line[1], UUID) else UUID(line[1])] = row
        if (line[2], line[3]) in wanted:
            same = by_slug.setdefault((line[2], line[3]), [])
            if row not in same:
                same.append(row)
    return by_code, by_slug


def _column(code: UUID) -> Any:
    """SQLite keeps it as Django does: 32 digits."""
    return code if connection.vendor == "postgresql" else code.hex


def _ask(where: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Locked first, then read: a row that was waited for comes as it is now, but what is joined to it
            # as it was when the statement began. So a pause of meanwhile would be missed.
            lock = "ORDER BY h.monitor_id FOR UPDATE OF h"
            cursor.execute(f"SELECT h.monitor_id {_FROM} WHERE {where} {lock}", values)  # no user's text
            where, values = "h.monitor_id = ANY(%s)", [[line[0] for line in cursor.fetchall()]]
        cursor.execute(f"SELECT {_COLUMNS} {_FROM} WHERE {where}", values)
        return list(cursor.fetchall())


def _row(line: tuple[Any, ...], rules: Rules) -> _Row:
    (monitor_id, _, _, _, status, pings, ping, start, run, took, trouble, sign, code, said, paused,
     revision) = line  # fmt: skip
    state = Status.PAUSED if paused else Status(status)
    beat = Beat(state, pings, time_of(ping), time_of(start), run, took, trouble)
    return _Row(monitor_id, rules, beat, sign, code, said, revision)


def _rules_of(lines: Iterable[tuple[Any, ...]]) -> dict[int, Rules]:
    """By monitor."""
    keys = {line[0]: (_digits(line[1]), line[15]) for line in lines}
    found = {monitor_id: known_config(*key) for monitor_id, key in keys.items()}
    missing = [monitor_id for monitor_id, config in found.items() if config is None]
    if missing:
        for monitor_id, sealed in Monitor.objects.filter(pk__in=missing).values_list("pk", "config"):
            found[monitor_id] = _readable(*keys[monitor_id], sealed)
    return {monitor_id: config.rules for monitor_id, config in found.items() if config is not None}


def _readable(code: str, revision: int, sealed: Mapping[str, Any]) -> HeartbeatConfig:
    """One that this version refuses must not cost the others of its batch, nor its own pings: they are taken
    by the usual rules, and its page says what is wrong with it."""
    try:
        return read_config(code, revision, sealed)
    except ValueError as error:
        log.error("the configuration of heartbeat %s cannot be used: %s", code, error)
        return HeartbeatConfig.model_validate({})


def _digits(code: Any) -> str:
    """SQLite gives the 32 digits, PostgreSQL a UUID."""
    return code if isinstance(code, str) else str(code.hex)


# ---- writing --------------------------------------------------------------------------------------

_UPDATE = (
    "UPDATE heartbeats_heartbeat SET status = %s, pings = %s, last_ping = %s, last_start = %s, "
    "last_run = %s, last_s = %s, trouble = %s, sign = %s, exit_code = %s, said = %s WHERE monitor_id = %s"
)
_LOG = (
    "INSERT INTO heartbeats_ping (monitor_id, n, at, sign, scheme, method, agent, address, run, exit_code, "
    "took_s, body) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_FLIP = (
    "INSERT INTO heartbeats_flip (monitor_id, at, before, after, why, facts, handled) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_PRUNE = "DELETE FROM heartbeats_ping WHERE monitor_id = %s AND n <= %s"


def _write(
    rows: list[_Row], logged: list[tuple[Any, ...]], flips: list[tuple[Any, ...]], now: datetime
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_UPDATE, [_values(row) for row in rows])
        cursor.executemany(_LOG, logged)
        if flips:
            cursor.executemany(_FLIP, flips)
        old = [(line[0], line[1] - KEPT) for line in logged if line[1] % PRUNE_EVERY == 0]
        if old:
            cursor.executemany(_PRUNE, old)
    for row in rows:
        if row.woke:
            Monitor.objects.filter(pk=row.monitor_id).update(paused=False, paused_by="A ping")
            announce("monitor", row.monitor_id, now)
        if row.news:
            announce("beat", row.monitor_id, now)


def _values(row: _Row) -> tuple[Any, ...]:
    beat = row.beat
    status = Status.NEW if beat.status is Status.PAUSED else beat.status
    return (
        status.value, beat.pings, _ms(beat.last_ping), _ms(beat.last_start), beat.last_run, beat.last_s,
        beat.trouble, row.sign, row.exit_code, row.said, row.monitor_id,
    )  # fmt: skip


def _ms(at: datetime | None) -> int | None:
    return None if at is None else ms_of(at)


@dataclass(frozen=True, slots=True)
class Timeout:
    """A miss of a heartbeat that was in state ``before``, with the facts it was judged by."""

    monitor_id: int
    at: datetime
    before: str
    facts: Mapping[str, Any]

    @property
    def flip(self) -> tuple[Any, ...]:
        facts = json.dumps(dict(self.facts))
        return (self.monitor_id, ms_of(self.at), self.before, "down", "timeout", facts, True)


@transaction.atomic(savepoint=False)
def note_timeouts(timeouts: Sequence[Timeout]) -> None:
    """The engine called these misses: the state that Healthchecks' API shows, and their flips. In the
    engine's own transaction; a ping that came meanwhile wins."""
    called = {one.monitor_id: one for one in reversed(timeouts)}  # of two for one heartbeat the first counts
    rows = Heartbeat.objects.select_for_update().filter(pk__in=called).order_by("pk")
    now = {pk: (status, pings) for pk, status, pings in rows.values_list("pk", "status", "pings")}
    true = [one for pk, one in called.items() if now.get(pk) == (one.before, one.facts.get("pings", 0))]
    Heartbeat.objects.filter(pk__in=[one.monitor_id for one in true]).update(status="down")
    with connection.cursor() as cursor:
        cursor.executemany(_FLIP, [one.flip for one in true])
