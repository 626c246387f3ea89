"""The findings about a registration as whole sentences, each with its fix. Pure."""

from __future__ import annotations

from datetime import datetime

from watchpost.core.types import Finding, Severity
from watchpost.kinds.domain.config import DAY_S

_WHO = "Sign in at the registrar"


def at_registrar(registrar: str) -> str:
    return f"Sign in at the registrar ({registrar})" if registrar else _WHO


def day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def span(seconds: float) -> str:
    count, unit = (seconds / DAY_S, "day") if seconds >= 2 * DAY_S else (seconds / 3600, "hour")
    return f"{int(count)} {unit}{'' if int(count) == 1 else 's'}"


def pending_delete(name: str) -> Finding:
    sentence = (
        f"{name} is about to be deleted (pending delete): mostly within 5 days anybody can register it."
    )
    fix = (
        "Call the registrar now and ask whether it can still be saved. If not, order it there at once, to be "
        "registered the moment it is free, and move mail and logins to another domain."
    )
    return Finding("domain.pending_delete", name, sentence, fix)


def redemption(name: str, registrar: str) -> Finding:
    sentence = f"{name} is in redemption: it was deleted and can be restored for about 30 days, for a fee."
    fix = f"{at_registrar(registrar)} and have the domain restored today; then turn automatic renewal on."
    return Finding("domain.redemption", name, sentence, fix)


def on_hold(name: str, registrar: str, which: str) -> Finding:
    sentence = f"{name} does not resolve: it is on hold ({which})."
    if which.startswith("server"):
        fix = "Ask the registrar why the registry holds it: a dispute, abuse, or data that nobody verified."
    else:
        fix = f"{at_registrar(registrar)}: pay what is open, and answer the mail that verifies the address."
    return Finding("domain.on_hold", name, sentence, fix)


def not_registered(name: str, server: str) -> Finding:
    sentence = f"{name} is not registered: {server} does not know it."
    fix = "Check the spelling. If it is yours, call the registrar and register it before somebody else does."
    return Finding("domain.not_registered", name, sentence, fix)


def expired(name: str, registrar: str, at: datetime, source: str) -> Finding:
    sentence = f"The registration of {name} ended on {day(at)}, {source}."
    fix = f"{at_registrar(registrar)} and renew it now; it still can be, mostly for 30 days."
    return Finding("domain.expired", name, sentence, fix)


def expires_soon(
    name: str, registrar: str, at: datetime, left_s: float, source: str, critical: bool
) -> Finding:
    sentence = f"The registration of {name} ends in {span(left_s)} ({day(at)}), {source}."
    fix = f"{at_registrar(registrar)}, renew it, and see that automatic renewal is on and its card is valid."
    return Finding(
        "domain.expires_soon", name, sentence, fix, Severity.CRITICAL if critical else Severity.WARNING
    )


def auto_renew_period(name: str, registrar: str) -> Finding:
    sentence = (
        f"The registry renewed {name} by itself; whether the registrar was paid is not known, and until then "
        "it can be deleted."
    )
    fix = f"{at_registrar(registrar)} and see that the renewal is paid. If so, this ends within 45 days."
    return Finding("domain.auto_renew_period", name, sentence, fix)


def registrar_changed(name: str, before: str, after: str) -> Finding:
    sentence = f"{name} is now at {after}; it was at {before}."
    fix = (
        "If you moved it, press “This is expected” on its page. If not, call both registrars now: it may be "
        "stolen."
    )
    return Finding("domain.registrar_changed", name, sentence, fix)


def transfer_lock_gone(name: str, registrar: str) -> Finding:
    sentence = f"{name} can be transferred: its transfer lock is gone."
    fix = (
        f"{at_registrar(registrar)} and lock it again. If you are about to move it, press “This is expected” "
        "on its page."
    )
    return Finding("domain.transfer_lock_gone", name, sentence, fix)


def date_differs(name: str, manual: datetime, published: datetime) -> Finding:
    sentence = (
        f"{name} ends on {day(published)}, says the registry; expires says {day(manual)}, which is later."
    )
    fix = "Correct expires, or leave it out: the registry's date counts."
    return Finding("domain.date_differs", name, sentence, fix)


def not_published(name: str, now: datetime) -> Finding:
    sentence = f"The registry publishes no end of {name} (asked on {day(now)})."
    fix = (
        "Nothing is broken. Look the date up at the registrar and write it in this monitor: “Ends on”, in a "
        "file expires."
    )
    return Finding("domain.not_published", name, sentence, fix)


def no_service(name: str, now: datetime, by_whois: bool) -> Finding:
    sentence = f"No RDAP server is known for {name} (looked up on {day(now)})."
    other = "the registry's WHOIS server in whois_server" if by_whois else "true in whois"
    fix = (
        "Nothing is broken. Write the date that the registrar shows in expires of this monitor, its RDAP "
        f"server in rdap, or {other}."
    )
    return Finding("domain.no_service", name, sentence, fix)


def no_list(name: str, url: str, why: str, now: datetime) -> Finding:
    sentence = (
        f"Nobody can be asked about {name}: the list of RDAP servers could not be fetched from {url} on "
        f"{day(now)}: {why}."
    )
    fix = (
        "Let this Watchpost server reach that address, or set WATCHPOST_RDAP_BOOTSTRAP to a mirror of it. "
        "For this domain alone, write its server in rdap, or its end in expires."
    )
    return Finding("domain.no_list", name, sentence, fix)
