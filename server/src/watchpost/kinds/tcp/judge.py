"""Compares what the addresses of a port did with what is expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Observation, Past, Verdict
from watchpost.kinds.tcp import words
from watchpost.kinds.tcp.config import TcpConfig

Facts = Mapping[str, Any]


def judge(
    config: TcpConfig, seen: Observation, baseline: Mapping[str, Any], past: Past, now: datetime
) -> Verdict:
    """The findings of one look. Nothing is remembered."""
    joins = (f"host:{config.where}", *(f"addr:{address}" for address in seen.facts.get("addresses", {})))
    found = (*_reach(config, seen.facts), *_dates(config, seen.facts, now), *_time(config, seen))
    return Verdict(tuple(replace(finding, joins=joins) for finding in found))


def _reach(config: TcpConfig, facts: Facts) -> Iterator[Finding]:
    """Nobody did as expected, or not everybody. A family that we have no route to ourselves says nothing."""
    if "failure" in facts:
        yield words.failed(config, facts)
        return
    every: Mapping[str, Facts] = facts["addresses"]
    failed = {address: one for address, one in every.items() if "failure" in one}
    ours = {address for address, one in failed.items() if one["failure"]["kind"] == "no_route"}
    if failed and len(failed) == len(every):
        first = next((address for address in failed if address not in ours), next(iter(failed)))
        yield words.failed(config, failed[first])
        return
    for address, one in failed.items():
        if address not in ours:
            yield words.address_down(config, address, one)


def _dates(config: TcpConfig, facts: Facts, now: datetime) -> Iterator[Finding]:
    """A certificate that visitors refuse today; how long it lasts is for the tls kind to say."""
    if (
        not config.verify_tls
        or "leaf" not in facts
        or all("failure" in o for o in facts["addresses"].values())
    ):
        return
    begins, ends = map(datetime.fromisoformat, facts["leaf"])
    if now >= ends:
        yield words.not_valid(config, f"it expired on {ends:%Y-%m-%d %H:%M} UTC")
    elif now < begins:
        yield words.not_valid(config, f"it begins on {begins:%Y-%m-%d %H:%M} UTC")


def _time(config: TcpConfig, seen: Observation) -> Iterator[Finding]:
    if config.max_ms is not None and seen.outcome == "ok" and seen.total_ms > config.max_ms:
        yield words.slow(config, seen.total_ms)
