"""What was asked aside, as a table on a monitor's page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.history import chains_of
from watchpost.kinds.tls.options import spoken
from watchpost.kinds.tls.words import day
from watchpost.registry import Panel

Facts = Mapping[str, Any]


def told_panels(config: TlsConfig, facts: Facts) -> tuple[Panel, ...]:
    """Silence is shown here, with its reason, and nowhere else: it is no trouble of the site."""
    rows = tuple(row for row in _rows(config, facts) if row[1])
    return (Panel("Asked aside", rows),) if rows else ()


def _rows(config: TlsConfig, facts: Facts) -> Iterator[tuple[str, str]]:
    first = next(iter(chains_of(facts)), None)
    if first is not None:
        leaf = first["fingerprint"]
        if config.revocation == "auto":
            yield "Revoked", _revocation(facts.get("revocation", {}).get(leaf))
        if config.renewal_info == "auto":
            yield "To be renewed", _renewal(facts.get("renewal", {}).get(leaf))
    said = facts.get("versions", {}) if config.protocols == "scan" else {}
    if said:
        yield "Accepts", _list(said["accepts"])
        yield "Refuses", _list(said["refuses"])
        unknown = said.get("unknown", {})
        yield "Not known", "; ".join(f"{spoken(version)}: {why}" for version, why in unknown.items())


def _revocation(said: Facts | None) -> str:
    if said is None:
        return ""
    of = f"{said['authority']}: " if "authority" in said else ""
    if said["state"] == "good":
        return f"no, says the list of {said['by']} of {day(said['of'])}"
    if said["state"] == "revoked":
        return f"{of}on {day(said['at'])}, {said['reason']}"
    return f"{of}not known: {said['why']}" if said["state"] == "unknown" else f"not known: {said['why']}"


def _renewal(said: Facts | None) -> str:
    if said is None:
        return ""
    if "start" not in said:
        return f"not known: {said['by']}: {said['why']}"
    return f"from {day(said['start'])} to {day(said['end'])}, says {said['by']}"


def _list(versions: Any) -> str:
    return ", ".join(map(spoken, versions))
