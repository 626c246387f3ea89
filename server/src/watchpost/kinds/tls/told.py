"""What the answers from aside mean: revoked, to be replaced, accepting the old. Pure.

The baseline keeps, under ``told``, what was known of the leaves that are served: whoever cannot be asked
today, or was not asked yet since the start, has not changed its mind. Silence is no alarm and heals nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.tls import told_words as words
from watchpost.kinds.tls.config import TlsConfig, limit_s
from watchpost.kinds.tls.history import chains_of, moment, newest
from watchpost.kinds.tls.options import VERSIONS, openssl_name

Facts = Mapping[str, Any]
_USUALLY_AFTER = 0.45  # of the lifetime: Let's Encrypt begins at two thirds, at half for the short-lived
_MOVED = 0.05  # of the lifetime
_GRACE = timedelta(days=1)  # whoever renews runs once or twice a day
_GRACE_SHARE = 0.05


def remember(after: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The baseline with what this look was told. Nothing that changes from look to look goes in."""
    held: Facts = after.get("told", {})
    served = [one["fingerprint"] for one in chains_of(facts)]
    if not served:
        return dict(after)
    revoked, windows = dict(held.get("revoked", {})), dict(held.get("windows", {}))
    for leaf, said in facts.get("revocation", {}).items():
        if said["state"] == "revoked":
            revoked[leaf] = {name: said[name] for name in ("at", "reason", "authority") if name in said}
        elif said["state"] == "good":
            revoked.pop(leaf, None)
    for leaf, said in facts.get("renewal", {}).items():
        if "start" in said:
            first = windows.get(leaf, {}).get("first", said["start"])
            windows[leaf] = {**said, "first": max(first, said["start"])}
    told: dict[str, Any] = {
        "revoked": {leaf: one for leaf, one in revoked.items() if leaf in served},
        "windows": {leaf: one for leaf, one in windows.items() if leaf in served},
        "accepts": _accepts(held, facts),
    }
    told = {name: one for name, one in told.items() if one}
    rest = {name: one for name, one in after.items() if name != "told"}
    return rest | {"told": told} if told else rest


def _accepts(held: Facts, facts: Facts) -> list[str]:
    """What is not known of a version today is as it was."""
    said = facts.get("versions", {})
    unknown = set(said.get("unknown", {})) if said else set(VERSIONS)
    found = {*said.get("accepts", ()), *(unknown & set(held.get("accepts", ())))}
    return [version for version in VERSIONS if version in found]


def judge_told(config: TlsConfig, facts: Facts, after: Facts, now: datetime) -> Iterator[Finding]:
    told = after.get("told", {})
    if config.revocation == "auto":
        for chain in chains_of(facts):
            if chain["fingerprint"] in told.get("revoked", {}):
                yield words.revoked(config, chain, told["revoked"][chain["fingerprint"]])
    yield from _judge_versions(config, facts, told)
    leaf = newest(facts)
    if config.renewal_info == "auto" and leaf is not None:
        window = told.get("windows", {}).get(leaf["fingerprint"])
        if window is not None:
            yield from _judge_window(config, leaf, window, now)


def _judge_window(config: TlsConfig, leaf: Facts, window: Facts, now: datetime) -> Iterator[Finding]:
    begins, ends = moment(leaf["not_before"]), moment(leaf["not_after"])
    if now >= ends:
        return
    lifetime = ends - begins
    start, end = moment(window["start"]), moment(window["end"])
    moved = moment(window["first"]) - start >= max(lifetime * _MOVED, timedelta(hours=1))
    if moved or start < begins + lifetime * _USUALLY_AFTER:
        yield words.replace_early(config, leaf, window, now)
    elif now > end + min(_GRACE, lifetime * _GRACE_SHARE):
        left_s = (ends - now).total_seconds()
        if left_s >= limit_s(config.warn, lifetime.total_seconds()):  # later it expires soon, which says more
            yield words.window_over(config, leaf, window, left_s)


def _judge_versions(config: TlsConfig, facts: Facts, told: Facts) -> Iterator[Finding]:
    """With ``protocols: off`` by what was spoken, against ``min_protocol`` alone."""
    spoken = {one.get("protocol") for one in facts.get("addresses", {}).values()}
    accepted = spoken | (set(told.get("accepts", ())) if config.protocols == "scan" else set())
    oldest = openssl_name(config.min_protocol or "1.2")
    old = [one for one in VERSIONS[: VERSIONS.index(oldest)] if one in accepted]
    if old and (config.protocols == "scan" or config.min_protocol):
        yield words.accepts_old(config, old)
