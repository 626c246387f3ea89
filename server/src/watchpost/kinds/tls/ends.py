"""What a certificate's look says of dates, names, and of what is watched. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from watchpost.kinds.tls.config import TlsConfig, read_name
from watchpost.registry import Ending, Lead

Facts = Mapping[str, Any]
_NO_PAGES = frozenset({465, 563, 636, 853, 990, 993, 995, 5432, 5671, 6697, 8883})  # TLS, and no HTTP in it


def chains_of(config: TlsConfig, facts: Facts) -> Iterator[Facts]:
    """Every chain of the last look that showed one; none of a name this monitor asked for formerly."""
    first = facts.get("certificate")
    if first and first.get("host", config.name) == config.name:
        yield from (first, *facts.get("others", ()))


def endings(config: TlsConfig, facts: Facts) -> tuple[Ending, ...]:
    """The end of each leaf, and of an authority above it that ends earlier: visitors turn away on that day.

    An authority stands above many leaves and is one thing for all monitors that meet it."""
    found: dict[str, Ending] = {}
    read = facts.get("certificate", {}).get("read_at")
    seen = datetime.fromisoformat(read) if read else None
    for chain in chains_of(config, facts):
        if "not_after" not in chain:
            continue
        ends = datetime.fromisoformat(chain["not_after"])
        key = f"cert:{chain['fingerprint']}"
        by = chain.get("issued_by", "")
        note = f"Issued by {by}" if by else ""
        found[key] = Ending(key, f"Certificate of {config.shown}", ends, note, seen, _place(config))
        for above in _earlier(chain, ends):
            found.setdefault(above.key, above)
    return tuple(found.values())


def _place(config: TlsConfig) -> str:
    """One address, or a family of its own, may serve another certificate than the name does."""
    at = "" if config.where == config.name else f" at {config.where}"
    return f"{config.name}:{config.door}{at}" + (f" over IPv{config.ip}" if config.ip in ("4", "6") else "")


def _earlier(chain: Facts, ends: datetime) -> Iterator[Ending]:
    if "path_ends" in chain:
        name, _, until = chain["path_ends"]
        at = datetime.fromisoformat(until)
        if at < ends:
            note = "It stands above the certificate and ends before it"
            yield Ending(f"authority:{name} {until}", f"Certificate of the authority {name}", at, note)


def names(config: TlsConfig, facts: Facts) -> tuple[str, ...]:
    """The names that stand in the certificates."""
    found = (name for chain in chains_of(config, facts) for name in chain.get("names", ()))
    return tuple(dict.fromkeys(found))


def covers(config: TlsConfig) -> tuple[str, ...]:
    """The certificate, and the port behind which it is: who watches the one sees the other go."""
    return (f"tls:{config.name}:{config.door}", f"tcp:{config.where}:{config.door}")


def leads(config: TlsConfig, facts: Facts) -> tuple[Lead, ...]:
    """A certificate with a handful of names is its owner's; one with many may be shared by strangers. That of
    a mail server or a database says nothing of pages."""
    if config.starttls != "none" or config.door in _NO_PAGES:
        return ()
    return tuple(
        Lead(name, "stands in the certificate of", sure="more_names" not in chain and not _is_strange(chain))
        for chain in chains_of(config, facts)
        for name in chain.get("names", ())
    )


def _is_strange(chain: Mapping[str, Any]) -> bool:
    """Served by mistake: its names are somebody else's, or another site's."""
    return any(reason[0] == "wrong_name" for reason in chain.get("reasons", ()))


def watch(thing: str) -> Mapping[str, Any] | None:
    """The spec of a monitor for ``shop.example:443``."""
    host, _, port = thing.rpartition(":")
    try:
        spec = {"name": f"Certificate of {read_name(host)}", "kind": "tls", "host": host, "interval": "15m"}
    except ValueError:
        return None
    return spec | ({} if port == "443" else {"port": int(port)})
