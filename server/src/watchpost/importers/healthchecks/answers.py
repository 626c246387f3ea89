"""What Healthchecks says of its checks, read: no connection, no database.

It is read by the rules by which our own copy of its API reads what clients post (``hcapi.asked``). A field
without which a heartbeat would be judged wrongly costs the whole check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from watchpost.hcapi.asked import Refused, read_check, to_spec
from watchpost.importers import Found, Left, Unreadable, Wanted
from watchpost.monitors.spec import seen_text
from watchpost.registry.shown import quoted

_OURS_TO_SET = ("name", "slug", "tags", "desc")  # a heartbeat without them is judged the same
_NOT_READ = ("channels", "unique")
_OLD = ("subject", "subject_fail")
_AGAIN = "change it there and import again, or make this heartbeat by hand"


def read_answers(checks: Any, channels: Any, known: Mapping[str, UUID], ours: Collection[str]) -> Found:
    """The answers to ``checks/`` and ``channels/``; ``channels`` None: the key does not open them. ``known``:
    the uuids that a read-only key may mean, by their ``unique_key``; ``ours``: the kinds of channels here."""
    if not isinstance(checks, dict) or not isinstance(checks.get("checks"), list):
        raise Unreadable(
            "--url: the answer holds no list of checks; give the address of a Healthchecks server"
        )
    wanted, left, read = read_checks(checks["checks"], known)
    told = channels.get("channels") if isinstance(channels, dict) else None
    rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    left += [] if channels is None or isinstance(told, list) else [_UNREADABLE_CHANNELS]
    left += [left_channel(one, ours) for one in rows]
    if channels is None:
        left.append(Left("channels", "a read-only key does not list them", "make them here"))
    left += unequal_channels(read, {str(one.get("id")) for one in rows})
    if any(one.get("slug") for _, one in read):
        left.append(_PING_KEY)
    return Found(wanted, (*left, *past_pings(read)))


# The name by which each check goes here, and what was said of it there.
Read = Sequence[tuple[str, Mapping[str, Any]]]


def read_checks(
    checks: Iterable[Any], known: Mapping[str, UUID]
) -> tuple[Sequence[Wanted], list[Left], Read]:
    """``checks`` in the words of the API; which of them become heartbeats, and what is lost of them."""
    wanted: dict[UUID, Wanted] = {}
    left: list[Left] = []
    hidden = 0
    read: list[tuple[str, Mapping[str, Any]]] = []
    for number, check in enumerate(checks, 1):
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
    return tuple(wanted.values()), left + _hidden(hidden), read


def _hidden(count: int) -> list[Left]:
    if not count:
        return []
    why = "not brought: a read-only key does not tell their uuid, and so not the address that their jobs ping"
    fix = "import with a key that may write (there: Project Settings, API Access)"
    return [Left(counted(count, "check"), why, fix, True)]


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


def unequal_channels(checks: Read, every: Collection[str]) -> list[Left]:
    """Of ``every`` channel of the project there, by id, some checks tell only some."""
    fewer = [label for label, one in checks if "channels" in one and _ids(one["channels"]) != set(every)]
    if not fewer or not every:
        return []
    return [
        Left("which check tells which channel",
             f"{counted(len(fewer), 'check')} did not tell all of them ({_listed(fewer)}); here all of a "
             "project's heartbeats tell all of its channels",
             "give those that others should hear a project of their own")
    ]  # fmt: skip


def past_pings(checks: Read) -> list[Left]:
    if not any(one.get("n_pings") for _, one in checks):
        return []
    fix = "nothing: each heartbeat is new until its first ping here"
    return [Left("pings until now", "stay there", fix)]


_PING_KEY = Left(
    "the ping key",
    "their API does not tell it",
    "jobs that ping /<ping key>/<slug> take this project's key, which each heartbeat's page shows; "
    "jobs that ping /<uuid> need nothing but the host",
)
_UNREADABLE_CHANNELS = Left("channels", "the answer holds no list of them", "make them here")


def left_channel(row: Mapping[str, Any], ours: Collection[str]) -> Left:
    """One of which only name and kind are known."""
    kind = str(row.get("kind"))
    what = f"channel {row.get('name') or row.get('id')} ({kind})"
    if kind in ours:
        return Left(
            what,
            "their API does not tell where it leads",
            f"make a channel of the kind {kind} yourself, or import with --database",
        )
    return Left(what, "there is no such kind here", f"make one of {', '.join(sorted(ours))} yourself")


def _ids(text: Any) -> set[str]:
    return set(str(text or "").split(",")) - {""}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
