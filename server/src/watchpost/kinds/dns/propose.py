"""Which names of a site have records worth remembering. Pure."""

from __future__ import annotations

from watchpost.registry.site import Proposal, Site
from watchpost.registry.suffix import is_outside


def propose(site: Site) -> tuple[Proposal, ...]:
    """The domain, and the host where that is another name. What they hold is learned at the first look."""
    if site.domain is None or site.home.kind == "nxdomain" or not is_outside(site.domain):
        return ()
    why = "Who changes its name servers or records has the site and its mail; it is told what went and came."
    found = [Proposal(_spec(site.domain), f"{site.host} stands on the records of {site.domain}. {why}")]
    if site.host != site.domain:
        found.append(Proposal(_spec(site.host), f"Visitors look up {site.host}."))
    return tuple(found)


def _spec(name: str) -> dict[str, str]:
    return {"name": f"DNS of {name}", "kind": "dns", "domain": name, "interval": "5m"}
