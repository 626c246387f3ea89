"""Whose certificates are worth watching: of every name of the site that answers by TLS. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchpost.registry.site import Answer, Proposal, Site

_MOST = 12


def propose(site: Site) -> tuple[Proposal, ...]:
    return tuple(_each(site))[:_MOST]


def _each(site: Site) -> Iterator[Proposal]:
    home = site.home
    if home.place.scheme == "https" and home.is_there:
        more = _names(home) if site.siblings else ""
        why = f"Visitors come by https{more}. It is read at every address behind the name."
        yield _of(site.host, home.place.port, why)
    for name in site.siblings:
        answer = site.answers.get(site.at(name))
        if answer is not None and answer.is_there and home.place.scheme == "https":
            why = "It may be served by another machine, which has to take each renewal, too."
            yield _of(
                name, home.place.port, f"{name} stands on the certificate of {site.host} and answers. {why}"
            )


def _of(host: str, port: int, why: str) -> Proposal:
    spec: dict[str, object] = {
        "name": f"Certificate of {host}",
        "kind": "tls",
        "host": host,
        "interval": "15m",
    }
    if port != 443:
        spec["port"] = port
    return Proposal(spec, why)


def _names(home: Answer) -> str:
    more = len(home.names) - 1
    return f", and {more} more name{'s' if more > 1 else ''} stand on it" if more > 0 else ""
