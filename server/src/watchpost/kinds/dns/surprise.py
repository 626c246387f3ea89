"""The sentences about what is not as it was: what went, what came, and how to take it in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchpost.core.types import Finding
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.history import PARENT, contrast, difference
from watchpost.kinds.dns.words import listed

_ACCEPT = "If you changed them, press “This is expected” on its page."


def _diff(known: Sequence[str], served: Sequence[str]) -> str:
    went, came = contrast(*difference(known, served))
    parts = (f"{listed(went)} went" if went else "", f"{listed(came)} came" if came else "")
    return ", ".join(part for part in parts if part)


def name_servers_changed(zone: str, changed: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> Finding:
    """``changed``: for NS and the parent's list what was known and what is served."""
    parts = {where: _diff(*both) for where, both in changed.items()}
    if len(parts) == 2 and len(set(parts.values())) == 1:
        said = f"{next(iter(parts.values()))}, at the parent and in the zone"
    else:
        names = {PARENT: "at the parent", "NS": "in the zone"}
        said = "; ".join(f"{names[where]} {diff}" for where, diff in parts.items())
    return Finding(
        "dns.name_servers_changed",
        zone,
        f"The name servers of {zone} have changed: {said}.",
        f"{_ACCEPT} If nobody did, sign in at the registrar now, restore them and change its password: "
        "whoever names the "
        "servers decides where web and mail go.",
    )


def ds_changed(zone: str, known: Sequence[str], served: Sequence[str]) -> Finding:
    how = (
        "is gone, so the zone is no longer protected by DNSSEC"
        if not served
        else f"has changed: {_diff(known, served)}"
    )
    if not known:
        how = f"is new: {listed(served)}"
    return Finding(
        "dns.ds_changed",
        zone,
        f"The DS record of {zone} at its parent {how}.",
        "If you changed the key, press “This is expected” on its page. If nobody did, sign in at the "
        "registrar now and "
        "restore it: it says which keys may speak for the domain.",
    )


def records_changed(config: DnsConfig, rdtype: str, known: Sequence[str], served: Sequence[str]) -> Finding:
    """Severe is what takes visitors or mail away: no address, no mail server any more."""
    lost = bool(known) and not served and rdtype in ("A", "AAAA", "CNAME", "MX")
    said = f"all are gone ({listed(known)})" if known and not served else _diff(known, served)
    return Finding(
        "dns.records_gone" if lost and rdtype in ("A", "MX") else "dns.records_changed",
        f"{rdtype} of {config.name}",
        f"The {rdtype} records of {config.name} have changed: {said}.",
        f"{_ACCEPT} If nobody did, restore them at the DNS provider and look who has access to it.",
    )
