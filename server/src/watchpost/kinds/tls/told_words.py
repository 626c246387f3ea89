"""The sentences about what was asked aside: what is wrong and what to do, for somebody who is tired. Pure.

Fixes hold neither dates nor numbers that change from look to look: a changed fix is told anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchpost.core.types import Finding, Severity
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.history import moment
from watchpost.kinds.tls.options import spoken
from watchpost.kinds.tls.words import certificate, day, span

Facts = Mapping[str, Any]
_RELOADED = {"none": "nginx", "smtp": "postfix", "imap": "dovecot", "postgres": "postgresql"}
_SETTING = {
    "none": "nginx: `ssl_protocols {all};`",
    "smtp": "postfix: `smtpd_tls_protocols = >=TLSv{oldest}`",
    "imap": "dovecot: `ssl_min_protocol = TLSv{oldest}`",
    "postgres": "postgresql.conf: `ssl_min_protocol_version = 'TLSv{oldest}'`",
}


def _renew(config: TlsConfig) -> str:
    return (
        f"Have a new one issued now, with a new key (`certbot certonly --force-renewal -d {config.name}`, or "
        f"`lego --domains {config.name} renew --days 999`), "
        f"then reload what serves it (`systemctl reload {_RELOADED[config.starttls]}`)."
    )


def revoked(config: TlsConfig, chain: Facts, said: Facts) -> Finding:
    """``said``: ``at``, ``reason``, and the ``authority`` if it is not the leaf."""
    if "authority" in said:
        return Finding(
            "tls.revoked",
            f"authority {said['authority']}",
            f"The authority {said['authority']} above the certificate of {config.shown} was revoked on "
            f"{day(said['at'])} ({said['reason']}): visitors whose browsers check turn away.",
            f"{_renew(config)} If the new one is signed by the same authority, take another authority.",
        )
    return Finding(
        "tls.revoked",
        certificate(chain["fingerprint"]),
        f"The certificate of {config.shown} was revoked by {chain.get('issued_by') or 'its authority'} on "
        f"{day(said['at'])} ({said['reason']}): visitors whose browsers check turn away.",
        f"{_renew(config)} Then find out who had it revoked: the authority's mail to the account's "
        "address says why.",
    )


def replace_early(config: TlsConfig, leaf: Facts, window: Facts, now: datetime) -> Finding:
    """The authority wants it back before its time, as before a mass revocation (RFC 9773, 4)."""
    end = moment(window["end"])
    by = f"by {day(window['end'])}" if end > now else f"at once (it asked for it by {day(window['end'])})"
    why = f" It says why at {window['explained']} ." if "explained" in window else ""
    return Finding(
        "tls.replace_early",
        certificate(leaf["fingerprint"]),
        f"{leaf['issued_by']} wants the certificate of {config.shown} replaced {by}, earlier than is usual, "
        f"perhaps because it will be revoked.{why}",
        _renew(config),
    )


def window_over(config: TlsConfig, leaf: Facts, window: Facts, left_s: float) -> Finding:
    why = f" It says why at {window['explained']} ." if "explained" in window else ""
    return Finding(
        "tls.renewal_overdue",
        certificate(leaf["fingerprint"]),
        f"The certificate of {config.shown} should have been renewed by {day(window['end'])}, says "
        f"{leaf['issued_by']} that issued it; it has not been, and {span(left_s)} are left.{why}",
        "Check that the timer of the renewal runs (`systemctl list-timers | grep certbot`), what its last "
        "run said (`certbot renew --dry-run`), and that the server was reloaded since "
        f"(`systemctl reload {_RELOADED[config.starttls]}`).",
    )


def accepts_old(config: TlsConfig, versions: Sequence[str]) -> Finding:
    """A warning only for whoever said what the oldest may be: old mail programs may be why it is so."""
    said = " and ".join(map(spoken, versions))
    oldest = config.min_protocol or "1.2"
    every = " ".join(f"TLSv{one}" for one in ("1.1", "1.2", "1.3") if one >= oldest)
    wanted = (
        f", older than TLS {oldest} that is asked for" if config.min_protocol else " beside newer versions"
    )
    setting = _SETTING[config.starttls].format(all=every, oldest=oldest)
    return Finding(
        "tls.old_protocol",
        config.where,
        f"{config.shown} still accepts {said}{wanted}.",
        f"Allow TLS {oldest} and newer alone ({setting}) and reload "
        f"{_RELOADED[config.starttls]}. If old visitors need the rest, "
        + ("lower min_protocol." if config.min_protocol else "leave it: this is a mere note."),
        Severity.WARNING if config.min_protocol else Severity.INFO,
    )
