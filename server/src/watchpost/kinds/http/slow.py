"""Slow answers: one look, a run of looks, the slowest twentieth of a window. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from watchpost.core.types import Finding, Observation, Past
from watchpost.kinds.http.config import PHASES, HttpConfig
from watchpost.registry import PastNeed
from watchpost.registry.duration import show_duration

LEAST_LOOKS = 20
_FIX = {
    "total": "Compare the phases of this look: the one that grew says where to search.",
    "dns": "Ask the name servers of the domain directly; one of them is slow or far away.",
    "connect": "Look at the network and the load of the web server: connections wait to be accepted.",
    "tls": "Look at the load of the machine that does TLS, and at its certificate chain and OCSP.",
    "wait": "The application thinks for too long: look at slow queries, busy workers and its last deploy.",
    "transfer": "The page is large or the line is slow: compress it, shrink it, or look at the bandwidth.",
}
_DOES = {
    "dns": "the name look-up took",
    "connect": "connecting took",
    "tls": "the TLS handshake took",
    "wait": "the first byte took",
    "transfer": "the transfer took",
}


def need(config: HttpConfig) -> PastNeed:
    """The past that ``judge_times`` wants; an hour is enough for a run of slow looks."""
    expect = config.expect
    if expect.p95_ms is not None:
        return PastNeed(window_s=expect.p95_window)
    # A run of n looks: a day covers a hundred looks at any usual interval.
    return PastNeed(window_s=86_400.0 if expect.slow_in_row else 0.0)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def judge_times(config: HttpConfig, seen: Observation, past: Past) -> Iterator[Finding]:
    """Every limit that this look breaks. ``past`` holds earlier looks only."""
    expect = config.expect
    joins = (f"host:{config.place.host}", f"addr:{seen.address}")
    url = config.place.url
    if expect.max_ms is not None and seen.total_ms > expect.max_ms:
        words = f"took {seen.total_ms:.0f} ms, more than the {expect.max_ms:g} ms allowed"
        yield Finding("site.slow.total", "total", f"{url} {words}.", _FIX["total"], joins=joins)
    if expect.phase_ms is not None:
        for phase in PHASES:
            limit, took = getattr(expect.phase_ms, phase), getattr(seen.phases, phase)
            if limit is not None and took > limit:
                words = f"{_DOES[phase]} {took:.0f} ms, more than the {limit:g} ms allowed"
                yield Finding(f"site.slow.{phase}", phase, f"{url}: {words}.", _FIX[phase], joins=joins)
    if expect.slow_in_row is not None:
        yield from _judge_run(config, seen, past, joins)
    if expect.p95_ms is not None:
        yield from _judge_p95(config, seen, past, joins)


def _judge_run(
    config: HttpConfig, seen: Observation, past: Past, joins: tuple[str, ...]
) -> Iterator[Finding]:
    rule = config.expect.slow_in_row
    if rule is None or seen.total_ms <= rule.ms or len(past.totals_ms) < rule.n - 1:
        return
    if all(total > rule.ms for total in past.totals_ms[len(past.totals_ms) - rule.n + 1 :]):
        sentence = f"{config.place.url} was slower than {rule.ms:g} ms in {rule.n} looks in a row."
        fix = "It is no single hiccup: look at load, slow queries and what was deployed when it began."
        yield Finding("site.slow.in_row", "in_row", sentence, fix, joins=joins)


def _judge_p95(
    config: HttpConfig, seen: Observation, past: Past, joins: tuple[str, ...]
) -> Iterator[Finding]:
    limit, window_s = config.expect.p95_ms, config.expect.p95_window
    if limit is None or len(past.totals_ms) + 1 < LEAST_LOOKS:
        return
    p95 = percentile([*past.totals_ms, seen.total_ms], 0.95)
    if p95 > limit:
        sentence = (
            f"One in twenty looks at {config.place.url} took {p95:.0f} ms or more in the last "
            f"{show_duration(window_s)}; the limit for p95 is {limit:g} ms."
        )
        fix = "Look at when it began and what changed then; the phases show which part grew."
        yield Finding("site.slow.p95", "p95", sentence, fix, joins=joins)
