"""What was come across in a project and is not watched: names, certificates, domains.

No kind is named here: each says what it covers, what it came across, what a host stands on, and which spec
would watch a thing (``registry.Kind``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from watchpost.accounts.models import User
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.registry import Config, Kind, Lead, kinds
from watchpost.registry.place import read_host
from watchpost.registry.shown import shown_name
from watchpost.registry.suffix import is_outside, site_of
from watchpost.reports.endings import facts_of
from watchpost.reports.models import NotNeeded

MOST = 50
_UNFOLDED = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not watched. ``thing`` as the kinds name it, ``shown`` for people, ``how`` it was
    come across ("stands in the certificate of"), by ``monitor``."""

    thing: str
    shown: str
    how: str
    monitor: Monitor
    kind: Kind
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Coverage:
    """``not_needed``: what somebody put aside, and is still come across."""

    gaps: tuple[Gap, ...]
    not_needed: tuple[Gap, ...]
    watched: int  # things that are

    @property
    def first(self) -> tuple[Gap, ...]:
        """What a page shows unfolded: all of a few, some of many."""
        return self.gaps[:_UNFOLDED] if self.others else self.gaps

    @property
    def others(self) -> tuple[Gap, ...]:
        return self.gaps[_UNFOLDED:] if len(self.gaps) > _UNFOLDED + 2 else ()


def coverage_of(project: Project, monitors: Sequence[Monitor]) -> Coverage:
    """``monitors`` of the project, with their last looks."""
    read = [(one, *known) for one in monitors if (known := _read(one)) is not None]
    covered = {thing for monitor, kind, config in read for thing in _asked(monitor, kind.covers, config)}
    found: dict[str, Gap] = {}
    for gap in (*_come_across(read, covered), *_stood_on(read)):
        if gap.thing not in covered:
            found.setdefault(gap.thing, gap)
    aside = set(NotNeeded.objects.filter(project=project).values_list("thing", flat=True))
    order = sorted(found.values(), key=lambda gap: (gap.kind.name != _first_kind(), gap.kind.name, gap.shown))
    return Coverage(
        tuple(gap for gap in order if gap.thing not in aside)[:MOST],
        tuple(gap for gap in order if gap.thing in aside)[:MOST],
        len(covered),
    )


Read = tuple[Monitor, Kind, Config]


def _read(monitor: Monitor) -> tuple[Kind, Config] | None:
    kind = kinds().get(monitor.kind)
    try:
        return (kind, edit.config_of(monitor)) if kind is not None else None
    except ValueError:  # a secret of another key, or a config this version refuses: its page says so
        return None


def _asked(monitor: Monitor, ask: Any, *given: Any) -> Iterable[Any]:
    """What a kind says; facts of an older version that it cannot read say nothing."""
    try:
        return tuple(ask(*given))
    except (ValueError, LookupError, TypeError, AttributeError):
        log.exception("the %s kind cannot say what it knows of monitor %s", monitor.kind, monitor.pk)
        return ()


def _come_across(read: Sequence[Read], covered: set[str]) -> Iterator[Gap]:
    """Names and things of the last looks. A name is watched when anything of it is, whatever the kind. A bare
    name is a page's: no other name is offered as one, for one of a mail server is a false alarm."""
    hosts = {_host_of(thing) for thing in covered}
    ours = {site for _, kind, config in read if (site := site_of(kind.target(config)[0]))}
    leads = [(lead, one) for one, kind, config in read
             for lead in _asked(one, kind.leads, config, facts_of(one))]  # fmt: skip
    hosts |= {_host_of(lead.what) for lead, _ in leads if ":" in lead.what}  # known for what they are
    for lead, monitor in leads:
        if gap := _led(lead, monitor, hosts, ours):
            yield gap


def _led(lead: Lead, monitor: Monitor, hosts: set[str], ours: set[str]) -> Gap | None:
    """A name may be a stranger's: one that nobody vouches for counts only under a domain of ours."""
    if ":" in lead.what:
        host = _host_of(lead.what)
        known = is_outside(host) and (lead.sure or site_of(host) in ours)
        return _gap(lead.what, lead.how, monitor) if known else None
    name = watchable(lead.what)
    if not name or name in hosts or not (lead.sure or site_of(name) in ours):
        return None
    return _gap(f"{_first_kind()}:{name}", lead.how, monitor, name)


def _stood_on(read: Sequence[Read]) -> Iterator[Gap]:
    """What the watched hosts stand on, such as the domain somebody registered."""
    for monitor, kind, config in read:
        host = watchable(kind.target(config)[0])
        for other in kinds().values() if host else ():
            thing = other.under(host)
            if thing:
                yield from (gap for gap in [_gap(thing, "is what the host stands on of", monitor)] if gap)


def _gap(thing: str, how: str, monitor: Monitor, shown: str = "") -> Gap | None:
    """None when no kind here can watch it."""
    name, _, which = thing.partition(":")
    kind = kinds().get(name)
    spec = kind.watch(which) if kind is not None else None
    if kind is None or spec is None:
        return None
    return Gap(thing, shown_name(shown) if shown else str(spec["name"]), how, monitor, kind, spec)


def _first_kind() -> str:
    """What a bare name is watched as: by the kind that asks for an address."""
    return next((name for name, kind in kinds().items() if "url" in (kind.watch("www.example") or {})), "")


def _host_of(thing: str) -> str:
    return thing.split(":", 1)[1].rsplit(":", 1)[0] if thing.count(":") > 1 else thing.partition(":")[2]


def watchable(name: str) -> str:
    """The name in ASCII if it can be watched from outside; "" for wildcards, addresses, names of one label
    and of the inside."""
    try:
        host = read_host(name.strip().rstrip("."))
    except ValueError:
        return ""
    return host if is_outside(host) else ""


# ---- what people do -----------------------------------------------------------------------------


def start_watching(project: Project, gap: Gap, now: datetime) -> Monitor:
    """The monitor for the gap, in the environment of whoever came across it. Raises edit.Invalid."""
    spec = dict(gap.spec) | {"environment": gap.monitor.environment}
    with transaction.atomic():
        taken = set(project.monitors.values_list("slug", flat=True))
        base = slugify(str(spec["name"]).replace(".", "-").replace(":", "-"))[:54].strip("-") or "monitor"
        slugs = (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3)))
        spec["slug"] = next(slug for slug in slugs if slug not in taken)
        return edit.create_monitor(project, spec, now)


def put_aside(project: Project, thing: str, by: User, now: datetime) -> None:
    """It need not be watched; remembered until somebody takes it back."""
    defaults = {"by": by.get_full_name() or by.email, "at": now}
    NotNeeded.objects.get_or_create(project=project, thing=thing[:300], defaults=defaults)


def take_back(project: Project, thing: str) -> None:
    NotNeeded.objects.filter(project=project, thing=thing).delete()
