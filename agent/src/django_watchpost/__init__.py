"""Watchpost's agent: runs inside a Django application and never harms it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_watchpost.heartbeats.run import heartbeat as heartbeat

__version__ = "0.1.0"
__all__ = ["heartbeat"]


def __getattr__(name: str) -> Any:
    """Loaded when it is used: this package is imported before Django is ready."""
    if name == "heartbeat":
        from django_watchpost.heartbeats.run import heartbeat

        return heartbeat
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
