"""The sentences of the tcp kind: what is wrong and what to do, for somebody who is tired. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.tcp.config import TcpConfig
from watchpost.registry.closed import to_open

Facts = Mapping[str, Any]
_NEW_RECORD = "Check that the domain is still registered and that the record exists at its DNS provider."
_REACH = {
    "refused": (
        "connect",
        "Start what listens there (`systemctl status`, `docker ps`), and check its port and that it does not "
        "listen on localhost alone (`ss -ltnp`).",
    ),
    "unreachable": ("connect", "Check that the machine is on and that firewalls let this port in."),
    "no_route": ("connect", "Give this Watchpost server a route there (usually IPv6), or set ip to 4."),
    "nxdomain": ("dns", _NEW_RECORD),
    "no_data": ("dns", "Add an A or AAAA record for this name at the DNS provider."),
    "authorities": ("tls", "Paste the PEM text of the certificate authority into ca_pem again."),
    "certificate": (
        "tls",
        "Renew or replace the certificate of this server, or paste its private authority into ca_pem; a "
        "monitor of kind tls says more.",
    ),
    "starttls": ("tls", "Switch TLS on in this server, or set starttls to what it offers."),
    "not_tls": ("tls", "Set tls to false or check the port; if TLS is asked for in the clear, set starttls."),
}
_FIX_OF_DNS = (
    "Check the network of this Watchpost server and the DNS servers it asks (RESOLVERS); "
    "if other names resolve, check the name servers of the domain."
)
_FIX_OF_TLS = "Look into the server's error log, and check its certificate, key and TLS versions."
_FIX_OF_TIME = "Check that the machine is not overloaded and that its firewall lets this port in."
_FIX_OF_RESET = "Look into the server's error log, and at limits of connections and firewalls that cut them."
_FIX_OF_ANSWER = "Look into the server's log; if the answer is right after all, correct expect."
_FIX_OF_SILENCE = (
    "Something listens but does not answer: see whether the process hangs (its log, its CPU); restart it."
)


def failed(config: TcpConfig, one: Facts) -> Finding:
    """Why nobody gets what is expected: phase and kind of the failure name the code."""
    failure = one["failure"]
    code, fix = _code_of(failure)
    said = quoted(one)
    if code == "tcp.refused_by_guard":
        why = f"{failure['sentence']}, and such addresses are closed to monitors"
        return Finding(code, config.where, f"{config.shown} was not looked at: {why}.", fix)
    if code in ("tcp.no_answer", "tcp.wrong_answer"):
        return Finding(code, config.where, f"{_wanted(config, one)}: {failure['sentence']}{said}.", fix)
    what = "cannot be spoken to securely" if code == "tcp.unreachable.tls" else "cannot be reached"
    return Finding(code, config.where, f"{config.shown} {what}: {failure['sentence']}.", fix)


def quoted(one: Facts) -> str:
    """What it says, as the end of a sentence; that its last line has an end is nothing to read about."""
    said = str(one.get("said", "")).removesuffix("\\n").removesuffix("\\r")
    return f"; it says “{said}”" if said else ""


def _code_of(failure: Facts) -> tuple[str, str]:
    phase, kind = failure["phase"], failure["kind"]
    if kind == "refused_by_guard":
        return "tcp.refused_by_guard", (
            f"{to_open(str(failure['sentence']))}; "
            "otherwise correct the host of the monitor or its DNS record."
        )
    if phase == "wait":
        wrong = kind == "unexpected"
        return ("tcp.wrong_answer", _FIX_OF_ANSWER) if wrong else ("tcp.no_answer", _FIX_OF_SILENCE)
    if kind in _REACH:
        place, fix = _REACH[kind]
        return f"tcp.unreachable.{place}", fix
    if phase == "dns":
        return "tcp.unreachable.dns", _FIX_OF_DNS
    if phase in ("tls", "starttls"):
        return "tcp.unreachable.tls", _FIX_OF_TLS
    if kind == "timeout":
        return "tcp.unreachable.timeout", _FIX_OF_TIME
    return "tcp.unreachable.reset", _FIX_OF_RESET


def _wanted(config: TcpConfig, one: Facts) -> str:
    step = config.steps[min(one.get("step", 1), len(config.steps)) - 1]
    return f"{config.shown} does not answer {step.wanted}"


def address_down(config: TcpConfig, address: str, one: Facts) -> Finding:
    """One of several addresses does not do what the others do."""
    why = one["failure"]["sentence"] + quoted(one)
    return Finding(
        "tcp.address_down",
        address,
        f"{config.shown} works, but not at its address {address}: {why}.",
        "Mend the server at this address, or take it out of the DNS record: some visitors get nothing.",
    )


def not_valid(config: TcpConfig, why: str) -> Finding:
    sentence = f"{config.shown} cannot be spoken to securely: its certificate is not valid, for {why}."
    return Finding("tcp.unreachable.tls", config.where, sentence, _REACH["certificate"][1])


def slow(config: TcpConfig, total_ms: float) -> Finding:
    return Finding(
        "tcp.slow",
        config.where,
        f"{config.shown} took {total_ms:.0f} ms; more than {config.max_ms:g} ms is too slow.",
        "Compare the phases of this look: connect is the network, wait is the service itself.",
    )
