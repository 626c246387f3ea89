"""Badges: the picture, and the JSON that shields.io reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

FORMATS = ("svg", "json", "shields")
COLORS = {"up": "#4c1", "late": "#fe7d37", "down": "#e05d44"}  # as the badges beside it on a page
SHIELDS = {"up": "success", "late": "important", "down": "critical"}
_NARROW, _WIDE = frozenset("fijlrtI1-.,:;!'|()[]/ "), frozenset("mwMWGOQ@%&+")
_PAD = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """How checks are together: up, late or down, and how many of them."""

    status: str
    total: int
    grace: int
    down: int


def sum_up(statuses: Iterable[str], with_late: bool) -> Summary:
    """Of new, up, grace, down and paused. Without ``with_late`` a late one is up."""
    found = list(statuses)
    grace, down = found.count("grace"), found.count("down")
    status = "down" if down else "late" if grace and with_late else "up"
    return Summary(status, len(found), grace, down)


def shields_object(label: str, status: str) -> dict[str, Any]:
    return {"schemaVersion": 1, "label": label, "message": status, "color": SHIELDS[status]}


def summary_object(summary: Summary) -> dict[str, Any]:
    return {
        "status": summary.status,
        "total": summary.total,
        "grace": summary.grace,
        "down": summary.down,
    }


def width_of(text: str) -> int:
    """About as many pixels as Verdana needs at 11 px; the picture then fits the letters to it."""
    return sum(4 if letter in _NARROW else 10 if letter in _WIDE else 7 for letter in text)


def picture(label: str, status: str) -> str:
    """The badge as SVG: the label on grey, the status on its colour."""
    left, right = width_of(label), width_of(status)
    split, whole = left + _PAD, left + right + 2 * _PAD
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" '
        f'aria-label="{escape(label)}: {status}">',
        f"<title>{escape(label)}: {status}</title>",
        f'<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>',
        f'<g clip-path="url(#r)"><rect width="{split}" height="20" fill="#555"/>',
        f'<rect x="{split}" width="{right + _PAD}" height="20" fill="{COLORS[status]}"/></g>',
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">',
        f'<text x="{_PAD / 2:g}" y="14" textLength="{left}">{escape(label)}</text>',
        f'<text x="{split + _PAD / 2:g}" y="14" textLength="{right}">{status}</text></g></svg>',
    )
    return "".join(parts) + "\n"
