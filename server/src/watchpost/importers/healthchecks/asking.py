"""Healthchecks asked through its management API: v3, and v1 where there is no v3."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from watchpost.engine.run import build_outbound
from watchpost.hcapi.shape import key_of
from watchpost.importers import Found, Unreadable
from watchpost.importers.healthchecks.answers import read_answers
from watchpost.outbound import Ask, Outbound, get_page
from watchpost.registry import channels as our_channels
from watchpost.registry.place import Place, place
from watchpost.registry.shown import shown

WITHIN_S = 120.0
MOST_BYTES = 64 * 1024 * 1024  # 10,000 checks are about 10 MB
_API = re.compile(r"/api(/v\d+)?(/checks)?/*$|/+$")


class _Answer(NamedTuple):
    status: int
    body: bytes


def fetch(url: str, key: str, codes: Iterable[UUID]) -> Found:
    """Raises Unreadable."""
    try:
        base = _API.sub("", place(url).url.partition("?")[0])
    except ValueError as error:
        raise Unreadable(f"--url: {error}") from None
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise Unreadable("--api-key: this is no key; copy it from Project Settings, API Access")
    checks, channels = asyncio.run(_ask_both(base, key))
    return read_answers(checks, channels, {key_of(code): code for code in codes}, our_channels())


async def _ask_both(base: str, key: str) -> tuple[Any, Any]:
    outbound, ends = build_outbound(), monotonic() + WITHIN_S
    try:
        for version in (3, 1):
            where = f"{base}/api/v{version}"
            checks = await _ask(outbound, place(f"{where}/checks/"), key, ends)
            if checks.status != 404:
                break
        found = _json(f"{where}/checks/", checks)
        channels = await _ask(outbound, place(f"{where}/channels/"), key, ends)
        return found, None if channels.status in (401, 403) else _json(f"{where}/channels/", channels)
    finally:
        await outbound.close()


async def _ask(outbound: Outbound, start: Place, key: str, ends: float) -> _Answer:
    said = f"X-Api-Key: {key}".encode()

    def lines(hop: Place) -> tuple[bytes, ...]:
        return (outbound.agent_line, said) if hop.origin == start.origin else (outbound.agent_line,)

    done = await get_page(outbound, Ask(start, lines, ends, max_body=MOST_BYTES))
    if done.failure is not None:
        raise Unreadable(
            f"--url: no answer from {shown(start.url)}: {done.failure.sentence}{_opened(done.failure.kind)}"
        )
    if done.astray or done.place.origin != start.origin:
        where = done.astray or f"leads to {shown(done.place.url)}, where the key is not sent"
        raise Unreadable(
            f"--url: {shown(start.url)} {where}; give the address where the server itself answers"
        )
    assert done.reply is not None  # noqa: S101  # no failure: there is a reply
    if done.reply.truncated:
        raise Unreadable(f"--url: the answer is longer than {MOST_BYTES >> 20} MB; split the project there")
    return _Answer(done.reply.status, done.reply.body)


def _opened(kind: str) -> str:
    if kind != "refused_by_guard":
        return "; check the address, and that the server is up"
    return "; set WATCHPOST_ALLOW_NETWORKS to a network that contains it, for this command alone if you like"


def _json(url: str, answer: _Answer) -> Any:
    """Raises Unreadable with what to put right."""
    if answer.status in (401, 403):
        raise Unreadable(
            f"--api-key: {shown(url)} refuses it ({answer.status}); copy a key of the project from "
            "Project Settings, API Access (a ping key is none)"
        )
    if answer.status == 404:
        raise Unreadable(
            f"--url: there is no API at {shown(url)} (404); give the address of its pages, such as https://healthchecks.io"
        )
    if answer.status != 200:
        again = "wait a minute" if answer.status == 429 else "look at that server"
        raise Unreadable(f"--url: {shown(url)} answers {answer.status}; {again} and try again")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        page = answer.body.lstrip()[:1] == b"<"
        what = "a web page" if page else "what is no JSON"
        raise Unreadable(
            f"--url: {shown(url)} answers with {what}; "
            "give the address of the server itself, past any sign-in in front of it"
        ) from None
