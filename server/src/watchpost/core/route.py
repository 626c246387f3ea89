"""Which channels hear an event, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchpost.core.types import Severity


@dataclass(frozen=True, slots=True)
class Route:
    """What a channel wants to hear. Empty ``projects`` means all of them."""

    channel_id: int
    name: str
    projects: frozenset[int]
    min_severity: Severity
    enabled: bool


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: ``event`` is opened, updated, acknowledged or resolved."""

    event: str
    project_id: int
    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A channel that hears the event, and why."""

    channel_id: int
    reason: str


def route(event: Event, routes: Iterable[Route], told: frozenset[int]) -> tuple[Chosen, ...]:
    """Choose the channels, in the order given.

    ``told`` are the channels that already heard of this incident: they hear the rest of the story,
    the end included, even when its severity fell or the channel's wishes changed since.
    """
    chosen = []
    for each in routes:
        why = _why(event, each, told)
        if why is not None:
            if not each.enabled:  # the row waits in the outbox: nothing is lost while a channel rests
                why += "; it is disabled, so the message waits"
            chosen.append(Chosen(each.channel_id, why))
    return tuple(chosen)


def _why(event: Event, each: Route, told: frozenset[int]) -> str | None:
    if each.channel_id in told:
        return f"{each.name} was already told of this incident"
    if event.event == "resolved":  # the end of a story it never heard
        return None
    if each.projects and event.project_id not in each.projects:
        return None
    if event.severity < each.min_severity:
        return None
    scope = "this project" if each.projects else "all projects"
    return f"{each.name} hears {scope} from {each.min_severity.word} up"
