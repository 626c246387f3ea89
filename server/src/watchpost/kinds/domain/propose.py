"""What of a site, or of a name come across, is a registration. Pure."""

from __future__ import annotations

from typing import Any

from watchpost.kinds.domain.config import DomainConfig
from watchpost.registry.site import Proposal, Site
from watchpost.registry.suffix import is_outside, registered_domain


def propose(site: Site) -> tuple[Proposal, ...]:
    if site.domain is None or site.home.kind == "nxdomain" or not is_outside(site.domain):
        return ()
    why = f"Everything at {site.host} ends when {site.domain} is not renewed, moved or put on hold."
    return (Proposal(_spec(site.domain), why),)


def covers(config: DomainConfig) -> tuple[str, ...]:
    return (f"domain:{config.name}",)


def under(host: str) -> str | None:
    """The registration that a host stands on."""
    try:
        found = registered_domain(host)
    except ValueError:
        return None
    return f"domain:{found}" if found and is_outside(found) else None


def watch(name: str) -> dict[str, Any]:
    return _spec(name)


def _spec(name: str) -> dict[str, Any]:
    return {"name": f"Domain {name}", "kind": "domain", "domain": name, "interval": "6h"}
