"""Checks for real servers: one that works and counts itself, one that hangs for good."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from django.db import connection

from django_watchpost.health import Check, Result, ok

HANGS_S = 300


@dataclass(kw_only=True)
class Counts(Check):
    """``observed``: how often it ran in this process."""

    id: str = "counts"
    interval: float = 0.5
    runs: int = 0

    def run(self) -> Result:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self.runs += 1
        return ok(observed=self.runs, details={"pid": os.getpid()})


@dataclass(kw_only=True)
class Hangs(Check):
    id: str = "hangs"
    critical: bool = False
    interval: float = 1.0
    timeout: float = 1.0

    def run(self) -> Result:
        time.sleep(HANGS_S)
        return ok()
