"""Checks as an application might write them: good, slow, broken and hostile."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from django_watchpost.health import Check, Result, degraded, error, ok

release = threading.Event()  # lets what hangs go on
runs: list[str] = []


@dataclass(kw_only=True)
class Fine(Check):
    id: str = "fine"
    tags: tuple[str, ...] = ("ready",)

    def run(self) -> Result:
        runs.append(self.id)
        return ok("All is well.", observed=12.5, unit="ms", details={"where": "here"})


@dataclass(kw_only=True)
class Hangs(Check):
    id: str = "hangs"
    timeout: float = 0.5

    def run(self) -> Result:
        runs.append(self.id)
        release.wait(30)
        return ok()


@dataclass(kw_only=True)
class HangsAsync(Check):
    id: str = "hangs-async"
    timeout: float = 0.5

    async def run(self) -> Result:
        await asyncio.to_thread(release.wait, 30)
        return ok()


@dataclass(kw_only=True)
class Broken(Check):
    id: str = "broken"

    def run(self) -> Result:
        return error("It is broken.", code="shop.broken", fix="Mend it.")


@dataclass(kw_only=True)
class Raises(Check):
    id: str = "raises"

    def run(self) -> Result:
        raise ConnectionError("redis://:hunter2@cache:6379 refused")


@dataclass(kw_only=True)
class Exits(Check):
    id: str = "exits"

    def run(self) -> Result:
        sys.exit("goodbye")


@dataclass(kw_only=True)
class Nonsense(Check):
    id: str = "nonsense"

    def run(self) -> Result:
        return "fine"  # type: ignore[return-value]


@dataclass(kw_only=True)
class Slow(Check):
    id: str = "slow"
    critical: bool = False

    def run(self) -> Result:
        return degraded("It is slow.")


@dataclass(kw_only=True)
class Odd(Check):
    """Says what JSON cannot hold, and what is no text."""

    id: str = "odd"
    critical: bool = False

    def run(self) -> Result:
        odd: dict[str, object] = {"ratio": float("nan"), "file": "caf\udce9.txt"}
        fix = gettext_lazy("Rename it, and not by password=hunter2.")
        return degraded("caf\udce9.txt is there.", observed=float("inf"), unit="%", details=odd, fix=fix)


@dataclass(kw_only=True)
class Careless(Check):
    """Fields of the wrong kinds, as people write them."""

    id: str = "careless"
    interval: float = "60"  # type: ignore[assignment]
    timeout: float = None  # type: ignore[assignment]
    tags: tuple[str, ...] = None  # type: ignore[assignment]

    def run(self) -> Result:
        return ok()


@dataclass(kw_only=True)
class Numbered(Check):
    id: str = 5  # type: ignore[assignment]

    def run(self) -> Result:
        return ok()
