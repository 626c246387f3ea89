"""The sentences of the tls kind: what is wrong and what to do, for somebody who is tired. Pure.

Fixes hold neither dates nor numbers that change from look to look: a changed fix is told anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.history import moment
from watchpost.registry.closed import to_open

Facts = Mapping[str, Any]
_DAY_S, _HOUR_S = 86_400.0, 3_600.0
# Who usually ends TLS there, and where it is told what to serve.
_SERVER = {"none": "nginx", "smtp": "postfix", "imap": "dovecot", "postgres": "postgresql"}
_SETTING = {
    "none": "ssl_certificate",
    "smtp": "smtpd_tls_chain_files",
    "imap": "ssl_cert",
    "postgres": "ssl_cert_file",
}
_RELOAD = "then reload whatever ends TLS (`systemctl reload {server}`): it serves the old one until then."
_RENEW = f"Run `certbot renew --dry-run` to see why it was not renewed, renew it, {_RELOAD}"
_BRING = f"Bring the new certificate to the addresses that serve the old one, {_RELOAD}"

_UNREACHABLE = {
    "refused": ("connect", "Start what listens there (`systemctl status nginx`) and check its port."),
    "unreachable": (
        "connect",
        "Check that the machine is on and that network and firewall let this port in.",
    ),
    "no_route": (
        "connect",
        "Give this Watchpost server a route to that network (usually IPv6), or set ip to 4.",
    ),
    "starttls": ("starttls", "Switch TLS on in this server, or set starttls and port to what it offers."),
    "protocol": ("starttls", "Check that port and starttls are those of this server."),
    "not_tls": (
        "handshake",
        "Check the port and that it speaks TLS (nginx: `listen 443 ssl;`); if TLS is asked for in the clear "
        "first, set starttls.",
    ),
    "unknown_name": (
        "handshake",
        "Add the name to the web server (server_name), or set sni to one it knows.",
    ),
    "authorities": ("handshake", "Paste the PEM text of the certificate authority into ca_pem again."),
    "closed": ("reset", "Look into the server's error log; without a certificate nginx hangs up like this."),
    "reset": ("reset", "Look into the server's error log, and at firewalls that cut TLS connections."),
    "flood": ("reset", "Find out what listens on this port: it is no TLS server."),
    "nxdomain": (
        "dns",
        "Check that the domain is still registered and that the record exists at its DNS provider.",
    ),
    "no_data": ("dns", "Add an A or AAAA record for this name at the DNS provider."),
}
_FIX_OF_DNS = (
    "Check the network of this Watchpost server and the DNS servers it asks (RESOLVERS); "
    "if other names resolve, check the name servers of the domain."
)
_FIX_OF_HANDSHAKE = "Look into the server's error log, and check its certificate, key and ssl_protocols."
_FIX_OF_TIME = "Check that the machine is not overloaded and that its firewall lets this port in."

_NOT_ACCEPTED = {
    "expired": _RENEW,
    "not_yet_valid": "Serve the former certificate until then; check the clock of the machine that made it.",
    "self_signed": "Have one issued by an authority (`certbot certonly -d {name}`); "
    "if it is meant to be so, paste it into ca_pem.",
    "wrong_name": "Check which server block answers for this name (server_name), "
    "and have one issued that lists {name} (`certbot certificates` shows the names of yours).",
    "unknown_root": "Have one issued by a public authority (certbot without --staging); if yours is private, "
    "paste its certificate into ca_pem. If the issuer is public, serve the full chain (fullchain.pem).",
    "chain.missing_intermediate": "Serve the full chain: fullchain.pem, not cert.pem, in {setting}, "
    "then reload {server}. Browsers that visited before hide this; phones, curl and payment callbacks fail.",
    "chain.expired": "Renew the certificate so that it comes with a current chain, serve fullchain.pem, "
    "and reload the web server.",
    "chain.wrong_order": "Put the server's own certificate first and each issuer after the one it signed; "
    "certbot's fullchain.pem is in the right order.",
    "rejected": "Look at it with `openssl s_client -showcerts -connect {host}:{port} -servername {name}`, "
    "and have it issued anew by an authority that browsers trust.",
}


def certificate(fingerprint: str) -> str:
    """How one certificate is called: the same for every monitor that meets it."""
    return f"certificate {fingerprint[:16]}"


def day(iso: str) -> str:
    return f"{moment(iso):%Y-%m-%d %H:%M} UTC"


def span(seconds: float) -> str:
    """``12 days``, ``30 hours``, ``40 minutes``: rounded down, nobody is to rely on the rest."""
    for size, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (60.0, "minute")):
        if seconds >= (2 * size if name == "day" else size):
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"


def _at(addresses: Sequence[str]) -> str:
    if not addresses:
        return ""
    more = f" and {len(addresses) - 4} more" if len(addresses) > 4 else ""
    return f" at {', '.join(addresses[:4])}{more}"


def unreachable(config: TlsConfig, failure: Facts, shown: bool = False) -> Finding:
    """Nobody gets through: phase and kind name the code. ``shown``: its certificate was seen all the same."""
    phase, kind, why = failure["phase"], failure["kind"], failure["sentence"]
    is_address = ":" in config.where or config.where[-1].isdigit()  # no top level domain ends in a digit
    if kind == "refused_by_guard":
        return Finding(
            "tls.refused_by_guard",
            config.where,
            f"{config.shown} was not looked at: {why}, and such addresses are closed to monitors.",
            f"{to_open(why)}; "
            f"otherwise correct {'the host of the monitor' if is_address else 'the DNS record'}.",
        )
    if kind == "timeout" and phase != "dns":
        code, fix = "timeout", _FIX_OF_TIME
    elif phase == "dns":
        code, fix = "dns", _UNREACHABLE[kind][1] if kind in ("nxdomain", "no_data") else _FIX_OF_DNS
    else:
        code, fix = _UNREACHABLE.get(kind, ("handshake", _FIX_OF_HANDSHAKE))
    what = "shows its certificate, but lets nobody in" if shown else "shows no certificate"
    sentence = f"{config.shown} {what}: {why}."
    return Finding(_CODES[code], config.where, sentence, fix)


_CODES = {
    "dns": "tls.unreachable.dns",
    "connect": "tls.unreachable.connect",
    "starttls": "tls.unreachable.starttls",
    "handshake": "tls.unreachable.handshake",
    "timeout": "tls.unreachable.timeout",
    "reset": "tls.unreachable.reset",
}


def address_down(config: TlsConfig, address: str, failure: Facts) -> Finding:
    return Finding(
        "tls.address_down",
        address,
        f"One address of {config.shown} shows no certificate: {address} ({failure['sentence']}). "
        "Another one does.",
        f"Bring the machine at {address} back, or take its address out of DNS: some visitors meet it.",
    )


_VERSIONS = {"SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"}


def old_protocol(config: TlsConfig, versions: Sequence[str], where: Sequence[str]) -> Finding:
    said = " and ".join(_VERSIONS.get(version, version) for version in versions)
    return Finding(
        "tls.old_protocol",
        config.where,
        f"{config.shown} speaks nothing newer than {said}{_at(where)}: current browsers turn away.",
        "Allow TLS 1.2 and 1.3 (nginx: `ssl_protocols TLSv1.2 TLSv1.3;`); update OpenSSL if it has neither.",
    )


def _fix(text: str, config: TlsConfig) -> str:
    """The fix in the words of this monitor: its names, and the programs that usually stand there."""
    return text.format(
        name=config.name,
        host=f"[{config.where}]" if ":" in config.where else config.where,
        port=config.door,
        server=_SERVER[config.starttls],
        setting=_SETTING[config.starttls],
    )


def not_accepted(
    config: TlsConfig, chain: Facts, code: str, why: str, where: Sequence[str], renewed: bool = False
) -> Finding:
    """Why visitors turn away, or would if they were strict. ``why`` is the end of a sentence; ``renewed``:
    another address serves a newer one."""
    subject = certificate(chain["fingerprint"])
    verb = "is served untidily" if code == "chain.wrong_order" else "is not valid"
    return Finding(
        _REASONS[code],
        config.name if code == "wrong_name" else subject,
        f"The certificate of {config.shown} {verb}{_at(where)}: {why}.",
        _fix(_BRING if renewed and code == "expired" else _NOT_ACCEPTED[code], config),
    )


_REASONS = {
    "expired": "tls.expired",
    "not_yet_valid": "tls.not_yet_valid",
    "self_signed": "tls.self_signed",
    "wrong_name": "tls.wrong_name",
    "unknown_root": "tls.unknown_root",
    "chain.missing_intermediate": "tls.chain.missing_intermediate",
    "chain.expired": "tls.chain.expired",
    "chain.wrong_order": "tls.chain.wrong_order",
    "rejected": "tls.rejected",
}


def expires_soon(config: TlsConfig, chain: Facts, left_s: float, where: Sequence[str]) -> Finding:
    """``where``: the addresses that still serve it while others have been renewed."""
    ends = f"expires in {span(left_s)} ({day(chain['not_after'])})"
    subject = certificate(chain["fingerprint"])
    if where:
        return Finding(
            "tls.expires_soon",
            subject,
            f"The certificate of {config.shown} has been renewed, but not{_at(where)}: "
            f"the one served there {ends}.",
            _fix(_BRING, config),
        )
    sentence = f"The certificate of {config.shown} {ends}, and has not been renewed yet."
    return Finding("tls.expires_soon", subject, sentence, _fix(_RENEW, config))


def renewal_overdue(config: TlsConfig, leaf: Facts, left_s: float, usual_s: float) -> Finding:
    usual = span(round(usual_s / _HOUR_S) * _HOUR_S)
    return Finding(
        "tls.renewal_overdue",
        certificate(leaf["fingerprint"]),
        f"The certificate of {config.shown} is usually renewed with {usual} left; "
        f"now {span(left_s)} are left, and it has not been renewed.",
        "Check that the timer of the renewal runs (`systemctl list-timers | grep certbot`) and what its last "
        "run said (`certbot renew --dry-run`), before time gets short.",
    )


def path_expires_soon(config: TlsConfig, chain: Facts, name: str, ends: str, left_s: float) -> Finding:
    return Finding(
        "tls.path_expires_soon",
        f"{name} until {ends[:10]}",
        f"The authority {name} above the certificate of {config.shown} expires in {span(left_s)} "
        f"({day(ends)}); from then on no visitor accepts what it signed.",
        "Renew the certificate before that, so that it is signed by an authority that lasts; "
        "with a private authority, renew the authority first.",
    )


def spare_expires(config: TlsConfig, name: str, ends: str, left_s: float, where: Sequence[str]) -> Finding:
    when = f"expires in {span(left_s)}" if left_s > 0 else "has expired"
    return Finding(
        "tls.spare_expires",
        f"{name} until {ends[:10]}",
        f"{config.shown} also serves {name}{_at(where)}, which {when} ({day(ends)}) and which "
        "visitors do not need.",
        "Leave it out of the served chain when you next touch it; some old devices stumble over it.",
    )


def weak(config: TlsConfig, chain: Facts, what: str, is_now: str, whose: str) -> Finding:
    subject = f"{certificate(chain['fingerprint'])}: {whose}"
    if what == "key":
        return Finding(
            "tls.weak_key",
            subject,
            f"The key of {whose}, served by {config.shown}, is weak: {is_now}.",
            "Have the certificate issued anew with a new key: ECDSA P-256, or RSA with 2048 bits and more "
            "(`certbot renew --key-type ecdsa --force-renewal`).",
        )
    return Finding(
        "tls.weak_signature",
        subject,
        f"The certificate {whose}, served by {config.shown}, is signed with {is_now}, which can be forged.",
        "Have it issued anew by an authority that signs with SHA-256 or better.",
    )


def differs(config: TlsConfig, served: Sequence[tuple[Facts, Sequence[str]]], since: str) -> Finding:
    """``served``: each leaf with the addresses that serve it, the one that ends first before the others."""
    until = [day(one["not_after"]) if "not_after" in one else "nobody knows when" for one, _ in served]
    said = "; ".join(
        f"{', '.join(where[:4])} has one until {end}"
        for (_, where), end in zip(served[:4], until, strict=False)
    )
    return Finding(
        "tls.differs_between_addresses",
        config.where,
        f"{config.shown} has not shown the same certificate at every address since {day(since)}: {said}.",
        f"{_fix(_BRING, config)} If they are meant to differ, set same_everywhere to false.",
    )


def changed_issuer(config: TlsConfig, leaf: Facts, known: Sequence[str]) -> Finding:
    return Finding(
        "tls.changed_issuer",
        config.name,
        f"The certificate of {config.shown} is now issued by {leaf['issued_by']}; "
        f"until now it was {' or '.join(known)}.",
        "If you changed the authority, press “This is expected” on its page. If nobody did, find out who had "
        "it issued: somebody may hold the name's DNS or stand in between.",
    )


def changed_key(config: TlsConfig, leaf: Facts, known: Sequence[str]) -> Finding:
    other = leaf["key"] not in known
    what = (
        f"{leaf['key']}; until now it was {' or '.join(known)}"
        if other
        else "another one, after the same was kept over several renewals"
    )
    return Finding(
        "tls.changed_key",
        config.name,
        f"The key of {config.shown} is now {what}.",
        "If this was meant, press “This is expected” on its page; whoever pins the key (TLSA records, apps) "
        "must be told. "
        "If not, find out who had the certificate issued.",
    )
