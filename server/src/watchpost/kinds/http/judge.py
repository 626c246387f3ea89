"""Compares what was seen with what was expected. Pure: no clock, no sockets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from watchpost.codes import severity_of
from watchpost.core.types import Finding, Observation, Past, Severity, Verdict
from watchpost.kinds.http import every, slow, version, words
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]
_QUIET = {"status", "bytes", "http"}


def judge(
    config: HttpConfig, seen: Observation, _baseline: Mapping[str, Any], past: Past, _now: datetime
) -> Verdict:
    """The findings of one look; with ``ip: both`` a part per family, too. Addresses are no parts:
    those of a cloud come and go, and would leave tracks for ever."""
    if config.http_version == "3" and (unable := _unable(seen.facts)) is not None:
        return Verdict(conclusive=False, note=version.unable(unable))
    families = seen.facts.get("families")
    parts: dict[str, Severity | None] = {}
    findings: tuple[Finding, ...]
    if seen.facts.get("addresses"):
        findings = every.judge(
            config, seen.facts, lambda one, at: tuple(_judge_answer(config, one, at, seen.excerpt))
        )
    elif families is None and _is_quiet(config, seen.facts):
        findings = ()
    elif families is None:
        findings = tuple(_judge_answer(config, seen.facts, seen.address, seen.excerpt))
    else:
        findings, parts = _judge_families(config, families, seen.excerpt)
    if not any("failure" in facts for facts in _answers(seen.facts)):
        findings += tuple(slow.judge_times(config, seen, past))
    return Verdict(findings, parts=parts)


def _is_quiet(config: HttpConfig, facts: Facts) -> bool:
    """The usual case, decided cheaply: a good status and nothing else to say."""
    expect = config.expect
    return (
        facts.keys() == _QUIET
        and facts["status"] in config.accepted
        and expect.min_bytes is None
        and expect.max_bytes is None
        and not expect.https
        and config.http_version not in ("2", "3")
    )


def _unable(facts: Facts) -> str | None:
    """What our own libcurl cannot do is no fault of the site."""
    failures = [one["failure"] for one in _answers(facts) if "failure" in one]
    return next((one["sentence"] for one in failures if one["kind"] == "unable"), None)


def _answers(facts: Facts) -> list[Facts]:
    families = facts.get("families")
    return [facts] if families is None else list(families.values())


def _judge_families(
    config: HttpConfig, families: Mapping[str, Facts], excerpt: str
) -> tuple[tuple[Finding, ...], dict[str, Severity | None]]:
    """Each family by itself: one dead is a warning, both are an error."""
    found = {
        name: tuple(_judge_answer(config, facts, facts.get("address", ""), excerpt))
        for name, facts in families.items()
    }
    worst = {name: _worst(findings) for name, findings in found.items()}
    down = [name for name, severity in worst.items() if severity is not None and severity >= Severity.ERROR]
    parts: dict[str, Severity | None] = {f"ipv{name}": severity for name, severity in worst.items()}
    if len(down) != 1:
        return _distinct(found), parts
    dead = down[0]
    parts[f"ipv{dead}"] = Severity.WARNING
    reason = found[dead][0]
    finding = Finding(
        "site.address_down",
        f"ipv{dead}",
        f"{config.place.host} works over one family only, not over IPv{dead}: {reason.sentence}",
        f"Repair IPv{dead} on the server (address, firewall, listen lines), "
        f"or remove the {'AAAA' if dead == '6' else 'A'} record: part of the visitors meet a dead address.",
        joins=reason.joins,
    )
    others = tuple(f for name in found if name != dead for f in found[name])
    return (finding, *others), parts


def _worst(findings: tuple[Finding, ...]) -> Severity | None:
    return max((severity_of(finding) for finding in findings), default=None)


def _distinct(found: Mapping[str, tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Both families' findings; what both say is said once, joined to both addresses."""
    kept: dict[tuple[str, str], Finding] = {}
    for findings in found.values():
        for finding in findings:
            key = (finding.code, finding.subject)
            if key in kept:
                joins = tuple(dict.fromkeys((*kept[key].joins, *finding.joins)))
                kept[key] = replace(kept[key], joins=joins)
            else:
                kept[key] = finding
    return tuple(kept.values())


def _judge_answer(config: HttpConfig, facts: Facts, address: str, excerpt: str) -> Iterator[Finding]:
    joins = _joins(config, facts, address)
    for finding in _findings(config, facts, excerpt):
        yield replace(finding, joins=joins)


def _joins(config: HttpConfig, facts: Facts, address: str) -> tuple[str, ...]:
    """What it shares with others: its host, where it failed, and the page at the end of its redirects."""
    host = facts.get("failure", {}).get("host") or config.place.host
    end = urlsplit(facts.get("final", "")).hostname or host
    names = dict.fromkeys((f"host:{config.place.host}", f"host:{host}", f"host:{end}"))
    return (*names, f"addr:{address}") if address else tuple(names)


def _findings(config: HttpConfig, facts: Facts, excerpt: str) -> Iterator[Finding]:
    place = config.place
    if "dns" in facts:
        yield Finding(
            "site.dns_disagrees",
            facts["dns"]["host"],
            f"Two resolvers disagree about {facts['dns']['host']}: {facts['dns']['says']}, another finds it.",
            "Compare the answers of all name servers of the domain; a change may still be spreading.",
        )
    for dead, why in facts.get("dead", ()):
        yield Finding(
            "site.address_down",
            dead,
            f"One address of {place.host} is dead: {dead} ({why}). Another one answers.",
            f"Bring the machine at {dead} back, or take its address out of DNS: some visitors meet it.",
        )
    if "quic" in facts:
        yield version.not_http3(shown(place.url), facts["quic"], facts.get("http", ""))
    if "failure" in facts:
        yield words.unreachable(config, facts)
    elif "bad_redirect" in facts or "loop" in facts or "too_many" in facts:
        yield words.broken_redirect(config, facts)
    elif facts["status"] not in config.accepted:
        yield words.wrong_status(config, facts, excerpt)
    else:
        yield from _judge_content(config, facts)


def _judge_content(config: HttpConfig, facts: Facts) -> Iterator[Finding]:
    final = facts.get("final", config.place.url)
    url = shown(final)
    if config.expect.https and not final.startswith("https:"):
        yield words.not_https(shown(config.place.url), url)
    if config.http_version == "2" and facts["http"] != "2":
        yield words.not_http2(url, facts["http"])
    if config.http_version == "3" and facts["http"] != "3" and "quic" not in facts:
        yield version.led_away(shown(config.place.url), url, facts["http"])
    for text in facts.get("missing", ()):
        yield words.missing_text(url, text)
    for text in facts.get("unwanted", ()):
        yield words.unwanted_text(url, text)
    if "pattern_missing" in facts:
        yield words.missing_pattern(url, str(config.expect.body_matches))
    for rule in facts.get("json", ()):
        yield words.wrong_json(url, rule)
    for header in facts.get("headers", ()):
        yield words.wrong_header(url, header)
    if "charset" in facts:
        yield words.bad_encoding(url, facts["charset"])
    yield from _judge_size(config, facts, url)


def _judge_size(config: HttpConfig, facts: Facts, url: str) -> Iterator[Finding]:
    size, expect, cut = facts["bytes"], config.expect, "truncated" in facts
    if expect.min_bytes is not None and size < expect.min_bytes and not cut:
        yield words.wrong_size(url, f"is {size} bytes long, expected at least {expect.min_bytes}")
    elif expect.max_bytes is not None and size > expect.max_bytes:
        yield words.wrong_size(
            url, f"is {'more than ' if cut else ''}{size} bytes long, expected at most {expect.max_bytes}"
        )
    elif cut and (
        expect.reads_text or expect.json_ or expect.max_bytes is not None or expect.min_bytes is not None
    ):
        yield words.too_large(url, config.max_body)
