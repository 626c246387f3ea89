"""Proposals beside what is watched already: what is new, what is known, what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from watchpost.registry import kinds
from watchpost.registry.place import place
from watchpost.registry.site import Answer, Proposal, Site

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
    """``new`` are to be made; ``known`` are watched by the monitor beside them; ``gone`` may be deleted."""

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
    return Offer(tuple(new), tuple(known), tuple(_gone(site, there)))


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
    kind = kinds().get(str(spec["kind"]))
    if kind is None:
        return ()
    names = {info.alias or name for name, info in kind.config.model_fields.items()}
    try:
        return kind.covers(kind.config.model_validate({k: v for k, v in spec.items() if k in names}))
    except ValueError:  # a secret that cannot be read here, or a spec of another version
        return ()


def _gone(site: Site, watched: Iterable[Watched]) -> Iterator[Gone]:
    """Only what nobody can doubt: the name does not exist, or the page says that it is not there, though the
    site is well and the monitor does not expect just that. An outage is no reason to stop watching."""
    by_place = {place(url).url: answer for url, answer in site.answers.items()}
    for one in watched:
        try:
            answer = by_place.get(place(str(one.spec["url"])).url) if "url" in one.spec else None
        except ValueError:
            continue
        if answer is not None and (why := _lost(one, answer, 200 <= site.home.status < 400)):
            yield Gone(one, why)


def _lost(one: Watched, answer: Answer, is_well: bool) -> str:
    if answer.kind == "nxdomain":
        return f"The name {place(answer.asked).host} does not exist any more."
    wanted = (one.spec.get("expect") or {}).get("status") or ()
    is_meant = answer.status in wanted or str(answer.status) in wanted
    if is_well and answer.status in _GONE and not is_meant:
        return f"{answer.asked} answers {answer.status}; delete it only if it was taken away for good."
    return ""
