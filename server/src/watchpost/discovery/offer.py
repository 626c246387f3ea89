"""Proposals beside what is watched already: what is new, what is known, what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from watchpost.registry import Config, Kind, kinds
from watchpost.registry.place import place, read_host
from watchpost.registry.shown import shown_name
from watchpost.registry.site import Answer, Proposal, Site
from watchpost.registry.suffix import is_outside

_PLACES = ("url", "host", "port", "domain")  # the fields that say where a kind looks
_GONE = frozenset({404, 410})
Place = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor there is already: ``spec`` as in the configuration file."""

    id: int
    name: str
    kind: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gone:
    """A monitor whose place is not there any more, and how that shows, as one sentence."""

    monitor: Watched
    why: str


@dataclass(frozen=True, slots=True)
class Offer:
    """``new`` are to be made; ``known`` are watched by the monitor beside them, or are that monitor with a
    remark; ``gone`` may be deleted."""

    new: tuple[Proposal, ...]
    known: tuple[tuple[Proposal, Watched], ...] = ()
    gone: tuple[Gone, ...] = ()


def offer(site: Site, watched: Iterable[Watched] = ()) -> Offer:
    """What every kind proposes of ``site``, each place once, beside the monitors of the project."""
    there = list(watched)
    held = {_place_of({**one.spec, "kind": one.kind}): one for one in there}
    seen: set[Place] = set()
    new: list[Proposal] = []
    known: list[tuple[Proposal, Watched]] = []
    for proposal in _proposals(site):
        where = _place_of(proposal.spec)
        if where in seen:
            continue
        seen.add(where)
        if where in held:
            known.append((proposal, held[where]))
        else:
            new.append(proposal)
    gone = tuple(_gone(site, there))
    told = {one.id for _, one in known} | {one.monitor.id for one in gone}
    known += _off_certificate(site, (one for one in there if one.id not in told))
    return Offer(tuple(new), tuple(known), gone)


def places_of(watched: Iterable[Watched]) -> list[str]:
    """The addresses of monitors, so that a look around asks whether they are still there."""
    return [str(one.spec["url"]) for one in watched if "url" in one.spec]


def _proposals(site: Site) -> Iterator[Proposal]:
    """The page itself first, then kind by kind."""
    every = [proposal for kind in kinds().values() for proposal in kind.propose(site)]
    return iter(sorted(every, key=lambda one: one.spec["kind"] != "http"))


def _place_of(spec: Mapping[str, Any]) -> Place:
    """The page of a kind that is given an address; else what it says it covers, however that is written."""
    if "url" not in spec and (covered := _covered(spec)):
        return (("kind", spec["kind"]), ("covers", covered))
    where = {"kind": spec["kind"]} | {key: spec[key] for key in _PLACES if spec.get(key) is not None}
    if "url" in where:
        with suppress(ValueError):
            where["url"] = place(str(where["url"])).url
    for key in ("host", "domain"):
        if key in where:
            where[key] = str(where[key]).strip().lower().rstrip(".")
    if where.get("port") == 443 and where["kind"] == "tls":
        del where["port"]
    return tuple(sorted(where.items()))


def _covered(spec: Mapping[str, Any]) -> tuple[str, ...]:
    kind, config = _read(spec)
    return kind.covers(config) if kind is not None and config is not None else ()


def _read(spec: Mapping[str, Any]) -> tuple[Kind | None, Config | None]:
    kind = kinds().get(str(spec["kind"]))
    if kind is None:
        return None, None
    names = {info.alias or name for name, info in kind.config.model_fields.items()}
    try:
        return kind, kind.config.model_validate({k: v for k, v in spec.items() if k in names})
    except ValueError:  # a secret that cannot be read here, or a spec of another version
        return kind, None


def hosts_of(watched: Iterable[Watched]) -> list[str]:
    """The names on which monitors look, of whatever kind, so that a look around sees which are gone."""
    return sorted({host for one in watched if is_outside(host := _host_of(one))})


def _host_of(one: Watched) -> str:
    """In ASCII; "" for what looks at none."""
    kind, config = _read({**one.spec, "kind": one.kind})
    if kind is not None and config is not None:
        return kind.target(config)[0]
    try:
        written = str(one.spec.get("host") or one.spec.get("domain") or "")
        return place(str(one.spec["url"])).host if "url" in one.spec else read_host(written)
    except ValueError:
        return ""


def _gone(site: Site, watched: Iterable[Watched]) -> Iterator[Gone]:
    """Only what nobody can doubt: the name does not exist, or the page says that it is not there, though the
    site is well and the monitor does not expect just that. An outage is no reason to stop watching."""
    by_place = {place(url).url: answer for url, answer in site.answers.items()}
    for one in watched:
        if (host := _host_of(one)) in site.absent:
            yield Gone(one, f"The name {shown_name(host)} does not exist any more.")
            continue
        try:
            answer = by_place.get(place(str(one.spec["url"])).url) if "url" in one.spec else None
        except ValueError:
            continue
        if answer is not None and (why := _lost(one, answer, 200 <= site.home.status < 400)):
            yield Gone(one, why)


def _lost(one: Watched, answer: Answer, is_well: bool) -> str:
    host = place(answer.asked).host
    if answer.kind == "nxdomain" and answer.place.host == host:  # not where a redirect leads
        return f"The name {shown_name(host)} does not exist any more."
    wanted = (one.spec.get("expect") or {}).get("status") or ()
    is_meant = answer.status in wanted or str(answer.status) in wanted
    if is_well and answer.status in _GONE and not is_meant:
        return f"{answer.asked} answers {answer.status}; delete it only if it was taken away for good."
    return ""


def _off_certificate(site: Site, watched: Iterable[Watched]) -> Iterator[tuple[Proposal, Watched]]:
    """What is watched of the domain under a name that nothing else here would name."""
    for one in watched:
        if site.left_certificate(host := _host_of(one)):
            why = f"{shown_name(host)} does not stand on the certificate of {site.host}; it is still watched."
            yield Proposal(one.spec, why), one
