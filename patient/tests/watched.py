"""What the product, as it is here, can name. A fault whose finding nobody makes yet is told as such."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import django_watchpost
from patient.faults import Fault
from watchpost.codes import catalogue

# What a look from outside finds by itself.
_OUTSIDE = ("site", "static", "tls", "tcp", "health", "dns", "domain", "heartbeat")


def named(fault: Fault) -> tuple[str, ...]:
    """Which of the fault's codes somebody can find: the server knows it, and so does the agent if it is
    found inside."""
    return tuple(code for code in fault.codes if code in catalogue() and (_is_seen(code) or _is_told(code)))


def _is_seen(code: str) -> bool:
    return code.split(".")[0] in _OUTSIDE


def _is_told(code: str) -> bool:
    return code in _told()


@cache
def _told() -> frozenset[str]:
    """Every code that stands in the agent's source."""
    folder = Path(django_watchpost.__file__).parent
    texts = (file.read_text() for file in folder.rglob("*.py"))
    return frozenset(code for text in texts for code in re.findall(r'"([a-z]+\.[a-z_]+)"', text))
