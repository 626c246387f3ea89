"""What a ping means, and when its absence means something. Pure; aware UTC datetimes.

The states and their changes are those of Healthchecks (its ``hc/api/models.py``, described in its
documentation of the pinging API), so that its clients, badges and API read ours: new, up, down, paused are
kept; late ("grace") and running ("started") follow from the time. Beyond Healthchecks: how many misses count,
how long and how short a run may be, how early, whether runs may overlap, and what a success must print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

LONGEST_TIMED = timedelta(hours=72)  # a start that is older than this belongs to no run any more


class Status(StrEnum):
    NEW = "new"
    UP = "up"
    DOWN = "down"
    PAUSED = "paused"


class Sign(StrEnum):
    """What a ping says. LOG and IGNORED are kept in the log and change nothing."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"
    IGNORED = "ign"


class Schedule(Protocol):
    """A rule that says when the next sign is expected."""

    def due_after(self, last: datetime) -> datetime | None:
        """The first time after ``last``; None when there is none any more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is expected of a heartbeat, and how its pings are read."""

    schedule: Schedule
    grace_s: float
    only_post: bool = False
    manual_resume: bool = False
    reads_body: bool = False  # the words below decide, whatever the address says
    reads_subject: bool = False  # of a mail
    reads_mail: bool = False  # the text of a mail
    start_words: tuple[str, ...] = ()
    success_words: tuple[str, ...] = ()
    failure_words: tuple[str, ...] = ()
    fails_unmatched: bool = False
    misses: int = 1  # so many in a row count as down
    longest_s: float | None = None
    shortest_s: float | None = None
    early_s: float | None = None  # earlier than this before it is due is too early
    alone: bool = False  # a run may not begin while another one goes on
    output: str = ""  # what the body of a success must hold


@dataclass(frozen=True, slots=True)
class Mail:
    """What a person reads of a mail: its subject, and its text, plain and of HTML."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """One sign as it came in. ``run`` is the client's run id in small letters, empty without one; ``took_s``
    how long the run took by the client's own clock, where it says so; ``mail`` what ``body`` says when it is
    a mail."""

    at: datetime
    sign: Sign
    method: str = "GET"
    body: bytes = b""
    run: str = ""
    took_s: float | None = None
    mail: Mail | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """The memory of one heartbeat."""

    status: Status = Status.NEW
    pings: int = 0
    last_ping: datetime | None = None
    last_start: datetime | None = None
    last_run: str = ""
    last_s: float | None = None  # how long the last run took
    trouble: str = ""  # what the last success did wrong: a name of ``Trouble``


class Trouble(StrEnum):
    """A success that is none, or not quite."""

    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_EARLY = "too_early"
    OVERLAPS = "overlaps"
    WRONG_OUTPUT = "wrong_output"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a ping. ``before`` differs from ``beat.status`` when the state changed."""

    beat: Beat
    sign: Sign
    before: Status
    took_s: float | None = None


def take(rules: Rules, beat: Beat, ping: Ping) -> Taken:
    """The beat after this ping, and what the ping counts as."""
    sign = read_sign(rules, ping)
    if beat.status is Status.PAUSED and rules.manual_resume:
        sign = Sign.IGNORED
    after = replace(beat, pings=beat.pings + 1)
    if sign is Sign.START:
        overlaps = rules.alone and beat.last_start is not None and beat.last_run != ping.run
        trouble = Trouble.OVERLAPS.value if overlaps else beat.trouble
        after = replace(after, last_start=ping.at, last_run=ping.run, trouble=trouble)
    elif sign in (Sign.SUCCESS, Sign.FAIL):
        after = _end(rules, beat, after, ping, sign)
    took = after.last_s if sign in (Sign.SUCCESS, Sign.FAIL) else None
    return Taken(after, sign, beat.status, took)


def _end(rules: Rules, beat: Beat, after: Beat, ping: Ping, sign: Sign) -> Beat:
    is_same = beat.last_start is not None and beat.last_run == ping.run
    took = ping.at - beat.last_start if is_same and beat.last_start is not None else None
    took_s = took.total_seconds() if took is not None and took < LONGEST_TIMED else None
    if ping.took_s is not None and ping.took_s < LONGEST_TIMED.total_seconds():
        took_s = ping.took_s
    goes_on = beat.last_start is not None and not is_same and sign is Sign.SUCCESS and ping.run
    trouble = _trouble(rules, beat, ping, took_s) if sign is Sign.SUCCESS else ""
    return replace(
        after,
        status=Status.UP if sign is Sign.SUCCESS else Status.DOWN,
        last_ping=ping.at,
        last_start=beat.last_start if goes_on else None,
        last_s=took_s,
        trouble=trouble,
    )


def _trouble(rules: Rules, beat: Beat, ping: Ping, took_s: float | None) -> str:
    if rules.output and not _prints(rules.output, ping):
        return Trouble.WRONG_OUTPUT
    if took_s is not None and rules.longest_s is not None and took_s > rules.longest_s:
        return Trouble.TOO_LONG
    if took_s is not None and rules.shortest_s is not None and took_s < rules.shortest_s:
        return Trouble.TOO_SHORT
    if rules.early_s is not None and beat.last_ping is not None and beat.status is Status.UP:
        due = rules.schedule.due_after(beat.last_ping)
        if due is not None and ping.at < due - timedelta(seconds=rules.early_s):
            return Trouble.TOO_EARLY
    return ""


def _prints(output: str, ping: Ping) -> bool:
    """The body of a mail is written for mail servers: what it says may stand there in base64."""
    if ping.mail is not None:
        return output in ping.mail.subject or output in ping.mail.text
    return output.encode() in ping.body


def read_sign(rules: Rules, ping: Ping) -> Sign:
    """What the ping says: the method outranks the words in the body, and these the address. A mail has no
    method, and the words are looked for where its own rules say."""
    if ping.mail is not None:
        return _read_mail(rules, ping.mail, ping.sign)
    if rules.only_post and ping.method != "POST":
        return Sign.IGNORED
    if not rules.reads_body:
        return ping.sign
    # Healthchecks answers 500 to a body that is no UTF-8.
    return _read_words(rules, ping.body.decode(errors="replace"))


def _read_mail(rules: Rules, mail: Mail, sign: Sign) -> Sign:
    if not rules.reads_subject and not rules.reads_mail:
        return sign
    subject = mail.subject if rules.reads_subject else ""
    return _read_words(rules, f"{subject}\n{mail.text}" if rules.reads_mail else subject)


def _read_words(rules: Rules, text: str) -> Sign:
    for words, sign in (
        (rules.failure_words, Sign.FAIL),
        (rules.success_words, Sign.SUCCESS),
        (rules.start_words, Sign.START),
    ):
        if any(word in text for word in words):
            return sign
    return Sign.FAIL if rules.fails_unmatched else Sign.IGNORED


class Why(StrEnum):
    MISSED = "missed"  # no sign came
    OVERRAN = "overran"  # a run began and did not end


@dataclass(frozen=True, slots=True)
class Deadline:
    """When silence becomes trouble, and which. ``due`` is when the sign was expected."""

    at: datetime
    why: Why
    due: datetime


def due_at(rules: Rules, beat: Beat) -> datetime | None:
    """When the next sign is expected; from then on it is late. None: nothing is expected."""
    if beat.last_ping is None or beat.status is not Status.UP:
        return None
    return rules.schedule.due_after(beat.last_ping)


def deadline(rules: Rules, beat: Beat, away_s: float = 0.0) -> Deadline | None:
    """The earlier of "no sign came" and "a run did not end"; None when silence means nothing. ``away_s``: so
    much of the time until then nobody listened.

    A run that began is watched also before the first success and while it is paused; with more than one miss
    allowed, the deadline is that of the last one.
    """
    if beat.status is Status.DOWN:
        return None
    found = [one for one in (_overrun(rules, beat), _missed(rules, beat)) if one is not None]
    first = min(found, key=lambda one: one.at, default=None)
    return replace(first, at=first.at + timedelta(seconds=away_s)) if first is not None and away_s else first


def _overrun(rules: Rules, beat: Beat) -> Deadline | None:
    if beat.last_start is None:
        return None
    longest_s = rules.grace_s if rules.longest_s is None else rules.longest_s
    at = beat.last_start + timedelta(seconds=longest_s)
    return Deadline(at, Why.OVERRAN, at)


def _missed(rules: Rules, beat: Beat) -> Deadline | None:
    due = due_at(rules, beat)
    for _ in range(rules.misses - 1):
        if due is not None:
            due = rules.schedule.due_after(due)
    return None if due is None else Deadline(due + timedelta(seconds=rules.grace_s), Why.MISSED, due)


Span = tuple[datetime, datetime]


def absence_s(rules: Rules, beat: Beat, gaps: Sequence[Span]) -> float:
    """Seconds between the time a sign was expected and its deadline in which nobody listened: they are added
    to the deadline, and what of the added time nobody listened in, too. ``gaps``: from, to, oldest first."""
    end = deadline(rules, beat, 0.0)
    if end is None:
        return 0.0
    left_s = rules.grace_s  # of listening
    at = end.at - timedelta(seconds=left_s)
    for start, to in gaps:
        heard_s = max((start - at).total_seconds(), 0.0)
        if heard_s >= left_s:
            break
        if to > at:
            left_s, at = left_s - heard_s, to
    return max((at - end.at).total_seconds() + left_s, 0.0)


def shown(rules: Rules, beat: Beat, now: datetime, away_s: float = 0.0) -> str:
    """The state as Healthchecks tells it: new, up, grace, down, paused. ``running`` says the rest; ``away_s``
    as of ``absence_s``."""
    end = deadline(rules, beat, away_s)
    if end is not None and now >= end.at:
        return "down"
    due = due_at(rules, beat)
    return "grace" if due is not None and now >= due else beat.status.value


def is_running(beat: Beat) -> bool:
    return beat.last_start is not None


def pause(beat: Beat) -> Beat:
    return replace(beat, status=Status.PAUSED, last_start=None, last_run="")


def resume(beat: Beat) -> Beat:
    """As new: what came before says nothing of the next one."""
    return replace(beat, status=Status.NEW, last_ping=None, last_start=None, last_run="")
