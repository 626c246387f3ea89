"""Our checks in django-health-check's view, 3 and 4: for whoever keeps its address while moving.

Version 4, in the URLconf::

    HealthCheckView.as_view(checks=watchpost_checks())

Version 3, in an ``AppConfig.ready()``::

    register_watchpost_checks()

Both show the last results of our runner: a hit costs nothing, and a warning does not fail the whole page
unless that package says so.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from health_check.exceptions import ServiceUnavailable, ServiceWarning

from django_watchpost.conf import read_conf
from django_watchpost.health.answer import FIRST_S
from django_watchpost.health.contract import Status
from django_watchpost.health.process import gather, watching

try:  # version 4
    from health_check.base import HealthCheck as _Base

    IS_FOUR = True
except ImportError:
    from health_check.backends import HealthCheck as _Base

    IS_FOUR = False


@dataclasses.dataclass
class Watchpost(_Base):  # type: ignore[misc]
    """What our check ``check`` said last, raised as that package wants it."""

    check: str = "database"

    def run(self) -> None:
        """Version 4."""
        self.check_status()

    def check_status(self) -> None:
        """Version 3."""
        runner = watching().runner
        runner.wait([self.check], FIRST_S)
        reading = runner.snapshot.readings.get(self.check)
        if reading is None:
            raise ServiceUnavailable(f"there is no check {self.check!r}")
        result = reading.result
        words = result.message or f"{self.check} is {result.status.value}"
        if result.status is Status.ERROR and reading.check.critical:
            raise ServiceUnavailable(words)
        if result.status in (Status.ERROR, Status.DEGRADED):
            raise ServiceWarning(words)

    def __repr__(self) -> str:
        return f"Watchpost(check={self.check!r})"


def watchpost_checks(group: str = "all") -> list[tuple[type[Watchpost], dict[str, Any]]]:
    """Every check of a group, as ``HealthCheckView.as_view(checks=...)`` takes them (version 4)."""
    return [(Watchpost, {"check": name}) for name in gather(read_conf()).groups[group]]


def register_watchpost_checks(group: str = "all") -> None:
    """Every check of a group, registered as a plugin (version 3)."""
    from health_check.plugins import plugin_dir

    for name in gather(read_conf()).groups[group]:
        plugin_dir.register(Watchpost, check=name)
