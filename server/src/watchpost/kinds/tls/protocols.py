"""Which versions of TLS one address accepts: a handshake for each that was not seen anyway."""

from __future__ import annotations

from typing import Any

from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.options import VERSIONS
from watchpost.outbound import Handshake, Knock, Outbound

_REFUSED = frozenset({"handshake", "closed", "reset"})  # some hang up without a word


async def scan(
    config: TlsConfig, address: str, spoken: str, outbound: Outbound, deadline_s: float
) -> dict[str, Any]:
    """``accepts``, ``refuses``, and ``unknown`` with why. One after another: servers limit who knocks too
    often. SSL 3.0 is not tried, no OpenSSL of today can. Raises only on cancellation."""
    found: dict[str, Any] = {"at": address, "accepts": [], "refuses": []}
    for version in VERSIONS:
        if version == spoken:
            found["accepts"].append(version)
            continue
        knock = Knock(
            config.name, address, config.door, config.starttls, "", deadline_s / len(VERSIONS), version
        )
        says = _read(await outbound.shake(knock), version)
        if says in ("accepts", "refuses"):
            found[says].append(version)
        else:
            found.setdefault("unknown", {})[version] = says[:200]
    return found


def _read(shaken: Handshake, version: str) -> str:
    """``accepts``, ``refuses``, or why neither is known."""
    failure = shaken.failure
    if failure is None:
        return "accepts" if shaken.protocol == version else "refuses"
    if shaken.chain:  # it showed its certificate and then wanted ours
        return "accepts"
    return "refuses" if failure.phase == "tls" and failure.kind in _REFUSED else failure.sentence
