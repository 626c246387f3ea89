"""The table on the page of a monitor that asks every address. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.every import MOST_ADDRESSES
from watchpost.registry import Panel

Facts = Mapping[str, Any]


def panels(config: HttpConfig, facts: Facts, _baseline: Facts) -> tuple[Panel, ...]:
    """Each address with its status, its time and what is wrong there."""
    if not config.every_address or not facts.get("addresses"):
        return ()
    rows = tuple((address, ", ".join(_cells(config, one))) for address, one in facts["addresses"].items())
    more = facts.get("more_addresses", 0)
    note = f"{more} more were not asked: one look asks {MOST_ADDRESSES} at most." if more else ""
    return (Panel("Addresses", rows, note),)


def _cells(config: HttpConfig, one: Facts) -> Iterator[str]:
    if "status" in one:
        yield _named(one["status"])
    yield f"{one['ms']:.0f} ms"
    if "failure" in one:
        yield str(one["failure"]["sentence"])
    elif one.keys() & {"loop", "too_many", "bad_redirect"}:
        yield "its redirects lead nowhere"
    elif one["status"] not in config.accepted:
        yield "not the expected status"
    elif one.keys() & {"missing", "unwanted", "pattern_missing", "json", "headers"}:
        yield "not the expected content"
    elif "quic" in one:
        yield "not by HTTP/3"


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
