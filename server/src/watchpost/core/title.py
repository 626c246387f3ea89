"""The one line that names an incident: what is wrong, and who else is in it. Pure.

A reason always stands in it: whoever is woken by it reads nothing else at first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from watchpost.core.family import listed
from watchpost.core.incident import EXPLAINS, Member, above, headline, present
from watchpost.core.track import FLAP_WINDOW
from watchpost.core.types import Severity

# Several words, the last a common one: Redis, DNS, Postgres and pages by their address are one thing.
_PLURAL = re.compile(r"\s[a-z]*[a-rtv-z]s$(?<!is)")
_DOWN, _DEGRADED, _TROUBLE = "down", "degraded", "in trouble"


def title(members: Sequence[Member], over: bool = False) -> str:
    """One line: a lone monitor's own sentence, or the one that several say of one thing; else what heads it
    in its own words, then the others: those that depend on it, what it explains, or how many and where.

    ``over``: all who ever were in it, told as what has been.
    """
    if not over and members and all(m.left_at is not None for m in members):
        return _held(members)
    inside = tuple(members) if over else present(members)
    head = headline(members)
    said = f"{head.name}: {head.sentence}" if head.name else head.sentence
    others = [m for m in inside if m.monitor_id != head.monitor_id]
    if not others:
        return said
    if shared := _one_thing(inside):
        return shared
    parents = above(inside)
    below = [m for m in others if head.monitor_id in parents[m.monitor_id]]
    if below and not parents[head.monitor_id]:
        return f"{said} {_dependents(below, others, over)}"
    names = _names(others)
    if head.rank >= EXPLAINS and not head.lasting:
        who = listed(names)
    else:
        who = f"{names[0] if len(names) == 1 else f'{len(names)} more'}{_where(inside)}"
    return f"{said} {who} {_verb(names, over)} {_how_bad(others)}{_too(head, others)}"


def _one_thing(inside: Sequence[Member]) -> str:
    """The sentence when all say the very same of the same thing: one change that several see, no fleet."""
    said = {(m.code, m.subject, m.sentence) for m in inside}
    _, subject, sentence = next(iter(said))
    return sentence if len(said) == 1 and subject else ""


def _dependents(below: Sequence[Member], others: Sequence[Member], over: bool) -> str:
    """Those that depend on what heads it, and how many do not."""
    names, besides = _names(below), len(_names(others)) - len(_names(below))
    verb, bad = _verb(names, over), _how_bad(below)
    if len(names) == 1:
        depends = "depends" if verb in ("is", "was") else "depend"
        also = f"{names[0]} {depends} on it and {verb} {bad}, too"
    else:
        also = f"{len(names)} that depend on it {verb} {bad}, too: {listed(names)}"
    return f"{also}{f'; and {besides} more' if besides else ''}"


def _held(members: Sequence[Member]) -> str:
    """Everybody is up again, but it is open until they hold still: no word of being down now."""
    last = max(m.left_at or m.began for m in members)
    recent = [m for m in members if last - m.began <= FLAP_WINDOW]
    names = _names((headline(members), *recent))
    holds = "it holds" if _verb(names, over=False) == "is" else "they hold"
    verbs, is_now = _verb(names, over=True), _verb(names, over=False)
    times = _stretches(recent)
    often = "once" if times == 1 else f"{times} times"
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    was = f"{who} {verbs} {_how_bad(recent or members)} {often} in {_minutes(FLAP_WINDOW)}"
    return f"{was} and {is_now} up now; held open until {holds} still"


def _stretches(members: Sequence[Member]) -> int:
    """How often there was trouble: what overlaps is one time, however many monitors saw it."""
    count, until = 0, None
    for m in sorted(members, key=lambda m: m.began):
        if until is None or m.began > until:
            count += 1
        end = m.left_at or m.began
        until = end if until is None else max(until, end)
    return count


def _where(members: Sequence[Member]) -> str:
    """The host that all of them have in common; else the address, if it is the one in trouble: who looks at
    several has no trouble with the one that happens to be shared."""
    shared = sorted(frozenset.intersection(*(m.shares for m in members)))
    hosts = [token.removeprefix("host:") for token in shared if token.startswith("host:")]
    addresses = [token.removeprefix("addr:") for token in shared if token.startswith("addr:")]
    found = hosts or [address for address in addresses if all(_is_at(m, address) for m in members)]
    return f" at {found[0]}" if found else ""


def _is_at(member: Member, address: str) -> bool:
    known = [token for token in member.shares if token.startswith("addr:")]
    return member.subject == address or (len(known) == 1 and not member.lasting)


def _how_bad(members: Sequence[Member]) -> str:
    """Down is an outage; slow trouble, such as what expires, brings nothing down."""
    worst: dict[int, str] = {}
    for m in members:
        word = _TROUBLE if m.lasting else _DOWN if m.severity > Severity.WARNING else _DEGRADED
        if worst.get(m.monitor_id) != _DOWN:
            worst[m.monitor_id] = word if word == worst.get(m.monitor_id, word) or word == _DOWN else _TROUBLE
    return next(iter(worst.values())) if len(set(worst.values())) == 1 else _TROUBLE


def _too(head: Member, others: Sequence[Member]) -> str:
    """What is only degraded itself does not have others down *too*."""
    is_mild = head.severity <= Severity.WARNING and not head.lasting
    return "" if is_mild and _how_bad(others) != _DEGRADED else ", too"


def _verb(names: Sequence[str], over: bool) -> str:
    """A lone monitor may have a name in the plural: Static files are down."""
    is_one = len(names) == 1 and not _PLURAL.search(names[0])
    return ("was" if is_one else "were") if over else ("is" if is_one else "are")


def _names(members: Sequence[Member]) -> list[str]:
    """Of the monitors, each once, as they joined."""
    return list({m.monitor_id: m.name or "A monitor" for m in members}.values())


def _minutes(window: timedelta) -> str:
    return f"{window.total_seconds() / 60:g} min"
