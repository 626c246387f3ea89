"""What a mail says about one incident: the payload as words, for both templates and the subject. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from watchpost.registry import Message

_HEADS = {"opened": "Down", "updated": "Update", "acknowledged": "Acknowledged"}
_ACTIONS = (("acknowledge", "Acknowledge"), ("resolve", "Resolve"), ("snooze", "Snooze"))
_TEST_TITLE = "This is a test. If you can read it, this channel works."


@dataclass(frozen=True, slots=True)
class Action:
    """One link of the mail."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """One affected monitor."""

    name: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class Story:
    """One incident, ready to be printed. Every field is text, so the templates need no settings."""

    incident: str
    head: str  # Down, Resolved after 6 min 12 s, ...
    tone: str  # bad | warn | good | calm
    project: str
    title: str
    sentence: str  # the first cause, unless the title already says it
    fix: str
    others: tuple[str, ...]  # further causes
    reason: str
    since: str
    until: str
    monitors: tuple[Monitor, ...]
    actions: tuple[Action, ...]
    page: str

    @property
    def subject(self) -> str:
        project = f"[{self.project}] " if self.project else ""
        return f"{project}{self.head}: {self.title}"


def tell(message: Message) -> Story:
    """The story of one message. Missing keys are left out: a test has next to none."""
    payload = message.payload
    causes = [cause for cause in payload.get("causes") or () if isinstance(cause, Mapping)]
    sentences = [one_line(cause.get("sentence")) for cause in causes]
    test = message.event == "test"
    title = one_line(payload.get("title")) or (_TEST_TITLE if test else "Incident")
    first = sentences[0] if sentences else ""
    began, resolved = _when(payload.get("began_at")), _when(payload.get("resolved_at"))
    over = message.event == "resolved"
    return Story(
        incident=str(payload.get("id") or message.delivery_id),
        head=_head(message.event, payload, began, resolved),
        tone=_tone(message.event, payload),
        project=one_line(payload.get("project_name") or payload.get("project")),
        title=title,
        sentence="" if first == title else first,
        fix="" if over or not causes else one_line(causes[0].get("fix")),
        others=tuple(sentence for sentence in sentences[1:] if sentence),
        reason=one_line(payload.get("reason")),
        since=_clock(began),
        until=_clock(resolved) if over else "",
        monitors=tuple(_monitor(monitor) for monitor in payload.get("monitors") or ()),
        actions=_actions(message, over or test),
        page=_web(message.links.get("page") or payload.get("url")),
    )


def _head(event: str, payload: Mapping[str, Any], began: datetime | None, resolved: datetime | None) -> str:
    if event == "test":
        return "Test"
    if event == "resolved":
        return (
            f"Resolved after {span((resolved - began).total_seconds())}" if began and resolved else "Resolved"
        )
    if event == "opened" and payload.get("severity") == "warning":
        return "Degraded"
    return _HEADS.get(event, event.capitalize())


def _tone(event: str, payload: Mapping[str, Any]) -> str:
    if event == "resolved":
        return "good"
    if event in ("test", "acknowledged"):
        return "calm"
    return "warn" if payload.get("severity") in ("warning", "info") else "bad"


def _monitor(monitor: Mapping[str, Any]) -> Monitor:
    return Monitor(*(one_line(monitor.get(key)) for key in ("name", "kind", "state")))


def _actions(message: Message, done: bool) -> tuple[Action, ...]:
    """What can still be done: nothing, once it is over."""
    if done:
        return ()
    offered = ((label, _web(message.links.get(name))) for name, label in _ACTIONS)
    shown = tuple(Action(label, url) for label, url in offered if url)
    acknowledged = message.event == "acknowledged" or message.payload.get("state") == "acknowledged"
    return tuple(action for action in shown if not (acknowledged and action.label == "Acknowledge"))


def _web(url: object) -> str:
    """Only web addresses become links."""
    text = str(url or "")
    return text if urlsplit(text).scheme in ("http", "https") and text.isprintable() else ""


def _when(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S UTC, %-d %B %Y}" if moment else ""


def span(seconds: float) -> str:
    """A duration as people say it, in its two largest units: 6 min 12 s."""
    left = max(0, int(seconds))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        parts.append((count, unit))
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    shown = [f"{count} {unit}" for count, unit in parts[:2] if count]
    return " ".join(shown) or "0 s"


def one_line(value: object) -> str:
    """Text without line breaks and control characters: it may stand in a header."""
    text = "" if value is None else str(value)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
