"""From the facts of a look to findings: explanations first, symptoms for what they do not explain. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from watchpost.core.types import Finding, Observation, Past, Verdict
from watchpost.kinds.assets import words
from watchpost.kinds.assets.asset import is_hashed
from watchpost.kinds.assets.config import AssetsConfig

Facts = Mapping[str, Any]
_MANY = 3


def judge(
    config: AssetsConfig, seen: Observation, _baseline: Mapping[str, Any], _past: Past, _now: datetime
) -> Verdict:
    """Always conclusive: a page that does not answer is a finding of its own, for without evidence of a
    fault of ours a failure is the target's, and a monitor that sees nothing must not stay green."""
    joins = _joins(config, seen)
    return Verdict(tuple(replace(one, joins=joins) for one in _findings(config, seen.facts)))


def _joins(config: AssetsConfig, seen: Observation) -> tuple[str, ...]:
    hosts = [config.place.host]
    if "failure" in seen.facts:
        hosts.append(seen.facts["failure"]["host"])
    hosts += [_host(row["url"]) for row in seen.facts.get("broken", ())]
    names = tuple(dict.fromkeys(f"host:{host}" for host in hosts if host))[:10]
    return (*names, f"addr:{seen.address}") if seen.address else names


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # an address nobody can read is a finding, too
        return ""


def _findings(config: AssetsConfig, facts: Facts) -> Iterator[Finding]:
    if "looked" not in facts:
        yield words.page_failed(config, facts)
        return
    explained: Counter[str] = Counter()
    told: list[tuple[str, bool]] = []
    for folder in facts.get("folders", ()):
        finding, classes = _explain(config, facts, folder)
        if finding is not None:
            explained.update(classes)
            told.append((folder["url"], classes is folder["hashed_classes"]))
            yield finding
    for what, classes in facts.get("wrong", {}).items():
        rows = [row for row in facts["broken"] if row["what"] == what]
        if what == "missing":
            rows = [row for row in rows if not _is_told(row["url"], told)]
        for name, count in classes.items():
            left = count - (explained[name] if what == "missing" else 0)
            if left > 0:
                yield words.broken(config, facts, what, name, left, rows)
    yield from _notes(config, facts)


def _is_told(url: str, told: list[tuple[str, bool]]) -> bool:
    """Whether an explanation covers this missing file: of the folder, and hashed if only those are meant."""
    return any(url.startswith(folder) and (is_hashed(url) or not hashed) for folder, hashed in told)


def _explain(config: AssetsConfig, facts: Facts, folder: Facts) -> tuple[Finding | None, Mapping[str, int]]:
    """What a folder's missing files have in common, and how many of each class that explains.

    All of a folder that holds stylesheets or scripts, or (nearly) all with a hash in their name: never
    collected. Some with a hash while others are there: two versions. Otherwise nothing."""
    gone, hashed = folder["hashed_missing"], folder["hashed"]
    if folder["missing"] == folder["files"] >= 2 and folder["classes"].get("heavy"):
        return words.not_collected(config, facts, folder, folder["classes"]), folder["classes"]
    if gone == hashed >= 2 or (gone >= _MANY and 2 * gone >= hashed):
        return words.not_collected(config, facts, folder, folder["hashed_classes"]), folder["hashed_classes"]
    if 0 < gone < hashed:
        return words.stale(config, facts, folder), folder["hashed_classes"]
    return None, {}


def _notes(config: AssetsConfig, facts: Facts) -> Iterator[Finding]:
    if not facts["found"]:
        yield words.none(config, facts)
    if "unasked" in facts:
        yield words.unfinished(config, facts)
    if "too_large" in facts:
        yield words.too_large(config, facts)
    if "not_cached" in facts:
        yield words.not_cached(config, facts)
    if facts["found"] > config.most:
        yield words.too_many(config, facts)
