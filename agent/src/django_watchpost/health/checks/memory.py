"""Memory: of the container against its limit, else of the machine; and of this process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_watchpost.health.contract import Check, Result, degraded, ok
from django_watchpost.health.probing.memory_of import Memory as Reading
from django_watchpost.health.probing.memory_of import read_memory, read_rss


@dataclass(kw_only=True)
class Memory(Check):
    """What is used of what there is, without what the kernel gives back at need (the cache of files).

    ``degraded_from``: percent.
    """

    id: str = "memory"
    critical: bool = False
    interval: float = 30.0
    degraded_from: float = 90.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        if read_memory(Path("/")) is not None:
            yield cls()

    def run(self) -> Result:
        memory = read_memory(Path("/"))
        if memory is None:
            return ok("Neither a limit nor the memory of the machine can be read.")
        return judge(memory, read_rss(Path("/")), self.degraded_from)


def judge(memory: Reading, rss: int, degraded_from: float) -> Result:
    """``rss``: bytes of this process."""
    details = {
        "used_mb": round(memory.used / 1e6),
        "total_mb": round(memory.total / 1e6),
        "rss_mb": round(rss / 1e6, 1),
        "of": memory.whose,
    }
    figures: dict[str, Any] = {"observed": memory.percent, "unit": "%", "details": details}
    if memory.percent < degraded_from:
        return ok(**figures)
    used = f"{memory.used / 1e6:.0f} of {memory.total / 1e6:.0f} MB ({memory.percent:g} %)"
    mine = f"this process (pid {os.getpid()}) has {rss / 1e6:.0f} MB"
    if memory.is_limit:
        return degraded(
            f"The container uses {used} of its memory limit; {mine}. At the limit the kernel kills a "
            "process.",
            code="memory.limit_near",
            fix="Fewer workers, or a higher limit. Does it grow with time? Let gunicorn renew its workers "
            "(max_requests with max_requests_jitter), and look for what is kept in module-level variables.",
            **figures,
        )
    return degraded(
        f"The machine uses {used} of its memory; {mine}.",
        code="memory.high",
        fix="See who has it (ps aux --sort -rss | head): fewer workers, max_requests for gunicorn, or a "
        "larger machine. Without room the kernel kills the largest process.",
        **figures,
    )
