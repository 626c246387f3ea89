"""What the page of a tls monitor shows: the served certificate, and each address behind the name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.history import chains_of, moment
from watchpost.kinds.tls.told_panel import told_panels
from watchpost.registry import Panel

_MOST_NAMES = 12
_DAY_S = 86_400


def panels(config: TlsConfig, facts: Mapping[str, Any], baseline: Mapping[str, Any]) -> tuple[Panel, ...]:
    chains = chains_of(facts)
    shown = [_certificate(chain, baseline, number) for number, chain in enumerate(chains[:2])]
    addresses = tuple(_addresses(facts, len(chains)))
    return (*shown, *told_panels(config, facts), *([Panel("Addresses", addresses)] if addresses else []))


def _certificate(chain: Mapping[str, Any], baseline: Mapping[str, Any], number: int) -> Panel:
    rows = [(label, value) for label, value in _rows(chain) if value]
    if number == 0 and (habit := _habit(baseline)):
        rows.append(("Renewed", habit))
    return Panel("Certificate" if number == 0 else "Another certificate", tuple(rows))


def _rows(chain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield (
        "For",
        _some(chain.get("names", ()), int(chain.get("more_names", 0))) or str(chain.get("subject", "")),
    )
    yield "Issued by", str(chain.get("issued_by", ""))
    if "not_before" in chain and "not_after" in chain:
        begins, ends = moment(chain["not_before"]), moment(chain["not_after"])
        days = round((ends - begins).total_seconds() / _DAY_S)
        yield "Valid", f"{begins:%Y-%m-%d} to {ends:%Y-%m-%d %H:%M} UTC, {days} days in all"
    yield "Refused", "; ".join(words for _, words, *_ in chain.get("reasons", ()))
    yield "Path", " → ".join(chain.get("path", ()))
    if "path_ends" in chain:
        title, _, ends_at = chain["path_ends"]
        if moment(ends_at) < moment(chain["not_after"]):
            yield "Path ends", f"{moment(ends_at):%Y-%m-%d}, with {title}"
    yield "Key", ", ".join(str(chain[name]) for name in ("key", "signature") if chain.get(name))
    yield "SHA-256", str(chain.get("fingerprint", ""))


def _some(names: Any, more: int) -> str:
    hidden = max(0, len(names) - _MOST_NAMES) + more
    return ", ".join(names[:_MOST_NAMES]) + (f" and {hidden} more" if hidden else "")


def _habit(baseline: Mapping[str, Any]) -> str:
    """Which share of its life was left at the last renewals."""
    left = [float(share) for share in baseline.get("left", ())]
    if not left:
        return ""
    return (
        f"{len(left)} time{'s' if len(left) > 1 else ''} seen, with {min(left):.0%} to {max(left):.0%} left"
    )


def _addresses(facts: Mapping[str, Any], chains: int) -> Iterator[tuple[str, str]]:
    for address, one in facts.get("addresses", {}).items():
        said = [str(one[name]) for name in ("protocol", "cipher") if one.get(name)]
        if "ms" in one:
            said.append(f"{one['ms']:.0f} ms")
        if "failure" in one:
            said.append(str(one["failure"]["sentence"]))
        elif chains > 1 and one.get("chain") is not None:
            said.append("the certificate above" if one["chain"] == 0 else "another certificate")
        yield address, ", ".join(said)
