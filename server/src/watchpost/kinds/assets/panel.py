"""What the page of an assets monitor shows: what was looked at, and what is wrong with which file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.words import NAMES
from watchpost.registry import Panel
from watchpost.registry.shown import shown

_MOST_FILES = 20
_MOST_HOSTS = 8


def panels(config: AssetsConfig, facts: Mapping[str, Any], baseline: Mapping[str, Any]) -> tuple[Panel, ...]:
    looked = tuple(_looked(facts))
    broken = facts.get("broken", ())
    files = tuple((shown(row["url"]), _wrong(row)) for row in broken[:_MOST_FILES])
    more = f"The first {_MOST_FILES} of {len(broken)}." if len(broken) > _MOST_FILES else ""
    return (
        *([Panel("Files of the page", looked)] if looked else []),
        *([Panel("Wrong files", files, more)] if files else []),
    )


def _looked(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    counts = facts.get("looked")
    if counts is None:
        return
    yield "Looked at", ", ".join(f"{count} {NAMES[name]}" for name, count in counts.items()) or "none"
    if left := facts.get("found", 0) - sum(counts.values()):
        yield "Left out", f"{left}: more than the most that are looked at, or there was no time"
    if hosts := facts.get("hosts"):
        yield "Other hosts", _some(hosts)
    if elsewhere := facts.get("elsewhere"):
        yield "Elsewhere", f"{elsewhere} of other sites are not looked at"


def _some(hosts: Sequence[str]) -> str:
    more = len(hosts) - _MOST_HOSTS
    return ", ".join(hosts[:_MOST_HOSTS]) + (f" and {more} more" if more > 0 else "")


def _wrong(row: Mapping[str, Any]) -> str:
    said = [str(row["what"]).replace("_", " ")]
    if row.get("status"):
        said.append(f"answers {row['status']}")
    if row.get("why"):
        said.append(str(row["why"]))
    return ", ".join(said)
