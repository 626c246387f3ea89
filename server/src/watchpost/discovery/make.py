"""Makes the monitors somebody chose of an offer, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from watchpost.discovery.offer import Offer, Watched, hosts_of, offer, places_of
from watchpost.discovery.scout import look_around, read_address
from watchpost.engine.run import build_outbound
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.registry.site import Answer, Proposal, Site


@dataclass(frozen=True, slots=True)
class Found:
    site: Site
    offer: Offer


def discover(address: str, project: Project | None) -> Found:
    """Looks around ``address`` now, within ten seconds, beside what ``project`` watches already. Raises
    ValueError for what is no address, and for what the guard keeps closed."""
    watched = watched_in(project) if project else []
    site = asyncio.run(_look(address, places_of(watched), hosts_of(watched)))
    if site.home.kind == "refused_by_guard":
        raise ValueError(_closed(site.home))
    return Found(site, offer(site, watched))


def _closed(home: Answer) -> str:
    """What a newcomer meets who types the address of the machine at hand."""
    return (
        f"{home.failure}, and the inside of a network is looked at only when the operator says so: set "
        "WATCHPOST_ALLOW_NETWORKS to a network that contains it and start Watchpost again"
    )


def alone(address: str, project: Project | None) -> Offer:
    """The page itself, unasked: for whoever wants no more. Raises ValueError for what is no address."""
    url = read_address(address)
    unasked = Site(Answer(url, url, failure="it was not asked", kind="unasked"))
    found = offer(unasked, watched_in(project) if project else [])
    new = () if found.known else found.new[:1]
    return Offer(tuple(replace(one, why="You asked for this page alone.") for one in new), found.known)


async def _look(address: str, also: list[str], names: list[str]) -> Site:
    outbound = build_outbound()
    try:
        return await look_around(outbound, address, also, names)
    finally:
        await outbound.close()


def watched_in(project: Project) -> list[Watched]:
    return [Watched(row.pk, row.name, row.kind, edit.spec_of(row)) for row in project.monitors.order_by("pk")]


def make_all(project: Project, chosen: Iterable[Proposal], now: datetime) -> list[Monitor]:
    """In one transaction. A name that is taken gets a slug of its own. Raises edit.Invalid."""
    with transaction.atomic():
        taken = set(project.monitors.values_list("slug", flat=True))
        made = []
        for proposal in chosen:
            name = str(proposal.spec["name"])[:100]
            slug = free_slug(name, taken)
            taken.add(slug)
            made.append(edit.create_monitor(project, {**proposal.spec, "name": name, "slug": slug}, now))
    return made


def free_slug(name: str, taken: set[str]) -> str:
    """A slug made of the name that nobody has."""
    base = slugify(name.replace(".", "-").replace("/", "-"))[:54].strip("-") or "site"
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbered) if slug not in taken)
