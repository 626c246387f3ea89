"""The contracts of a kind and a channel, and how their folders are found.

A kind is a package ``watchpost.kinds.<kind>`` whose ``__init__`` exposes ``KIND``; a channel is a
package ``watchpost.channels.<channel>`` that exposes ``CHANNEL``. Nothing else names them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from watchpost.core.types import Finding, Observation, Past, Verdict
from watchpost.registry.site import Proposal, Site


class Config(BaseModel):
    """Base of every configuration: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        """To Python true is 1, and to nobody else."""
        if isinstance(value, bool) and _is_numeric(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError(f"{str(value).lower()} is not a number; write one")
        return value


def _is_numeric(annotation: Any) -> bool:
    options = {one for one in get_args(annotation) or (annotation,) if one is not type(None)}
    return bool(options) and options <= {int, float}


class _Often:
    """Marks an optional field that many set: ``Annotated[int, OFTEN]``. Forms show it unfolded."""


OFTEN = _Often()


class _Members:
    """Marks a field that lists monitors of the same project, each as its slug or as ``{monitor: slug,
    weight: 2}``. Forms let them be ticked."""


MEMBERS = _Members()


@dataclass(frozen=True, slots=True)
class PastNeed:
    """What a judge needs of the past: totals within ``window_s`` seconds, states of the monitors of the same
    project whose slugs are ``names``."""

    window_s: float = 0.0
    names: tuple[str, ...] = ()


ANEW = 2  # in ``Look.resolver``


@dataclass(frozen=True, slots=True)
class Look:
    """One request to look: everything a probe may use.

    ``config`` is the validated Config with its secrets in the clear; ``deadline_s`` is the total
    budget; ``resolver`` 0 is the first resolver, 1 the other one (a confirmation asks another), ``ANEW`` the
    first one again. Only 0 takes what is remembered: names out of the cache, a certificate of an hour ago.
    """

    monitor_id: int
    revision: int
    config: Any
    deadline_s: float
    location: str = "local"
    resolver: int = 0


class Probe(Protocol):
    """Looks once. Never raises but for cancellation; a failure is an Observation."""

    async def __call__(self, look: Look, outbound: Any, at: datetime) -> Observation: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends on a date: a certificate, a registration. Monitors that give one ``key``
    (``cert:<fingerprint>``, ``domain:<name>``) mean one thing. ``at`` is aware UTC, and so is ``seen``, when
    it was really read; None: by the last look. ``place``: where it was seen (``shop.example:443``); what one
    monitor saw there takes the place of what another saw there before."""

    key: str
    what: str  # "Certificate of shop.example"
    at: datetime
    note: str = ""
    seen: datetime | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Lead:
    """Something that a look came across without watching it. ``what`` is a host name that something says
    serves pages (``api.shop.example``), or what a kind covers (``tls:shop.example:443``,
    ``tcp:mail.shop.example:25``); ``how`` the words between it and the monitor: "stands in the certificate
    of". ``sure``: it belongs to the same people; a redirect may lead anywhere."""

    what: str
    how: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of a monitor (``Verdict.parts``) on its page. ``state`` is up, degraded, down or unknown: as the
    last look saw it. Since when, its last day and the chart of its values are known to the page."""

    part: str
    state: str
    says: str = ""
    more: tuple[str, ...] = ()  # small words beside its name: "not critical", "4 s ago"
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A table on a monitor's page: what a kind knows, in words. Rows are label and value, as plain text, in
    which a line break is one on the page; ``parts`` are told with their history. Each row may have a state in
    ``marks`` ("up", "down"), and in ``slugs`` the monitor of the same project that it is about."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""
    marks: tuple[str, ...] = ()
    slugs: tuple[str, ...] = ()
    parts: tuple[PartRow, ...] = ()


def _nothing(*_: Any) -> tuple[Any, ...]:
    return ()


def _subject(_: Mapping[str, Any], __: Mapping[str, Any], finding: Finding) -> str:
    return finding.subject


@dataclass(frozen=True, slots=True)
class Kind:
    """A monitor kind: its parts, as data."""

    name: str
    title: str
    layer: str  # uptime | health | workers | performance | errors
    config: type[Config]
    probe: Probe | None
    judge: Callable[[Any, Observation, Mapping[str, Any], Past, datetime], Verdict]
    codes: frozenset[str]
    describe: Callable[[Any], str]  # one line: what is asked and expected
    target: Callable[[Any], tuple[str, int]]  # host without port, and port
    secrets: tuple[str, ...] = ()  # config fields kept encrypted, dotted paths
    past: Callable[[Any], PastNeed] = lambda _: PastNeed()
    accept: Callable[[Mapping[str, Any], Mapping[str, Any], Finding], Mapping[str, Any]] | None = None
    # Which change an acceptable finding tells of, by (baseline, facts, finding): findings of a project's
    # monitors that have one code and one change are accepted together.
    change: Callable[[Mapping[str, Any], Mapping[str, Any], Finding], str] = _subject
    interval_s: float = 60.0  # how often it looks, unless the monitor says otherwise
    feed: str = "cadence"  # cadence | states | signal
    noun: str = "look"  # what moves it, in reasons: "The first look was good."
    # A list of a project in the configuration file, beside ``monitors:``, that holds its monitors alone: what
    # stands in it needs no ``kind``. Empty: it has none.
    section: str = ""
    # Of a kind that is told by signals, by (config, facts, now): when silence must be judged; None: never.
    due: Callable[[Any, Mapping[str, Any], datetime], datetime | None] = lambda *_: None
    # Rows of its own: called with a monitor and its config in the transaction that makes or changes it, with
    # its id before one changes or deletes it, and with its id and the time when one paused or resumed it.
    keep_row: Callable[[Any, Any], None] = lambda *_: None
    hold_row: Callable[[int], None] = lambda *_: None
    forget_past: Callable[[int, datetime], None] = lambda *_: None
    kept: frozenset[str] = frozenset()  # facts kept with the last look also when all is well
    latest: frozenset[str] = frozenset()  # facts that only the last look keeps: raw rows go without
    endings: Callable[[Any, Mapping[str, Any]], tuple[Ending, ...]] = _nothing
    panels: Callable[[Any, Mapping[str, Any], Mapping[str, Any]], tuple[Panel, ...]] = _nothing
    names: Callable[[Any, Mapping[str, Any]], tuple[str, ...]] = _nothing  # hosts come across
    # Hosts that stand on what this watches, each with all under it: a domain carries everything below. Among
    # those that carry one host the deeper one carries the others: a registration 2, its name service 1.
    carries: Callable[[Any], tuple[str, ...]] = _nothing
    depth: int = 1
    explore: Callable[[Site], tuple[str, ...]] = _nothing  # what discovery asks for beside an address
    propose: Callable[[Site], tuple[Proposal, ...]] = _nothing
    # What is watched and what is not (coverage): a thing is the kind's name, a colon, and which one it is.
    covers: Callable[[Any], tuple[str, ...]] = _nothing  # ``http:shop.example``, ``tls:shop.example:443``
    leads: Callable[[Any, Mapping[str, Any]], tuple[Lead, ...]] = _nothing  # come across, not watched by it
    under: Callable[[str], str | None] = lambda _: None  # the thing of this kind that a host stands on
    watch: Callable[[str], Mapping[str, Any] | None] = lambda _: None  # of the part after the colon: the spec

    @property
    def is_fed(self) -> bool:
        """Whether it asks nobody and is judged in the moment something is told of it: another monitor that
        moved, or a signal. Then interval, timeout and confirmation mean nothing to it."""
        return self.feed != "cadence"

    @property
    def is_carrying(self) -> bool:
        """Whether others may stand on its monitors."""
        return self.carries is not _nothing


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel's answer to one message."""

    ok: bool
    detail: str  # the receiver's real answer, at most 500 characters
    permanent: bool = False  # the message can never be delivered
    channel_broken: bool = False  # nor can any other: credentials or address are wrong
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One frozen message: the incident object of the API plus event, delivery_id and reason."""

    delivery_id: str
    event: str  # opened | updated | acknowledged | resolved | test
    payload: Mapping[str, Any]
    links: Mapping[str, str]  # signed links: acknowledge, resolve, snooze; page
    at: datetime


@dataclass(frozen=True, slots=True)
class Channel:
    """A notification channel. ``send`` is synchronous, runs in a worker thread and keeps its deadline."""

    name: str
    title: str
    config: type[Config]
    send: Callable[[Any, tuple[Message, ...], Any], Sent]  # (config, messages, outbound)
    describe: Callable[[Any], str]
    secrets: tuple[str, ...] = ()
    pages: bool = False  # wakes somebody up: default min_severity error
    bundles: bool = False  # for people: may get several messages in one


def _find(package_name: str, attribute: str, wanted: type[Any]) -> dict[str, Any]:
    package = importlib.import_module(package_name)
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(package.__path__):
        entry = getattr(importlib.import_module(f"{package_name}.{module.name}"), attribute, None)
        if not isinstance(entry, wanted):
            raise TypeError(f"{package_name}.{module.name} must expose {attribute}")
        found[entry.name] = entry
    return found


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name, found by folder."""
    return _find("watchpost.kinds", "KIND", Kind)


@cache
def channels() -> Mapping[str, Channel]:
    """Every channel by name, found by folder."""
    return _find("watchpost.channels", "CHANNEL", Channel)


def doc_of(package: str, name: str) -> Path:
    """The docs page of a kind or a channel."""
    return Path(importlib.import_module(f"watchpost.{package}.{name}").__path__[0]) / "doc.md"
