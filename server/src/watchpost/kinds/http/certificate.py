"""The facts of a served certificate: small, whatever stands in it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from watchpost.outbound import Certificate

_MOST_NAMES = 10


def describe(host: str, leaf: Certificate, at: datetime) -> dict[str, Any]:
    """What ``host`` serves: until when, by whom, for whom, and which one it is (SHA-256); read at ``at``."""
    facts: dict[str, Any] = {
        "host": host,
        "not_after": leaf.not_after.isoformat(),
        "issuer": leaf.issuer[:200],
        "names": [name[:100] for name in leaf.sans[:_MOST_NAMES]],
        "fingerprint": leaf.fingerprint,
        "read_at": at.isoformat(),
    }
    if len(leaf.sans) > _MOST_NAMES:
        facts["more_names"] = len(leaf.sans) - _MOST_NAMES
    return facts
