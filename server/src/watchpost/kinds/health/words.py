"""The sentences of the health kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from watchpost.core.types import Finding, Severity
from watchpost.kinds.health.codes import NAMES
from watchpost.kinds.health.config import HealthConfig
from watchpost.kinds.health.fixes import FIXES
from watchpost.kinds.health.report import DEGRADED, ERROR, Inner
from watchpost.registry.closed import to_open
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]
WHOLE = "application"  # the subject of what is said of the whole
_PHASES = {
    "dns": "the name look-up",
    "connect": "connecting",
    "tls": "the TLS handshake",
    "send": "sending the request",
    "wait": "waiting for the answer",
    "transfer": "reading the answer",
}
_UNREACHABLE = {
    "certificate": ("tls", "Renew or replace the certificate, or give the monitor ca_pem if it is your own."),
    "tls": ("tls", "Check that this port speaks TLS, and the web server's protocol versions."),
    "client": ("tls", "The server demands a client certificate: let the health path in without one."),
    "reset": ("reset", "Look into the web server's error log: a worker was killed, or a proxy cut it off."),
    "closed": ("reset", "Look into the logs of web server and gunicorn: a worker probably died."),
    "cut": ("reset", "Look into the logs of web server and gunicorn: a worker probably died."),
    "refused": ("connect", "Start the web server (`systemctl status nginx`); it must listen on this port."),
    "unreachable": ("connect", "Check that the machine is on and that its firewall lets this port through."),
}  # fmt: skip
_TIMEOUT_FIX = {
    "connect": "Check that the machine is on and that the firewall lets this port through.",
    "tls": "Check that this port speaks TLS and that the machine is not overloaded.",
}
_WAITS = (
    "Look at gunicorn: all workers may be busy or hang. An endpoint that runs its checks at each request "
    "waits for the slowest of them; django-watchpost answers from the last results."
)
_GUNICORN = (
    "Check that gunicorn runs (`systemctl status gunicorn`), and what its log says about the last start."
)
_GONE = (
    "there is nothing at this address",
    "Correct the url. With django-watchpost it is /health/, answered by its middleware, which stands first.",
)
_ODD = {
    400: (
        "Django may not know this host name",
        "Add the host to ALLOWED_HOSTS, or let django-watchpost's middleware, first in the list, answer.",
    ),
    404: _GONE,
    406: (
        "it does not write what was asked for",
        "Set format to what this endpoint writes, or the header Accept to what it wants.",
    ),
    410: _GONE,
    502: ("the web server is up, but the application behind it does not answer", _GUNICORN),
    503: ("the web server has no application to pass it to, or shows a maintenance page", _GUNICORN),
    504: ("the web server is up, but the application behind it did not answer in time", _GUNICORN),
}
_BROKE = "Look for the traceback in Django's log: the health view broke. Compare with the last deploy."
_ELSEWHERE = (
    "Open it as the monitor does: `curl -H 'Accept: application/json' URL`. A page to sign in, or a page "
    "for people? Correct the url, or set format: status if its status alone is what counts."
)
_BROKEN = (
    "Correct what writes the report: ask as the monitor does, `curl -H 'Accept: application/json' URL`, and "
    "see what that check gives. Only if the status alone is what counts, set format: status."
)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _sentence(text: str) -> str:
    text = text.strip()
    first = text.partition(" ")[0]
    if not set(first) & set("@./:_"):  # a name stays as it is: worker@shop-1
        text = f"{text[:1].upper()}{text[1:]}"
    return text if text[-1:] in ".!?…" else f"{text}."


# ---- the endpoint -------------------------------------------------------------------------------


def unreachable(config: HealthConfig, facts: Facts) -> Finding:
    """No complete answer: the phase that failed names the code."""
    failure = facts["failure"]
    phase, kind, why = failure["phase"], failure["kind"], failure["sentence"]
    host, url = failure.get("host", config.place.host), shown(config.place.url)
    if kind == "refused_by_guard":
        return Finding(
            "health.refused_by_guard",
            host,
            f"{url} was not looked at: {why}, and such addresses are closed to monitors.",
            f"{to_open(why)}.",
        )
    if phase == "dns":
        code, fix = (
            "dns",
            "Check that the domain is registered and that the record exists at its DNS provider.",
        )
    elif kind == "timeout":
        code, fix = "timeout", _TIMEOUT_FIX.get(phase, _WAITS)
    else:
        code, fix = _UNREACHABLE.get(kind, ("protocol", "Check that port and scheme of the URL are right."))
    where = _PHASES.get(phase, phase)
    return Finding(
        f"health.unreachable.{code}",
        host,
        f"The health endpoint {url} does not answer ({where}): {why}.",
        fix,
    )


def unreadable(config: HealthConfig, facts: Facts) -> Finding:
    """It answers, and nobody can tell from it how the application is."""
    status, url = facts["status"], shown(facts.get("final", config.place.url))
    if "astray" in facts:
        sentence = f"The health endpoint {url} {facts['astray']}."
        fix = (
            "Let the web server or SECURE_REDIRECT_EXEMPT answer the health path itself, without a redirect."
        )
        return Finding("health.unreadable", "endpoint", sentence, fix)
    why = facts["unreadable"]["why"]
    said = f"The health endpoint {url} answers {_status(status)} {why}"
    if facts["unreadable"]["kind"] == "broken":  # whatever the status: it is the application that answers
        return Finding("health.unreadable", "endpoint", f"{said}.", _BROKEN)
    meaning, fix = _ODD.get(status, ("", _BROKE if status >= 500 else _ELSEWHERE))
    return Finding("health.unreadable", "endpoint", f"{said}{': ' if meaning else ''}{meaning}.", fix)


def token_refused(config: HealthConfig, facts: Facts) -> Finding:
    """Details stay hidden, or everything: then it is an error."""
    status, url = facts["status"], shown(config.place.url)
    hidden = status in (401, 403)
    says = f"answers {_status(status)}" if hidden else "tells no details"
    if config.shows_secret:
        sentence = f"The health endpoint {url} refuses the monitor's token: it {says}."
        fix = (
            "Put the value of WATCHPOST['HEALTH_TOKEN'] of the application into token; after a change of "
            "the setting its processes need a restart."
        )
    else:
        sentence = f"The health endpoint {url} wants a token, and the monitor has none: it {says}."
        fix = "Give the monitor token (or basic_auth, or headers), the same that the endpoint knows."
    severity = Severity.ERROR if hidden else Severity.WARNING
    return Finding("health.token_refused", "endpoint", sentence, fix, severity)


def slow(config: HealthConfig, total_ms: float) -> Finding:
    return Finding(
        "health.slow",
        "endpoint",
        f"The health endpoint {shown(config.place.url)} took {total_ms:.0f} ms; at most {config.max_ms:g} "
        f"ms are allowed.",
        "What it says is not touched by that. An endpoint that runs its checks at each request is as slow "
        "as the slowest of them: look at which that is, and at busy workers.",
    )


# ---- what it says -------------------------------------------------------------------------------


def code_of(one: Inner) -> str:
    """The check's own code where there is a page of it."""
    if one.code in NAMES:
        return one.code
    return "health.failing" if one.state == ERROR else "health.degraded"


def trouble(one: Inner, severity: Severity, facts: Facts) -> Finding:
    """A check that is not well. The words of our own agent are sentences; those of others are not."""
    code, report = code_of(one), facts["report"]
    fix = one.fix or FIXES[code]
    if not one.message:
        state = "fails" if one.state == ERROR else "is degraded"
        why = "" if report["told"] else " It tells strangers no more: give the monitor the token to see why."
        if "token" in facts:
            why = " Why, it does not say: it refuses the monitor's token."
        return Finding(code, one.id, f"The check {one.id} {state}.{why}", fix, severity)
    if code.startswith("health.") or report["format"] != "watchpost":
        does = "fails" if one.state == ERROR else "is degraded"
        return Finding(code, one.id, _sentence(f"The check {one.id} {does}: {one.message}"), fix, severity)
    return Finding(code, one.id, _sentence(one.message), fix, severity)


def stale(found: Sequence[Inner], of: int, severity: Severity) -> Finding:
    """Many checks without a fresh result have one reason."""
    age = max((one.age_s or 0.0 for one in found), default=0.0)
    since = f" for {age:.0f} s" if age else ""
    names = ", ".join(one.id for one in found[:4]) + ("" if len(found) <= 4 else ", …")
    sentence = (
        f"There has been no result of {len(found)} of {of} checks{since} ({names}): what they say is old."
    )
    return Finding("health.stale", "results", sentence, FIXES["health.stale"], severity)


def whole(facts: Facts, state: str) -> Finding:
    """It says that it is not well, and no check says why."""
    report = facts["report"]
    said = f": {report['message'].rstrip('.')}" if report.get("message") else ""
    status = _status(facts["status"])
    if state == DEGRADED:
        sentence = f"The application says that it is degraded{said}, and names no check."
        return Finding("health.degraded", WHOLE, sentence, FIXES["health.degraded"])
    if report["says"] == ERROR and report["format"] != "status":
        sentence = f"The application says that it is broken ({status}){said}, and names no check."
    elif report["says"] == ERROR:
        sentence = f"The health endpoint answers {status}{said}."
    else:
        sentence = f"The health endpoint answers {status}, while its report says that all is well."
    fix = "Look into the application's log, and at what its health view asks."
    return Finding("health.failing", WHOLE, sentence, fix)
