"""Configurations of heartbeats, each read once: validating one takes half a millisecond, and a batch of
pings, a page and a client's list ask for a thousand. Kept by code and revision: an id may come again, a code
may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.config.secret import unseal_all
from watchpost.kinds.heartbeat.config import HeartbeatConfig

MOST = 20_000
_kept: dict[tuple[str, int], HeartbeatConfig] = {}


def known_config(code: str, revision: int) -> HeartbeatConfig | None:
    """``code`` is the uuid's 32 digits. None: ``read_config`` has not read it, or has let it go."""
    return _kept.get((code, revision))


def read_config(code: str, revision: int, sealed: Mapping[str, Any]) -> HeartbeatConfig:
    """``sealed`` is the configuration as it is stored. Raises ValueError when it cannot be used any more."""
    found = known_config(code, revision)
    if found is None:
        found = HeartbeatConfig.model_validate(unseal_all(sealed))
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[code, revision] = found
    return found
