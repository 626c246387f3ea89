"""Asks the endpoint once and reads what it says.

Facts: ``status``, ``bytes`` and ``http`` always; ``report`` (format, what it says of the whole) and
``checks`` (by id) when it could be read; ``unreadable`` or ``astray`` when not; ``token`` when it was
refused; ``failure`` when nothing came; ``final`` after redirects; ``resolver`` when ours were silent.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from watchpost.core.types import Observation, Outcome
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.read import Answer, Unreadable, read
from watchpost.kinds.health.report import Report
from watchpost.outbound import Ask, Exchange, Outbound, Reply, get_page
from watchpost.registry import Look
from watchpost.registry.place import Place

MOST_BYTES = 1024 * 1024
_LARGE = 64 * 1024  # reading more than this is kept off the loop
_MOST_EXCERPT = 2000


async def probe(look: Look, outbound: Outbound, at: datetime) -> Observation:
    """One look. Every failure is an Observation; only cancellation is raised."""
    config: HealthConfig = look.config
    ask = Ask(
        config.place,
        partial(_lines, config, outbound),
        monotonic() + look.deadline_s,
        look.resolver,
        config.verify_tls,
        config.ca_pem or "",
        config.connect_timeout,
        MOST_BYTES,
    )
    done = await get_page(outbound, ask)
    facts, excerpt = await _described(config, done)
    return Observation(
        look.monitor_id, look.location, at, look.revision, _outcome(facts), done.phases,
        round(done.total_ms, 3), done.address, facts, excerpt,
    )  # fmt: skip


def _lines(config: HealthConfig, outbound: Outbound, here: Place) -> tuple[bytes, ...]:
    home = here.origin == config.place.origin
    lines = config.plain_lines + (config.own_lines if home else ())
    return lines if home and config.names_agent else (*lines, outbound.agent_line)


async def _described(config: HealthConfig, done: Exchange) -> tuple[dict[str, Any], str]:
    facts: dict[str, Any] = {"resolver": {"silent": list(done.silent)}} if done.silent else {}
    if done.place.url != config.place.url:
        facts["final"] = done.place.url[:500]
    reply, failure = done.reply, done.failure
    if failure is not None or reply is None:
        assert failure is not None  # noqa: S101  one of the two is there
        facts["failure"] = {
            "phase": failure.phase,
            "kind": failure.kind,
            "sentence": failure.sentence,
            "host": done.place.host,
        }
        return facts, ""
    facts |= {"status": reply.status, "bytes": len(reply.body), "http": reply.http_version}
    if done.astray:
        return facts | {"astray": done.astray}, ""
    if reply.status in (401, 403) or "invalid_token" in (reply.header("www-authenticate") or ""):
        facts["token"] = "refused"  # noqa: S105  no token, but what became of it
        if reply.status in (401, 403):
            return facts, _excerpt(reply)
    answer = Answer(reply.status, _type(reply), reply.body, reply.truncated)
    if len(reply.body) > _LARGE:
        found = await asyncio.to_thread(read, answer, config.format)
    else:
        found = read(answer, config.format)
    if isinstance(found, Unreadable):
        return facts | {"unreadable": {"kind": found.kind, "why": found.why}}, _excerpt(reply)
    return facts | _reported(found), ""


def _type(reply: Reply) -> str:
    return (reply.header("content-type") or "").split(";")[0].strip().lower()


def _reported(found: Report) -> dict[str, Any]:
    """``waits``: what has no result yet will have one soon, as only our own format promises."""
    about = {
        "message": found.message,
        "agent": found.agent,
        "process": found.process,
        "process_age_s": found.process_age_s,
        "problems": list(found.problems),
        "left_out": found.left_out,
    }
    report: dict[str, Any] = {"format": found.format, "says": found.says, "told": found.told}
    report |= {"waits": found.format == "watchpost"} | {key: one for key, one in about.items() if one}
    return {"report": report, "checks": {one.id: one.to_facts() for one in found.checks}}


def _excerpt(reply: Reply) -> str:
    """The beginning of what nobody could read, for whoever looks into it."""
    text = reply.body[:_MOST_EXCERPT].decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _outcome(facts: dict[str, Any]) -> Outcome:
    failure = facts.get("failure")
    if failure is None:
        return Outcome.OK
    if failure["kind"] == "refused_by_guard":
        return Outcome.REFUSED
    return Outcome.TIMEOUT if failure["kind"] in ("timeout", "unanswered") else Outcome.FAILED
