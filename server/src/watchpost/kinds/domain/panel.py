"""What the page of a domain monitor shows, and what of it ends on a date. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.judge import ends_at
from watchpost.kinds.domain.rdap import moment
from watchpost.registry import Ending, Panel
from watchpost.registry.shown import shown_name

Facts = Mapping[str, Any]


def panels(config: DomainConfig, facts: Facts, baseline: Facts) -> tuple[Panel, ...]:
    held = baseline.get("registration", {}) if baseline.get("name") == config.name else {}
    registration = facts.get("registration") or held
    rows = tuple((label, value) for label, value in _rows(config, registration, facts) if value)
    return (Panel("Registration", rows, _note(facts, baseline) if registration else ""),)


def _note(facts: Facts, baseline: Facts) -> str:
    """Of when it is, if not of the last look."""
    if facts.get("answer", "failed") == "known":
        return ""
    was = f"As it was on {str(baseline.get('at', ''))[:10] or 'an earlier day'}."
    if facts.get("answer") == "not_found":
        return f"{was} Now the registry says that it is not registered."
    why = f": {facts['why']}" if facts.get("why") else ""
    return f"{was} The last look brought no answer{why}."


def endings(config: DomainConfig, facts: Facts) -> tuple[Ending, ...]:
    """The registration's end, once it was looked at."""
    found = ends_at(config, facts.get("registration", {})) if facts else None
    if found is None:
        return ()
    return (
        Ending(f"domain:{config.name}", f"Registration of {shown_name(config.name)}", found[0], found[1]),
    )


def _rows(config: DomainConfig, registration: Facts, facts: Facts) -> Iterator[tuple[str, str]]:
    yield "Domain", shown_name(config.name)
    for label, key in (
        ("Ends", "expires"), ("Ends at the registrar", "registrar_expires"), ("Registered", "registered"),
        ("Changed", "changed"), ("Transferred", "transferred"),
    ):  # fmt: skip
        at = moment(registration.get(key))
        yield label, f"{at:%Y-%m-%d %H:%M} UTC" if at else ""
    yield "Ends, as told here", f"{config.manual:%Y-%m-%d}" if config.manual else ""
    number = str(registration.get("registrar_id", ""))
    yield "Registrar", str(registration.get("registrar", "")) + (f" (IANA {number})" if number else "")
    yield "Status", "\n".join(registration.get("statuses", ()))
    yield "Name servers", "\n".join(registration.get("name_servers", ()))
    if "dnssec" in registration:
        yield "DNSSEC", "signed" if registration["dnssec"] else "not signed"
    yield "Answer from", str(facts.get("server", ""))
    waited = f"{facts['waited_s']:g} s, for other monitors were asking it" if "waited_s" in facts else ""
    yield "Waited for our turn", waited
