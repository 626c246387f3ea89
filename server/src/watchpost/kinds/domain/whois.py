"""WHOIS (RFC 3912), for registries without RDAP, when asked for. What is not understood is said to be so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from time import monotonic
from typing import Any

from watchpost.core.types import Phases
from watchpost.kinds.domain.dates import read_date
from watchpost.kinds.domain.limits import WHOIS, Limits
from watchpost.kinds.domain.rdap import status
from watchpost.kinds.domain.server import PORT, split
from watchpost.kinds.domain.spent import Spent
from watchpost.outbound import Failure, Outbound, ResolveFailure

_MOST = 64 * 1024
# "Key: value", "Key......: value" (.fi) and "[Key] value" (.jp); a page of terms has no such lines.
_LINE = re.compile(
    r"^[ \t*]*(?:\[([^\]\n]{3,40})\]|([A-Za-z][A-Za-z /()_-]{2,40}?)\.*:)[ \t]*(\S.*?)[ \t]*$", re.M
)
_DATES = dict.fromkeys(
    ("registry expiry date", "expiry date", "expiration date", "expiration time", "expire date", "expires",
     "expires on", "expires at", "expire", "paid-till", "renewal date", "validity", "domain expiration date"),
    "expires",
) | dict.fromkeys(
    ("creation date", "created", "created on", "registered", "registered on", "registered date",
     "registration time", "domain registered"),
    "registered",
) | dict.fromkeys(
    ("updated date", "last updated", "last modified", "changed", "modified", "last update"), "changed"
) | {"registrar registration expiration date": "registrar_expires"}  # fmt: skip
_NAMES = frozenset(("domain name", "domain", "domain_name", "nom de domaine"))
_STATUSES = frozenset(("domain status", "status", "state", "eppstatus", "registration status"))
_SERVERS = frozenset(("name server", "nserver", "nameserver", "name servers", "nameservers"))
_REGISTRARS = frozenset(("registrar", "registrar name", "sponsoring registrar"))
_REFERRALS = frozenset(("registrar whois server", "whois server"))
# At the beginning of a line and only where no record came: terms of use say "not found" in other ways.
_FREE = re.compile(
    r"^[%#>\s]*(no match\b|not found\b|no data found\b|no entries found|no object found|nothing found|"
    r"object does not exist|the queried object does not exist|domain not found|"
    r"(the )?domain( name)? \S+ (is |was )?(not registered|not found|available|free)|"
    r"status:\s*(free|available)\b|\S+ is (free|available)\b)",
    re.I | re.M,
)
_LIMIT = re.compile(
    r"(limit (has been )?(exceeded|reached)|exceeded .{0,40}(limit|quota|allowance)|quota|"
    r"too many (queries|requests)|queries? .{0,30}too (fast|often)|try again later|rate.?limit|"
    r"blacklisted|temporarily (blocked|denied))",
    re.I,
)
# "Domain name:" and its value on the next line (.uk); a line that has a key of its own is no value.
_FOLDED = re.compile(r"^([ \t]*[A-Za-z ]{3,40}:)[ \t]*\n[ \t]+(?=\S)(?![A-Za-z /]{3,40}:)", re.M)
_BLOCK = re.compile(
    r"^[ \t]*Name servers?: *((?:[ \t]*[a-z0-9][a-z0-9.-]+\.[a-z0-9-]+\b[^\n:]*\n)+)", re.M | re.I
)
_HIDDEN = re.compile(r"redacted|not disclosed|data protected|gdpr masked|withheld|statutory mask", re.I)


async def ask(
    name: str,
    outbound: Outbound,
    limits: Limits,
    ends: float,
    now: datetime,
    resolver: int,
    server: str = "",
    spent: Spent | None = None,
) -> dict[str, Any]:
    """The facts of one look, as those of RDAP. ``server``: ``host[:port]``; "":
    ``<suffix>.whois-servers.net``, which is kept by hand. ``spent`` learns where the time went. Raises only
    on cancellation."""
    host, port = split(server) if server else (f"{name.rpartition('.')[2]}.whois-servers.net", PORT)
    facts = await _ask(name, host, port, outbound, limits, ends, now, resolver, spent or Spent())
    if not server and facts.get("gone"):
        return {"answer": "no_service"}
    facts.pop("gone", None)
    return facts


async def _ask(
    name: str,
    host: str,
    port: int,
    outbound: Outbound,
    limits: Limits,
    ends: float,
    now: datetime,
    resolver: int,
    spent: Spent,
) -> dict[str, Any]:
    said: dict[str, Any] = {"server": host}
    key = f"{host}:{port}"
    until = limits.closed(key, now)
    if until is not None:
        why = f"{host} wants no more questions before {until:%Y-%m-%d %H:%M} UTC"
        return said | {"answer": "limited", "why": why}
    began = monotonic()
    found = (await outbound.look_up(host, "any", resolver, ends)).answer
    asks = monotonic()
    spent.add(Phases(dns=(asks - began) * 1000))
    if isinstance(found, ResolveFailure):
        return said | {"answer": "failed", "why": found.sentence, "gone": found.names_fault}
    is_ours = await limits.turn(key, WHOIS, ends, now)
    asked = monotonic()
    spent.waited_s += asked - asks
    if not is_ours:
        why = f"{host} was not asked in time: others were asking it too"
        return said | {"answer": "failed", "why": why}
    address = found.addresses[0]
    left_s = max(0.05, ends - asked)
    got = await outbound.ask_line(address, port, f"{name}\r\n".encode(), left_s, _MOST)
    spent.add(Phases(wait=(monotonic() - asked) * 1000))
    if isinstance(got, Failure):
        facts: dict[str, Any] = {"answer": "failed", "why": got.sentence}
        return said | facts | ({"refused": True} if got.kind == "refused_by_guard" else {})
    facts = read(got, name)
    if facts["answer"] == "limited":
        until = limits.close(key, None, now)
        facts["why"] = (
            f"{host} says that it was asked too often; it is left alone until {until:%Y-%m-%d %H:%M} UTC"
        )
    return said | facts


async def ask_registrar(
    referral: str, name: str, outbound: Outbound, limits: Limits, ends: float, now: datetime, resolver: int,
    port: int = PORT,
) -> str | None:  # fmt: skip
    """The end that the registrar's own server gives (ISO, UTC), or None. A referral is what a stranger says:
    it may name port 43 or the port that was configured, nothing else."""
    try:
        host, wanted = split(referral)
    except ValueError:
        return None
    if wanted not in (PORT, port) or ends - monotonic() < 0.5:
        return None
    facts = await _ask(name, host, wanted, outbound, limits, ends, now, resolver, Spent())
    registration = facts.get("registration", {})
    ended = registration.get("registrar_expires") or registration.get("expires")
    return str(ended) if ended else None


def read(said: bytes, name: str) -> dict[str, Any]:
    """What an answer says of ``name``. Silence, and what is not understood, is no "not registered"."""
    if len(said) >= _MOST:
        return _failed(f"it sends more than {_MOST // 1024} kB")
    try:
        text = said.decode("utf-8")
    except UnicodeDecodeError:
        text = said.decode("latin-1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return _failed("it closed the connection without a word")
    text = _FOLDED.sub(r"\1 ", text)
    rows = [(" ".join((one or other).lower().split()), value) for one, other, value in _LINE.findall(text)]
    if (block := _BLOCK.search(text)) is not None:
        rows += [("nserver", line) for line in block[1].splitlines() if line.strip()]
    if any(key in _NAMES and _is(value, name) for key, value in rows):
        facts = _record(rows, name)
        if facts is not None:
            return {"answer": "known", "registration": facts}
    if _LIMIT.search(text):
        return {"answer": "limited", "why": "it says that it was asked too often"}
    if _FREE.search(text) and not any(key in _NAMES and not _is(value, name) for key, value in rows):
        return {"answer": "not_found"}
    return _failed("the WHOIS answer cannot be read")


def _record(rows: Iterable[tuple[str, str]], name: str) -> dict[str, Any] | None:
    """None: the name alone stands there, as in "domain: x, status: free"."""
    facts: dict[str, Any] = {"name": name, "statuses": [], "name_servers": []}
    for key, value in rows:
        if _HIDDEN.search(value):
            continue
        if key in _DATES:
            at = read_date(value)
            if at is not None:
                facts.setdefault(_DATES[key], at.isoformat())
        elif key in _STATUSES:
            facts["statuses"].append(status(value.split(" http")[0].split(" (")[0])[:120])
        elif key in _REGISTRARS:
            facts.setdefault("registrar", value[:120])
        elif key == "registrar iana id":
            facts.setdefault("registrar_id", value[:20])
        elif key in _SERVERS:
            facts["name_servers"].append(value.split()[0].lower().rstrip(".")[:120])
        elif key in _REFERRALS:
            facts.setdefault("referral", value[:120])
    statuses = {one for one in facts["statuses"] if one}
    if statuses & {"free", "available", "not registered"}:
        return None
    facts["statuses"] = sorted(statuses)[:20]
    facts["name_servers"] = sorted(set(facts["name_servers"]))[:20]
    return (
        facts
        if facts.keys() - {"name", "statuses", "name_servers"} or facts["name_servers"] or statuses
        else None
    )


def _is(value: str, name: str) -> bool:
    return value.split()[0].lower().rstrip(".") == name


def _failed(why: str) -> dict[str, Any]:
    return {"answer": "failed", "why": why}
