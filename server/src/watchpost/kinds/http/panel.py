"""The table on the page of a monitor that asks every address. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.every import MOST_ADDRESSES
from watchpost.registry import Panel

Facts = Mapping[str, Any]


def panels(config: HttpConfig, facts: Facts, _baseline: Facts) -> tuple[Panel, ...]:
    """Each address with its status, its time and what is wrong there, those with trouble first."""
    if not config.every_address or not facts.get("addresses"):
        return ()
    wrong = {address: _wrong(config, one) for address, one in facts["addresses"].items()}
    every = sorted(facts["addresses"].items(), key=lambda pair: (not wrong[pair[0]], _order(pair[0])))
    rows = tuple((address, ", ".join(_cells(one, wrong[address]))) for address, one in every)
    marks = tuple("down" if wrong[address] else "up" for address, _ in every)
    return (Panel("Addresses", rows, " ".join(_notes(facts, sum(map(bool, wrong.values())))), marks),)


def _notes(facts: Facts, bad: int) -> Iterator[str]:
    asked, more = len(facts["addresses"]), facts.get("more_addresses", 0)
    if bad and asked > 1:
        yield f"{bad} of {asked} {'fails' if bad == 1 else 'fail'}."
    if more:
        yield f"{more} more were not asked: one look asks {MOST_ADDRESSES} at most."


def _order(address: str) -> tuple[int, int]:
    """As people count: IPv4 first, .2 before .10. What is no address comes first."""
    try:
        read = ip_address(address)
    except ValueError:
        return 0, 0
    return read.version, int(read)


def _cells(one: Facts, wrong: str) -> Iterator[str]:
    if "status" in one:
        yield _named(one["status"])
    yield f"{one['ms']:.0f} ms"
    if wrong:
        yield wrong


def _wrong(config: HttpConfig, one: Facts) -> str:
    if "failure" in one:
        return str(one["failure"]["sentence"])
    if one.keys() & {"loop", "too_many", "bad_redirect"}:
        return "its redirects lead nowhere"
    if one["status"] not in config.accepted:
        return "not the expected status"
    if one.keys() & {"missing", "unwanted", "pattern_missing", "json", "headers"}:
        return "not the expected content"
    return "not by HTTP/3" if "quic" in one else ""


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
