"""Healthchecks, in the cloud or self-hosted: its management API v3, and v1 where there is no v3.

What it answers is read by the rules by which our own copy of that API reads what clients post
(``hcapi.asked``). A field without which a heartbeat would be judged wrongly costs the whole check.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Iterable, Mapping
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from watchpost.engine.run import build_outbound
from watchpost.hcapi.asked import Refused, read_check, to_spec
from watchpost.hcapi.shape import key_of
from watchpost.importers import Found, Importer, Left, Unreadable, Wanted
from watchpost.monitors.spec import seen_text
from watchpost.outbound import Ask, Outbound, get_page
from watchpost.registry import channels as our_channels
from watchpost.registry.place import Place, place
from watchpost.registry.shown import quoted, shown

WITHIN_S = 120.0
MOST_BYTES = 64 * 1024 * 1024  # 10,000 checks are about 10 MB
_API = re.compile(r"/api(/v\d+)?(/checks)?/*$|/+$")
_OURS_TO_SET = ("name", "slug", "tags", "desc")  # a heartbeat without them is judged the same
_NOT_READ = ("channels", "unique")
_OLD = ("subject", "subject_fail")
_AGAIN = "change it there and import again, or make this heartbeat by hand"


# ---- what it answers, read ----------------------------------------------------------------------


def read_answers(checks: Any, channels: Any, known: Mapping[str, UUID], ours: Collection[str]) -> Found:
    """The answers to ``checks/`` and ``channels/``; ``channels`` None: the key does not open them. ``known``:
    the uuids that a read-only key may mean, by their ``unique_key``; ``ours``: the kinds of channels here."""
    if not isinstance(checks, dict) or not isinstance(checks.get("checks"), list):
        raise Unreadable(
            "--url: the answer holds no list of checks; give the address of a Healthchecks server"
        )
    wanted: dict[UUID, Wanted] = {}
    left: list[Left] = []
    hidden = 0
    read: list[tuple[str, Mapping[str, Any]]] = []  # with what it is called here
    for number, check in enumerate(checks["checks"], 1):
        if not isinstance(check, dict):
            left.append(Left(f"entry {number} of the answer", "is no check", "tell us what it is", True))
            continue
        code = _code_of(check, known)
        if code is None and "unique_key" in check:
            hidden += 1
        elif code in wanted:
            left.append(Left(f"{_label(check, code)} ({code})", "is in the answer twice",
                             "nothing: the first of them was taken"))  # fmt: skip
        else:
            one, missing = _read_one(check, code)
            left += missing
            if one is not None:
                wanted[one.code] = one
                read.append((_label(check, code), check))
    return Found(tuple(wanted.values()), (*left, *_hidden(hidden), *_around(read, channels, ours)))


def _hidden(count: int) -> list[Left]:
    if not count:
        return []
    why = "not brought: a read-only key does not tell their uuid, and so not the address that their jobs ping"
    fix = "import with a key that may write (there: Project Settings, API Access)"
    return [Left(_counted(count, "check"), why, fix, True)]


def _code_of(check: Mapping[str, Any], known: Mapping[str, UUID]) -> UUID | None:
    """Older servers tell it in addresses alone."""
    update = str(check.get("update_url") or "")
    for text in (
        check.get("uuid"),
        str(check.get("ping_url") or "").rpartition("/")[2],
        update.rpartition("/")[2],
    ):
        try:
            return UUID(str(text))
        except ValueError:
            continue
    return known.get(str(check.get("unique_key")))


def _label(check: Mapping[str, Any], code: UUID | None) -> str:
    name = check.get("name")
    return seen_text(name) or str(code) if isinstance(name, str) else str(code)


def _read_one(check: Mapping[str, Any], code: UUID | None) -> tuple[Wanted | None, list[Left]]:
    label = _label(check, code)
    if code is None:
        return None, [Left(label, "its uuid cannot be read", _AGAIN, True)]
    asked: dict[str, Any] = {}
    left = []
    for name, value in check.items():
        if value is None or name in _NOT_READ or (name in _OLD and "success_kw" in check):
            continue
        try:
            asked |= read_check({name: value})
        except Refused as refused:
            why = refused.words.removeprefix("json validation error: ")
            if name not in _OURS_TO_SET:
                return None, [Left(f"{label} ({code})", f"not brought: {why}: {quoted(value)}", _AGAIN, True)]
            left.append(
                Left(f"{name} of {label} ({code})", why, "it is left out; shorten it there, or write it here")
            )
    if "grace" not in asked or not ("timeout" in asked or asked.get("schedule")):
        why = "not brought: neither timeout nor schedule, or no grace, is told"
        return None, [Left(f"{label} ({code})", why, _AGAIN, True)]
    left += _cleaned(asked, f"{label} ({code})")
    if asked.get("filter_subject") or asked.get("filter_body"):
        why, fix = "they are taken here once PING_MAIL_LISTEN is set", "set it, or ping by HTTP"
        left.append(Left(f"pings by mail of {label}", why, fix))
    spec = to_spec(asked, {})
    if "name" in spec:  # one that was left out may have been written here since
        spec["name"] = spec["name"].strip() or str(code)
    return Wanted(code, label, spec, check.get("status") == "paused"), left


def _cleaned(asked: dict[str, Any], which: str) -> list[Left]:
    """Takes out of names and texts what cannot stand here: that is no reason to lose the check."""
    left = []
    for key in ("name", "desc", "tags"):
        text = asked.get(key, "")
        clean = seen_text(text) if key == "name" else text.replace("\0", " ")
        if clean == text or clean == text.strip():
            continue
        why, fix = "holds a line break or a control character", f"it was taken out: {quoted(clean)}"
        if clean:
            asked[key] = clean
        else:
            del asked[key]
            why, fix = "holds nothing that can be seen", "it is left out; write one here"
        left.append(Left(f"{key} of {which}", why, fix))
    return left


def _around(checks: list[tuple[str, Mapping[str, Any]]], channels: Any, ours: Collection[str]) -> list[Left]:
    """What lies around the checks and is not theirs."""
    told = channels.get("channels") if isinstance(channels, dict) else None
    left = [] if channels is None or isinstance(told, list) else [_UNREADABLE_CHANNELS]
    rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    left += [_channel(one, ours) for one in rows]
    if channels is None:
        left.append(Left("channels", "a read-only key does not list them", "make them here"))
    every = {str(one.get("id")) for one in rows}
    fewer = [label for label, one in checks if "channels" in one and _ids(one["channels"]) != every]
    if fewer and rows:
        names = _listed(fewer)
        left.append(Left("which check tells which channel",
                         f"{_counted(len(fewer), 'check')} did not tell all of them ({names}); here all of a "
                         "project's heartbeats tell all of its channels",
                         "give those that others should hear a project of their own"))  # fmt: skip
    if any(one.get("slug") for _, one in checks):
        left.append(_PING_KEY)
    if any(one.get("n_pings") for _, one in checks):
        left.append(
            Left("pings until now", "stay there", "nothing: each heartbeat is new until its first ping here")
        )
    return left


_PING_KEY = Left(
    "the ping key",
    "their API does not tell it",
    "jobs that ping /<ping key>/<slug> take this project's key, which each heartbeat's page shows; "
    "jobs that ping /<uuid> need nothing but the host",
)
_UNREADABLE_CHANNELS = Left("channels", "the answer holds no list of them", "make them here")


def _channel(row: Mapping[str, Any], ours: Collection[str]) -> Left:
    kind = str(row.get("kind"))
    what = f"channel {row.get('name') or row.get('id')} ({kind})"
    if kind in ours:
        return Left(
            what, "their API does not tell where it leads", f"make a channel of the kind {kind} yourself"
        )
    return Left(what, "there is no such kind here", f"make one of {', '.join(sorted(ours))} yourself")


def _ids(text: Any) -> set[str]:
    return set(str(text or "").split(",")) - {""}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# ---- asking -------------------------------------------------------------------------------------


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


IMPORTER = Importer("Healthchecks", fetch)
