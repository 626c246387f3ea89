"""What is said of a page that does not come by HTTP/3 though it should. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.core.types import Finding

_FIXES = {
    "timeout": "Open UDP port {port} in the firewall and the load balancer, beside TCP: QUIC is UDP.",
    "refused": "Let the web server listen by QUIC on UDP port {port} (nginx 1.25 or later: "
    "`listen {port} quic reuseport;` beside `listen {port} ssl;`) and announce it with the header "
    '`Alt-Svc: h3=":{port}"; ma=86400`; a load balancer or Docker must pass the UDP port on, too.',
    "certificate": "Give the QUIC listener the certificate that the TCP one serves, and reload the server.",
}
_LOG = (
    "Look into the error log of whatever ends QUIC (web server or load balancer), and whether UDP packets of "
    "1,200 bytes come through (RFC 9000, 14)."
)


def not_http3(url: str, quic: Mapping[str, Any], http: str) -> Finding:
    """By QUIC it failed, over TCP at the same address it answered."""
    over = f"over HTTP/{http}" if http else "over TCP"
    fix = _FIXES.get(quic["kind"], _LOG).format(port=quic["port"])
    return Finding(
        "site.not_http3",
        quic["host"],
        f"{url} answers {over}, but not by HTTP/3 at UDP port {quic['port']} of {quic['host']}: "
        f"{quic['sentence']}.",
        f"{fix} Visitors still get the page over TCP, only slower.",
    )


def led_away(url: str, final: str, http: str) -> Finding:
    """A redirect ended on plain http, which HTTP/3 does not know."""
    return Finding(
        "site.not_http3",
        "http_version",
        f"{url} ends on {final}, over HTTP/{http} and not over HTTP/3.",
        "Let the redirect lead to an https address, or set http_version to auto.",
    )


def unable(sentence: str) -> str:
    """The note of a look that could not be taken."""
    return (
        f"HTTP/3 was not looked at: {sentence}. Install the pinned pycurl wheel on the Watchpost server "
        "(pip install --only-binary :all: pycurl), or set http_version to auto."
    )
