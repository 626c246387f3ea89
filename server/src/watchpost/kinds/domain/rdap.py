"""What an RDAP answer about a domain says (RFC 9083), as small facts. Pure.

``read`` gives ``name``, ``expires``, ``registrar_expires``, ``registered``, ``changed``, ``transferred``
(ISO, UTC), ``statuses`` in RDAP's spelling, ``registrar``, ``registrar_id`` (IANA's), ``name_servers``,
``dnssec``, ``related`` (the registrar's own RDAP).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

_EVENTS = {
    "expiration": "expires",
    "registration": "registered",
    "last changed": "changed",
    "transfer": "transferred",
    "registrar expiration": "registrar_expires",
}
_MOST = 20
_LONG = 120
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class NotRdap(ValueError):
    """The answer is not about this domain. The text is the end of a sentence."""


def read(body: bytes, name: str) -> dict[str, Any]:
    """The facts of one answer. Raises NotRdap."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise NotRdap("the answer is not JSON") from None
    if not isinstance(data, dict) or data.get("objectClassName") != "domain":
        raise NotRdap("the answer is JSON, but not about a domain")
    said = _text(data.get("ldhName")).rstrip(".").lower()
    if said and said != name:
        raise NotRdap(f"the answer is about {said}")
    facts: dict[str, Any] = {"name": name, **_dates(data)}
    facts["statuses"] = sorted({status(text) for text in _texts(data.get("status"))})[:_MOST]
    facts |= _registrar(data)
    servers = {_text(one.get("ldhName")).rstrip(".").lower() for one in _objects(data.get("nameservers"))}
    facts["name_servers"] = sorted(servers - {""})[:_MOST]
    secure = data.get("secureDNS")
    if isinstance(secure, dict) and isinstance(secure.get("delegationSigned"), bool):
        facts["dnssec"] = secure["delegationSigned"]
    for link in _objects(data.get("links")):
        if link.get("rel") == "related" and f"/domain/{name}" in _text(link.get("href"), 500).lower():
            facts["related"] = _text(link["href"], 500)
            break
    return facts


def status(text: str) -> str:
    """``client transfer prohibited``, also of EPP's ``clientTransferProhibited`` (RFC 8056)."""
    words = " ".join(_CAMEL.sub(" ", text.strip()).lower().split())
    return {"ok": "active"}.get(words, words)


def moment(text: Any) -> datetime | None:
    """A date of RFC 3339, aware UTC; one without a zone is taken as UTC. None: it cannot be read."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if 1980 <= at.year <= 2200 else None


def _dates(data: Mapping[str, Any]) -> dict[str, str]:
    """Of two ends the earlier counts: who warns too early can be told so, who warns too late cannot."""
    found: dict[str, str] = {}
    for event in _objects(data.get("events")):
        key = _EVENTS.get(_text(event.get("eventAction")).lower())
        at = moment(event.get("eventDate"))
        if key is None or at is None:
            continue
        said = at.isoformat()
        better = min if key in ("expires", "registrar_expires", "registered") else max
        found[key] = better(found[key], said) if key in found else said
    return found


def _registrar(data: Mapping[str, Any]) -> dict[str, str]:
    for entity in _objects(data.get("entities")):
        if "registrar" not in _texts(entity.get("roles")):
            continue
        facts = {"registrar": _full_name(entity.get("vcardArray")) or _text(entity.get("handle"))}
        for one in _objects(entity.get("publicIds")):
            if "iana" in _text(one.get("type")).lower():
                facts["registrar_id"] = _text(one.get("identifier"))
        return {key: value for key, value in facts.items() if value}
    return {}


def _full_name(card: Any) -> str:
    """``fn`` of a jCard (RFC 7095)."""
    rows = card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else []
    for row in rows:
        if isinstance(row, list) and len(row) > 3 and row[0] == "fn":
            return _text(row[3])
    return ""


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value[:200] if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _texts(value: Any) -> list[str]:
    return [_text(one) for one in value[:200] if isinstance(one, str)] if isinstance(value, list) else []


def _text(value: Any, most: int = _LONG) -> str:
    return "".join(c for c in value if c.isprintable())[:most].strip() if isinstance(value, str) else ""
