"""The database: whether it answers, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from django.db import connections

from django_watchpost.health.contract import Check, Result, ok


@dataclass(kw_only=True)
class Database(Check):
    """A connection is made and ``SELECT 1`` comes back. Proves that a request could do the same."""

    id: str = "database"
    alias: str = "default"
    tags: tuple[str, ...] = ("ready",)
    interval: float = 10.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        for alias in connections:
            name = "database" if alias == "default" else f"database.{alias}"
            if connections.databases[alias]["ENGINE"] != "django.db.backends.dummy":
                yield cls(id=name, alias=alias, critical=alias == "default")

    def run(self) -> Result:
        began = perf_counter()
        with connections[self.alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        return ok(observed=round((perf_counter() - began) * 1000, 2), unit="ms")
