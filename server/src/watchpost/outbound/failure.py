"""What libcurl says, in the words of the product: the phase that failed, its kind, one plain clause."""

from __future__ import annotations

import errno
from dataclasses import dataclass

import pycurl

_TOO_LARGE = 100  # CURLE_TOO_LARGE (libcurl 8.6): a header beyond the limit
_HTTP2_STREAM = 92  # CURLE_HTTP2_STREAM
_HTTP3, _QUIC_CONNECT = 95, 96  # CURLE_HTTP3, CURLE_QUIC_CONNECT_ERROR


@dataclass(frozen=True, slots=True)
class Failure:
    """``phase``: dns | proxy | connect | tls | send | wait | transfer. ``sentence`` is the end of a sentence.

    ``kind``: refused_by_guard | timeout | refused | unreachable | reset | closed | tls | certificate |
    protocol | http2 | quic | client | unable | headers | encoding | malformed | cut | other, or a kind of a
    failed look-up. ``client``: the server wants another certificate of ours. ``unable``: this libcurl cannot.
    Of the phase ``proxy``, see ``proxy.explain_by_proxy``.
    """

    phase: str
    kind: str
    sentence: str


_CONNECT = {
    errno.ECONNREFUSED: ("refused", "the connection was refused: nothing listens on this port"),
    errno.EHOSTUNREACH: ("unreachable", "no route leads to this host"),
    errno.ENETUNREACH: ("unreachable", "no route leads to this network"),
    errno.ECONNRESET: ("reset", "the connection was reset while it was being opened"),
}
_PLAIN = {
    pycurl.E_GOT_NOTHING: ("wait", "closed", "the server closed the connection without an answer"),
    pycurl.E_SEND_ERROR: ("send", "reset", "the connection broke while the request was being sent"),
    pycurl.E_PARTIAL_FILE: (
        "transfer",
        "cut",
        "the server closed the connection before the page was complete",
    ),
    pycurl.E_HTTP2: ("wait", "http2", "the server does not speak HTTP/2"),
    _HTTP2_STREAM: ("wait", "http2", "the server broke the rules of HTTP/2"),
    _HTTP3: ("wait", "protocol", "the server broke the rules of HTTP/3"),
}
# Over QUIC libcurl tells of a certificate only by OpenSSL's number (X509_V_ERR); 0 and 1: it was in order,
# but for the name.
_VERIFIED = {
    0: "it was issued for another name",
    1: "it was issued for another name",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its chain ends in a certificate nobody trusts",
    20: "its issuer is not known (often a missing intermediate certificate)",
    21: "its issuer is not known (often a missing intermediate certificate)",
}
_WAITING = {
    "connect": "no connection was made",
    "tls": "the TLS handshake was not finished",
    "send": "the request was not taken",
    "wait": "no answer came",
    "transfer": "the page was not complete",
}
# What libcurl says of an answer that breaks the rules, and what that means. The first match counts.
_RULES: dict[int, tuple[tuple[str, str, str, str], ...]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: (
        ("HTTP/0.9", "wait", "protocol", "the server does not answer in HTTP"),
        ("", "wait", "malformed", "the first line of the answer is not valid HTTP"),
    ),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: (
        ("Content-Length", "wait", "malformed", "the answer has an impossible Content-Length"),
        ("", "wait", "malformed", "a header of the answer is not valid HTTP"),
    ),
    pycurl.E_RECV_ERROR: (
        ("chunk", "transfer", "malformed", "the page is sent in chunks whose lengths are not valid"),
    ),
    pycurl.E_BAD_CONTENT_ENCODING: (
        ("Transfer-Encoding", "wait", "malformed", "the answer has a Transfer-Encoding that we do not know"),
        ("Unrecognized", "transfer", "encoding", "it is compressed in a way that we did not ask for"),
        ("exceeding limit", "transfer", "encoding", "it is compressed too many times over"),
        ("", "transfer", "encoding", "it is said to be compressed, but cannot be unpacked"),
    ),
}
_TLS_ERRORS = (pycurl.E_SSL_CONNECT_ERROR, pycurl.E_SSL_CIPHER, pycurl.E_SSL_CERTPROBLEM)

# Alerts about certificates can only mean ours: what is wrong with the server's we find out (RFC 8446, 6.2).
_CLIENT_ALERTS = (
    ("alert certificate required", "the server demands a certificate of the visitor"),
    ("alert unknown ca", "the server refuses our client certificate: it does not know its issuer"),
    ("alert certificate expired", "the server refuses our client certificate: it has expired"),
    ("alert certificate revoked", "the server refuses our client certificate: it was revoked"),
    ("alert bad certificate", "the server refuses our client certificate"),
    ("alert certificate unknown", "the server refuses our client certificate"),
    ("alert unsupported certificate", "the server refuses our client certificate: it is of a wrong kind"),
)


def explain(
    easy: pycurl.Curl, code: int, refusal: str, https: bool, timeout_s: float, quic: bool = False
) -> Failure:
    """Reads the easy handle of a transfer that ended with ``code`` (libcurl's error number)."""
    if refusal:
        return Failure("connect", "refused_by_guard", refusal)
    text = str(easy.errstr()).strip()[:300]
    phase = _phase(easy, https)
    if quic and phase == "connect" and code != pycurl.E_OPERATION_TIMEDOUT:
        return _quic(easy, code)
    if code == pycurl.E_OPERATION_TIMEDOUT:
        spent_s = min(easy.getinfo(pycurl.TOTAL_TIME_T) / 1e6, timeout_s)
        # Tenths: a timeout of 10 s that had 9.98 s left after the name look-up reads like 10 s.
        waiting = "no QUIC connection was made" if quic and phase == "connect" else _WAITING[phase]
        return Failure(phase, "timeout", f"{waiting} within {max(0.1, round(spent_s, 1)):g} s")
    if code == pycurl.E_COULDNT_CONNECT:
        kind, words = _CONNECT.get(easy.getinfo(pycurl.OS_ERRNO), ("unreachable", text))
        return Failure("connect", kind, words)
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        return Failure("tls", "certificate", f"the certificate is not valid: {_certificate_words(text)}")
    if https and "alert" in text:
        for sign, words in _CLIENT_ALERTS:
            if sign in text:
                return Failure("tls", "client", words)
    if code in _TLS_ERRORS:
        is_plain = "wrong version number" in text  # OpenSSL's words for what is no record of TLS
        words = "what answers on this port does not speak TLS" if is_plain else text
        return Failure("tls", "tls", f"the TLS handshake failed: {words}")
    for sign, *failure in _RULES.get(code, ()):
        if sign in text:
            return Failure(*failure)
    if code == _TOO_LARGE or "Too large response headers" in text:
        return _endless_headers(easy.getinfo(pycurl.RESPONSE_CODE))
    if code == pycurl.E_RECV_ERROR:
        return _receive_error(phase)
    if code in _PLAIN:
        return Failure(*_PLAIN[code])
    return Failure(phase, "other", text or f"libcurl error {code}")


def _quic(easy: pycurl.Curl, code: int) -> Failure:
    """Connecting and the handshake are one in QUIC (RFC 9001, 4), and libcurl tells little of it."""
    if code == pycurl.E_PEER_FAILED_VERIFICATION:
        verified = easy.getinfo(pycurl.SSL_VERIFYRESULT)
        words = _VERIFIED.get(verified, f"OpenSSL refuses it with its error {verified}")
        return Failure("tls", "certificate", f"the certificate is not valid: {words}")
    if code in (pycurl.E_SEND_ERROR, pycurl.E_COULDNT_CONNECT, _QUIC_CONNECT):
        # A closed port (ICMP) and a handshake that the server ends: libcurl does not tell them apart.
        words = "the connection was refused: nothing speaks HTTP/3 on this UDP port"
        return Failure("connect", "refused", words)
    return Failure("connect", "quic", f"the QUIC handshake failed (libcurl error {code})")


def _phase(easy: pycurl.Curl, https: bool) -> str:
    """How far the transfer came: libcurl leaves 0 for what was never reached."""
    if not easy.getinfo(pycurl.CONNECT_TIME_T):
        return "connect"
    if https and not easy.getinfo(pycurl.APPCONNECT_TIME_T):
        return "tls"
    if not easy.getinfo(pycurl.PRETRANSFER_TIME_T):
        return "send"
    return "transfer" if easy.getinfo(pycurl.STARTTRANSFER_TIME_T) else "wait"


def _endless_headers(status: int) -> Failure:
    if 100 <= status < 200:
        return Failure("wait", "malformed", f"the server sends interim answers ({status}) without end")
    return Failure("wait", "headers", "the headers of the answer are too large (more than 300 kB)")


def _receive_error(phase: str) -> Failure:
    if phase == "transfer":
        return Failure("transfer", "reset", "the connection was reset before the page was complete")
    return Failure(phase, "reset", "the connection was reset before an answer came")


def _certificate_words(text: str) -> str:
    low = text.lower()
    if "expired" in low:
        return "it has expired"
    if "not yet valid" in low:
        return "it is not valid yet"
    if "self-signed certificate in certificate chain" in low or "self signed certificate in" in low:
        return "its chain ends in a certificate nobody trusts"
    if "self-signed" in low or "self signed" in low:
        return "it is self-signed"
    if "no alternative certificate subject name" in low or "does not match target host" in low:
        return "it was issued for another name"
    if "unable to get local issuer" in low or "unable to verify the first" in low:
        return "its issuer is not known (often a missing intermediate certificate)"
    return text
