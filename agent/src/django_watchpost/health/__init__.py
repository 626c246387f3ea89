"""Health checks that run in the background, and an endpoint that only reads their last results."""

from django_watchpost.health.contract import Check, Result, Status, degraded, error, ok

__all__ = ["Check", "Result", "Status", "degraded", "error", "ok"]
