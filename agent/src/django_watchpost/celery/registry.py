"""Keeps the server's heartbeats as Beat's entries are, through its management API (that of Healthchecks, v3).

A heartbeat is made with all that is known; later, only what the schedule says is sent again, so that what
people changed on its page (grace, tags) stays. What the settings say it stands on is sent once for each start
of Beat. One whose entry is gone is paused, with a note.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django_watchpost.celery.entries import Entry
from django_watchpost.guard import log
from django_watchpost.heartbeats.wire import Wire

_TAG = "celery-beat"
_TIMEOUT_S = 5.0
_GONE = "Paused: the entry is gone from Beat's schedule"
_SAID = ("name", "desc", "schedule", "tz", "timeout")  # what the schedule says, and nobody else


class NotDone(Exception):
    """The server did not do it; the words say why."""


@dataclass
class Registry:
    """``owner``: whose Beat, such as ``shop``: what others made is never touched."""

    url: str
    key: str
    owner: str
    _wire: Wire = field(init=False)
    _linked: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)  # what was told, by slug
    _told: set[str] = field(init=False, default_factory=set)
    unheard: set[str] = field(init=False, default_factory=set)  # slugs of which nothing was heard yet

    def __post_init__(self) -> None:
        self._wire = Wire(self.url, _TIMEOUT_S)

    def bring(self, entries: Sequence[Entry]) -> bool:
        """Makes it so; whether each stands on what it should. Raises NotDone when the server cannot be asked;
        one that it refuses is a line in the log."""
        tags = f"{_TAG} {_tag_of(self.owner)}"
        found = self._ask("GET", "?" + "&".join(f"tag={quote(tag)}" for tag in tags.split()))
        known = {str(one.get("slug")): one for one in found.get("checks", ())}
        self.unheard = set()
        for entry in entries:
            try:
                self._bring_one(entry, known.get(entry.slug), tags)
            except NotDone as error:
                log.warning("Beat's entry %r has no heartbeat: %s", entry.name, error)
            else:
                self._link(entry)
                if _is_unheard(known.get(entry.slug)):
                    self.unheard.add(entry.slug)
        wanted = {entry.slug for entry in entries}
        for slug, one in known.items():
            if slug not in wanted and not str(one.get("desc", "")).startswith(_GONE):
                self._let_go(one)
        self._wire.close()
        return all(self._linked.get(entry.slug, ()) == entry.depends_on for entry in entries)

    def _link(self, entry: Entry) -> None:
        """The monitors it stands on may be made later than it: then it is tried again, and told once."""
        if self._linked.get(entry.slug, ()) == entry.depends_on:
            return
        try:
            body = {"slug": entry.slug, "depends_on": list(entry.depends_on), "unique": ["slug"]}
            self._ask("POST", "", body)
        except NotDone as error:
            parents = ", ".join(entry.depends_on)
            words = f"the heartbeat of Beat's entry {entry.name!r} does not stand on {parents}"
            if words not in self._told:
                self._told.add(words)
                log.warning("%s: %s; it is tried each minute", words, error)
        else:
            self._linked[entry.slug] = entry.depends_on

    def _bring_one(self, entry: Entry, known: Mapping[str, Any] | None, tags: str) -> None:
        said: dict[str, Any] = {"name": entry.name, "desc": f"Celery Beat runs {entry.task}."}
        said |= (
            {"schedule": entry.schedule, "tz": entry.zone} if entry.schedule else {"timeout": entry.period_s}
        )
        if known is None:
            self._ask(
                "POST",
                "",
                said | {"slug": entry.slug, "grace": entry.grace_s, "tags": tags, "unique": ["slug"]},
            )
            return
        if entry.is_grace_set:
            said["grace"] = entry.grace_s
        is_gone = str(known.get("desc", "")).startswith(_GONE)
        if any(known.get(name) != value for name, value in said.items()) or _has_other(known, said):
            self._ask("POST", "", said | {"slug": entry.slug, "unique": ["slug"]})
        if is_gone and known.get("status") == "paused":
            self._ask("POST", f"{known['uuid']}/resume")

    def _let_go(self, known: Mapping[str, Any]) -> None:
        code = known.get("uuid")
        if known.get("status") != "paused":
            self._ask("POST", f"{code}/pause")
        self._ask(
            "POST",
            f"{code}",
            {"desc": f"{_GONE} since {datetime.now(UTC):%Y-%m-%d}. Delete it when you like."},
        )
        log.info("the heartbeat of Beat's entry %r is paused: the entry is gone", known.get("name"))

    def _ask(self, method: str, rest: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"X-Api-Key": self.key, "Content-Type": "application/json"}
        sent = json.dumps(body).encode() if body is not None else b""
        try:
            status, said = self._wire.ask(method, f"/api/v3/checks/{rest}", sent, headers)
        except (OSError, http.client.HTTPException) as error:
            raise NotDone(f"{self.url} cannot be asked: {error or type(error).__name__}") from None
        if status == 401:
            raise NotDone("WATCHPOST['API_KEY'] is refused; it must be a key that may write")
        if status not in (200, 201):
            raise NotDone(f"{self.url} answers {status}: {said[:200].decode(errors='replace')}")
        try:
            read = json.loads(said)
        except ValueError:
            raise NotDone(f"{self.url} answers no JSON; correct WATCHPOST['PING_URL']") from None
        return read if isinstance(read, dict) else {}


def _has_other(known: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """An interval that was a crontab before, or the other way round."""
    return bool(known.get("schedule")) != bool(said.get("schedule"))


def _is_unheard(known: Mapping[str, Any] | None) -> bool:
    """Also of one that goes on after its entry was gone."""
    if known is None or str(known.get("desc", "")).startswith(_GONE):
        return True
    return known.get("status") == "new" and not known.get("started")


def _tag_of(owner: str) -> str:
    return "beat-" + "".join(letter if letter.isalnum() else "-" for letter in owner)
