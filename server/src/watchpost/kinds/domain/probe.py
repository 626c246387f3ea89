"""Asks the registry once. Facts: ``name``, ``server``, and ``answer``: known | not_found | no_service |
no_list | limited | failed; with ``registration`` (see ``rdap.read``) when it is known, ``why`` when nothing
was, ``list`` when the list of servers was not to be had, ``waited_s`` when our own turn was long in coming.

The time of a look is the time at the registry: what other monitors of ours took of it is no slowness of it.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from watchpost.core.types import Observation, Outcome
from watchpost.kinds.domain import whois
from watchpost.kinds.domain.bootstrap import IANA, Directory
from watchpost.kinds.domain.client import Answer, Client
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.limits import Limits
from watchpost.kinds.domain.rdap import NotRdap, read
from watchpost.kinds.domain.registrars import Registrars
from watchpost.kinds.domain.server import PORT, split
from watchpost.kinds.domain.spent import Spent
from watchpost.outbound import Outbound
from watchpost.registry import Look

_LEAST_LEFT_S = 0.5  # of a look, for asking the registrar


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    began = monotonic()
    config: DomainConfig = look.config
    facts: dict[str, Any] = {"name": config.name}
    spent = Spent()
    refused = await _learn(config, look, outbound, began + look.deadline_s, at, facts, spent)
    facts |= spent.facts
    phases = spent.rounded
    # Without the address: it is the registry's, and two lost domains of one registry have nothing in common.
    outcome = Outcome.OK if facts["answer"] in ("known", "not_found", "no_service") else Outcome.FAILED
    return Observation(
        look.monitor_id, look.location, at, look.revision, Outcome.REFUSED if refused else outcome,
        phases, round(phases.total, 3), "", facts,
    )  # fmt: skip


def directory_of(outbound: Outbound) -> Directory:
    """One for a process: who may be asked, and when."""
    if "domain" not in outbound.shared:
        outbound.shared["domain"] = Directory(
            Client(outbound, Limits(outbound.folder)), outbound.folder, outbound.lists.get("rdap", IANA)
        )
    found: Directory = outbound.shared["domain"]
    return found


def registrars_of(outbound: Outbound) -> Registrars:
    """One for a process: what registrars said, and when each is asked again."""
    if "domain.registrars" not in outbound.shared:
        outbound.shared["domain.registrars"] = Registrars(outbound.folder)
    found: Registrars = outbound.shared["domain.registrars"]
    return found


async def _learn(
    config: DomainConfig,
    look: Look,
    outbound: Outbound,
    ends: float,
    at: datetime,
    facts: dict[str, Any],
    spent: Spent,
) -> bool:
    """Whether our guard refused the registry's address."""
    directory = directory_of(outbound)
    # Half of the time at most goes to the list: an old one is better than none of the registry's answer.
    half = (ends + monotonic()) / 2
    server = config.rdap or await directory.server(config.name, half, at, look.resolver)
    if server is None:
        if config.by_whois:
            return await _by_whois(config, look, outbound, ends, at, facts, spent)
        if directory.is_known or not directory.url:
            facts["answer"] = "no_service"
        else:
            why = directory.why or "it was just asked for in vain"
            facts |= {"answer": "no_list", "list": directory.url, "why": why}
        return False
    url = f"{server.rstrip('/')}/domain/{config.name}"
    facts["server"] = urlsplit(url).hostname or server
    answer = await directory.client.get(url, ends, at, look.resolver, spent=spent)
    facts |= _facts(answer, config.name)
    registration = facts.get("registration", {})
    related = registration.pop("related", "")
    if related and ends - monotonic() > _LEAST_LEFT_S:

        async def ask() -> str | None:
            return await _registrars_own(directory, related, config.name, ends, at, look.resolver)

        _earlier(registration, await registrars_of(outbound).end(config.name, registration, at, ask))
    return answer.kind == "refused"


def _facts(answer: Answer, name: str) -> dict[str, Any]:
    if answer.kind == "ok":
        try:
            return {"answer": "known", "registration": read(answer.body, name)}
        except NotRdap as problem:
            return {"answer": "failed", "why": str(problem)}
    if answer.kind == "not_found":
        return {"answer": "not_found"}
    kind = "limited" if answer.kind == "limited" else "failed"
    return {"answer": kind, "why": answer.why or f"it answers {answer.kind}"}


async def _registrars_own(
    directory: Directory, url: str, name: str, ends: float, at: datetime, resolver: int
) -> str | None:
    """The registrar's date. Whatever else it answers, also 404, says nothing of the registration."""
    answer = await directory.client.get(url, ends, at, resolver)
    registration = _facts(answer, name).get("registration", {})
    said = registration.get("registrar_expires") or registration.get("expires")
    return str(said) if said else None


def _earlier(registration: dict[str, Any], said: str | None) -> None:
    """The registry may hand on what the registrar says; of the two the earlier counts."""
    if said:
        registration["registrar_expires"] = min(said, registration.get("registrar_expires", said))


async def _by_whois(
    config: DomainConfig,
    look: Look,
    outbound: Outbound,
    ends: float,
    at: datetime,
    facts: dict[str, Any],
    spent: Spent,
) -> bool:
    limits = directory_of(outbound).client.limits
    server = config.whois_server or ""
    said = await whois.ask(config.name, outbound, limits, ends, at, look.resolver, server, spent)
    facts |= said
    refused = bool(facts.pop("refused", False))
    registration = facts.get("registration", {})
    referral = registration.pop("referral", "")
    if referral and ends - monotonic() > _LEAST_LEFT_S:
        port = split(server)[1] if server else PORT

        async def ask() -> str | None:
            return await whois.ask_registrar(
                referral, config.name, outbound, limits, ends, at, look.resolver, port
            )

        _earlier(registration, await registrars_of(outbound).end(config.name, registration, at, ask))
    return refused
