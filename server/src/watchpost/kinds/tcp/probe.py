"""Talks to a port once, at every address behind the name.

Facts: ``addresses``, each with ``ms``, or with a ``failure``, the step it stuck at and ``said``, the
beginning of what came instead; ``leaf`` with the dates of the certificate that ends first; ``failure`` when
the name has no address; ``resolver``, ``more_addresses`` when there is something to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from cryptography import x509

from watchpost.core.types import Observation, Outcome, Phases
from watchpost.kinds.tcp.config import TcpConfig, read_bytes
from watchpost.kinds.tcp.reply import is_whole, quiet_s
from watchpost.outbound import Call, Failure, Outbound, Step, Talk, find_everywhere
from watchpost.registry import Look

_MOST_ADDRESSES = 24
_MOST_SHOWN = 200
_MOST_EXCERPT = 2000
_LEAST_TIME_S = 0.05


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: TcpConfig = look.config
    ends = monotonic() + look.deadline_s
    found = await find_everywhere(outbound, config.where, config.ip, look.resolver, ends)
    facts: dict[str, Any] = {"resolver": {"silent": list(found.silent)}} if found.silent else {}
    addresses = found.addresses
    if found.failure is not None:
        facts |= {"failure": _failed(found.failure), "addresses": {}}  # nor are older ones shown
    elif not config.every_address:
        addresses = outbound.order(config.where, config.port, addresses)[:1]
    facts["more_addresses"] = max(0, len(addresses) - _MOST_ADDRESSES)  # 0, too: what is kept would stay
    left_s = max(_LEAST_TIME_S, ends - monotonic())
    calls = [_call(config, address, left_s) for address in addresses[:_MOST_ADDRESSES]]
    talks = await asyncio.gather(*(outbound.talk(call) for call in calls))
    if talks:
        facts["addresses"] = {one.address: _described(one) for one in talks}
        if leaves := [dates for one in talks if (dates := _dates(one.leaf))]:
            facts["leaf"] = min(leaves, key=lambda dates: dates[1])
    return _observe(look, at, talks, found.dns_ms, facts)


def _call(config: TcpConfig, address: str, timeout_s: float) -> Call:
    tls = config.starttls if config.starttls != "none" else "direct" if config.tls else "none"
    return Call(
        config.name, address, config.port, tls, config.verify_tls, config.ca_pem or "",
        _steps(config, timeout_s), timeout_s,
    )  # fmt: skip


def _steps(config: TcpConfig, timeout_s: float) -> tuple[Step, ...]:
    made, last = [], len(config.steps) - 1
    for number, one in enumerate(config.steps):
        send = read_bytes(one.send)
        heard = one.heard if one.expect else _anything if number == last and send else None
        made.append(Step(send, heard, partial(is_whole, send, number == 0), quiet_s(timeout_s)))
    return tuple(made)


def _anything(said: bytes) -> bool:
    """Whoever was asked something has to answer something."""
    return bool(said)


def _described(one: Talk) -> dict[str, Any]:
    described: dict[str, Any] = {"ms": round(one.phases.total, 1)}
    if one.failure is not None:
        described |= {"failure": _failed(one.failure), "step": one.done + 1}
        if one.said:
            described["said"] = printable(one.said[:_MOST_SHOWN])
    return described


def printable(said: bytes) -> str:
    r"""As people read it: UTF-8 where it is, ``\x00`` where it is not, line ends as ``\r\n``."""
    text = said.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _failed(failure: Failure) -> dict[str, str]:
    return {"phase": failure.phase, "kind": failure.kind, "sentence": failure.sentence}


def _dates(leaf: bytes) -> tuple[str, str] | None:
    try:
        read = x509.load_der_x509_certificate(leaf) if leaf else None
    except ValueError:
        return None
    if read is None:
        return None
    return read.not_valid_before_utc.isoformat(), read.not_valid_after_utc.isoformat()


def _observe(
    look: Look, at: datetime, talks: Sequence[Talk], dns_ms: float, facts: dict[str, Any]
) -> Observation:
    """Times and address of the slowest that did as expected; if none did, of the first."""
    good = [one for one in talks if one.failure is None]
    shown = max(good, key=lambda one: one.phases.total) if good else (talks[0] if talks else None)
    spent = shown.phases if shown else Phases()
    phases = Phases(round(dns_ms, 3), spent.connect, spent.tls, spent.wait)
    bad = next((one for one in talks if one.failure is not None and one.said), None)
    return Observation(
        look.monitor_id,
        look.location,
        at,
        look.revision,
        Outcome.OK if good else _outcome(facts, talks),
        phases,
        round(phases.total, 3),
        shown.address if shown else "",
        facts,
        printable(bad.said)[:_MOST_EXCERPT] if bad else "",
    )


def _outcome(facts: dict[str, Any], talks: Sequence[Talk]) -> Outcome:
    kinds = {one.failure.kind for one in talks if one.failure} or {facts["failure"]["kind"]}
    if kinds == {"refused_by_guard"}:
        return Outcome.REFUSED
    return Outcome.TIMEOUT if kinds <= {"timeout", "unanswered"} else Outcome.FAILED
