"""WHOIS (RFC 3912), for registries without RDAP, when asked for: the widely used form, no guesses."""

from __future__ import annotations

import re
from time import monotonic
from typing import Any

from watchpost.kinds.domain.rdap import moment, status
from watchpost.outbound import Failure, Outbound, ResolveFailure

_MOST = 64 * 1024
_LINE = re.compile(r"^[ \t]*([A-Za-z /]{3,40}):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_DATES = {"registry expiry date": "expires", "creation date": "registered", "updated date": "changed"}


async def ask(name: str, outbound: Outbound, ends: float, resolver: int, port: int = 43) -> dict[str, Any]:
    """The facts of one look, as those of RDAP. The server is ``<suffix>.whois-servers.net``, kept by hand."""
    host = f"{name.rpartition('.')[2]}.whois-servers.net"
    found = (await outbound.look_up(host, "any", resolver, ends)).answer
    if isinstance(found, ResolveFailure):
        if found.kind in ("nxdomain", "no_data"):
            return {"answer": "no_service"}
        return {"answer": "failed", "why": found.sentence}
    timeout_s = max(0.05, ends - monotonic())
    said = await outbound.ask_line(found.addresses[0], port, f"{name}\r\n".encode(), timeout_s, _MOST)
    if isinstance(said, Failure):
        return {"answer": "failed", "why": said.sentence, "server": host}
    return {"server": host, **read(said, name)}


def read(said: bytes, name: str) -> dict[str, Any]:
    """What ``Registry Expiry Date:`` and its neighbours say; silence is no "not registered"."""
    text = said.decode("utf-8", "replace").replace("\r", "")
    rows = [(key.strip().lower(), value) for key, value in _LINE.findall(text)]
    if not any(key == "domain name" and value.lower().rstrip(".") == name for key, value in rows):
        return {"answer": "failed", "why": "the WHOIS answer cannot be read"}
    facts: dict[str, Any] = {"name": name, "statuses": [], "name_servers": []}
    for key, value in rows:
        if key in _DATES and (at := moment(value)) is not None:
            facts.setdefault(_DATES[key], at.isoformat())
        elif key == "domain status":
            facts["statuses"].append(status(value.split()[0]))
        elif key == "registrar":
            facts.setdefault("registrar", value[:120])
        elif key == "registrar iana id":
            facts.setdefault("registrar_id", value[:20])
        elif key == "name server":
            facts["name_servers"].append(value.lower().rstrip(".")[:120])
    facts["statuses"] = sorted(set(facts["statuses"]))[:20]
    facts["name_servers"] = sorted(set(facts["name_servers"]))[:20]
    return {"answer": "known", "registration": facts}
