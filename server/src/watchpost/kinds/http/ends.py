"""What a look at a page says of dates, names, and of what is watched. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from watchpost.kinds.http.config import HttpConfig
from watchpost.registry import Ending, Lead
from watchpost.registry.place import place, read_host
from watchpost.registry.suffix import registered_domain

Facts = Mapping[str, Any]


def _walks(facts: Facts) -> list[Facts]:
    """The facts of each family, or of the only walk there was."""
    return [facts, *facts.get("families", {}).values()]


def _hosts(facts: Facts) -> Iterator[str]:
    """Where redirects led, one host after the other."""
    for walk in _walks(facts):
        for url in (*(hop[0] for hop in walk.get("hops", ())), walk.get("final", "")):
            try:
                yield place(url).host
            except ValueError:  # none, or cut off
                continue


def certificates(config: HttpConfig, facts: Facts) -> tuple[Facts, ...]:
    """Each certificate of the last look that read one; none of a site this monitor asked formerly."""
    asked = {_site(host) for host in (config.place.host, *_hosts(facts))}
    found = (walk["certificate"] for walk in _walks(facts) if "fingerprint" in walk.get("certificate", ()))
    return tuple({one["fingerprint"]: one for one in found if _site(one.get("host", "")) in asked}.values())


def _site(host: str) -> str:
    try:
        return registered_domain(host) or host
    except ValueError:
        return host


def endings(config: HttpConfig, facts: Facts) -> tuple[Ending, ...]:
    """The end of each certificate; monitors that meet the same one mean one thing."""
    return tuple(
        Ending(
            f"cert:{one['fingerprint']}",
            f"Certificate of {one['host']}",
            datetime.fromisoformat(one["not_after"]),
            f"Issued by {by}" if (by := _organisation(one.get("issuer", ""))) else "",
            datetime.fromisoformat(one["read_at"]) if "read_at" in one else None,
            _place(config, str(one["host"])),
        )
        for one in certificates(config, facts)
    )


def _place(config: HttpConfig, host: str) -> str:
    """A family of its own may be served by another machine."""
    port = config.place.port if host == config.place.host else 443
    return f"{host}:{port}" + (f" over IPv{config.ip}" if config.ip in ("4", "6") else "")


def _organisation(issuer: str) -> str:
    """``Let's Encrypt`` of ``CN=R11,O=Let's Encrypt,C=US`` (RFC 4514)."""
    parts = dict(part.split("=", 1) for part in issuer.replace("\\,", " ").split(",") if "=" in part)
    return parts.get("O") or parts.get("CN") or ""


def names(config: HttpConfig, facts: Facts) -> tuple[str, ...]:
    """Names that stand in the certificate, and hosts that redirects led to."""
    listed = (name for one in certificates(config, facts) for name in one.get("names", ()))
    return tuple(dict.fromkeys((*listed, *_hosts(facts))))


def covers(config: HttpConfig) -> tuple[str, ...]:
    return (f"http:{config.place.host}",)


def leads(config: HttpConfig, facts: Facts) -> tuple[Lead, ...]:
    """Its own certificate, the names in it, and where it redirects to. A certificate with many names may be
    shared by strangers, and a redirect may lead anywhere."""
    found = []
    if config.place.scheme == "https":
        host, port = config.place.host, config.place.port
        found.append(Lead(f"tls:{host}:{port}", "was seen by", sure=True))
    for one in certificates(config, facts):
        own = "more_names" not in one and _is_for(one, str(one.get("host", "")))
        found += [Lead(name, "stands in the certificate of", own) for name in one.get("names", ())]
    return (*found, *(Lead(host, "is on the way of a redirect of", False) for host in _hosts(facts)))


def _is_for(certificate: Mapping[str, Any], host: str) -> bool:
    """Whether it names the host that serves it: one served by mistake has strangers' names."""
    return not {host, f"*.{host.partition('.')[2]}"}.isdisjoint(certificate.get("names", ()))


def watch(thing: str) -> Mapping[str, Any] | None:
    """The spec of a monitor for the host ``shop.example``."""
    try:
        host = read_host(thing)
    except ValueError:
        return None
    return {"name": host, "kind": "http", "url": f"https://{f'[{host}]' if ':' in host else host}/"}
