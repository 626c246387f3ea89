"""A request by way of a proxy: HTTP or HTTPS to the proxy, CONNECT for pages with TLS (RFC 9110, 9.3.6),
absolute addresses for plain ones (RFC 9112, 3.2.2).

The address connected to is the proxy's: resolved by us, pinned, asked of the guard like any other. The name
of the page is resolved by the proxy, so the guard never sees the page's address: who uses a proxy asks
``Guard.refusal`` for what it can know beforehand. TLS with the page is end to end, inside the tunnel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import pycurl

from watchpost.outbound.failure import Failure, explain

if TYPE_CHECKING:
    from watchpost.outbound.request import Request

_TLS_ERRORS = (
    pycurl.E_SSL_CONNECT_ERROR,
    pycurl.E_SSL_CIPHER,
    pycurl.E_SSL_CERTPROBLEM,
    pycurl.E_PEER_FAILED_VERIFICATION,
)
_SPEAKS_NONSENSE = (pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY)


class Proxy(NamedTuple):
    """``scheme`` is http or https; ``address`` the one of ``host`` that is connected to. ``headers`` are
    ready lines for the proxy alone, said when a tunnel is asked for. The account is for it alone, too."""

    scheme: str
    host: str
    port: int
    address: str
    username: str = ""
    password: str = ""
    headers: tuple[bytes, ...] = ()

    @property
    def pinned(self) -> str:
        """Host, port and address, when only libcurl's own table of names can tie them together; else "".

        A certificate is compared with the name, so the name has to be in the address of the proxy. The table
        belongs to a whole multi handle: each such pair needs a handle of its own.
        """
        if self.scheme != "https" or self.host == self.address:
            return ""
        return f"{self.host}:{self.port}:{_bracketed(self.address)}"


class Passage:
    """The headers of one request by proxy, and when the tunnel stood. What the proxy says to CONNECT is kept
    from the page's headers."""

    __slots__ = ("_began", "_granted", "_keep", "is_open", "opened_ms", "tunnels")

    def __init__(self, tunnels: bool, keep: Callable[[bytes], object]) -> None:
        self.tunnels = tunnels
        self.is_open = not tunnels
        self.opened_ms = 0.0
        self._keep = keep
        self._granted = False
        self._began = monotonic()

    def take(self, line: bytes) -> None:
        if self.is_open:
            self._keep(line)
        elif line[:5] == b"HTTP/":
            self._granted = line[9:10] == b"2"
        elif not line.strip() and self._granted:
            self.is_open = True
            self.opened_ms = (monotonic() - self._began) * 1000


def prepare_proxy(
    easy: pycurl.Curl, request: Request, proxy: Proxy, keep: Callable[[bytes], object]
) -> Passage:
    """Sets the way by ``proxy``. The handle has to be reset before another use."""
    put = easy.setopt
    easy.unsetopt(pycurl.CONNECT_TO)
    name = proxy.host if proxy.pinned else proxy.address
    put(pycurl.PROXY, f"{proxy.scheme}://{_bracketed(name)}:{proxy.port}")
    put(pycurl.NOPROXY, "")  # else the variable no_proxy of our own process leads round it
    if proxy.pinned:
        put(pycurl.RESOLVE, [proxy.pinned])
    if proxy.username or proxy.password:
        put(pycurl.PROXYUSERNAME, proxy.username.encode())
        put(pycurl.PROXYPASSWORD, proxy.password.encode())
    if proxy.scheme == "https" and request.ca_file:
        put(pycurl.PROXY_CAINFO, request.ca_file)
    tunnels = request.url[:6] == "https:"
    if tunnels:
        put(pycurl.PROXYHEADER, proxy.headers)
    passage = Passage(tunnels, keep)
    put(pycurl.HEADERFUNCTION, passage.take)
    return passage


def explain_by_proxy(
    easy: pycurl.Curl, code: int, refusal: str, request: Request, passage: Passage
) -> Failure | None:
    """Whose fault it is: with the phase ``proxy`` the proxy's, else the page's. None: there is no failure.

    Kinds of the phase ``proxy`` are those of ``explain``, and: account (it answers 407), denied (another
    4xx, or a redirect), gateway (a 5xx), unanswered (it keeps us waiting).
    """
    if refusal:
        return Failure("proxy", "refused_by_guard", refusal)
    denied = easy.getinfo(pycurl.HTTP_CONNECTCODE) if passage.tunnels and not passage.is_open else 0
    if denied >= 300:
        return _denial(denied)
    if not code:
        return None
    said = explain(easy, code, "", passage.tunnels, request.timeout_s)
    if not easy.getinfo(pycurl.CONNECT_TIME_T):
        return replace(said, phase="proxy")
    if not passage.is_open:
        return _no_tunnel(code, said)
    if not passage.tunnels:
        return _plain(easy, code, said)
    return said


def denial_of(status: int, header: Callable[[str], str | None]) -> Failure | None:
    """What a proxy answers itself to a request for a plain page, as far as it can be told from the page's own
    answer: 407, an error with the sign of Squid, or one of Proxy-Status (RFC 9209)."""
    if status == 407:
        return _denial(status)
    sign = header("x-squid-error") or ""
    if not sign and "error=" in (header("proxy-status") or ""):
        sign = header("proxy-status") or ""
    if status >= 400 and sign:
        said = _denial(status)
        words = "".join(c if c.isprintable() else "\ufffd" for c in sign[:80])
        return replace(said, sentence=f"{said.sentence} by itself ({words})")
    return None


def _denial(status: int) -> Failure:
    kind = "account" if status == 407 else "gateway" if status >= 500 else "denied"
    try:
        named = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        named = str(status)
    return Failure("proxy", kind, f"it answers {named}")


def _no_tunnel(code: int, said: Failure) -> Failure:
    """The proxy was reached, the page was not asked yet."""
    if code == pycurl.E_OPERATION_TIMEDOUT:
        words = f"it took the connection, but opened no way within {_within(said)}"
        return Failure("proxy", "unanswered", words)
    if code in _TLS_ERRORS:
        return replace(said, phase="proxy")
    if code in _SPEAKS_NONSENSE:
        return Failure("proxy", "protocol", "it does not answer in HTTP")
    if code == pycurl.E_RECV_ERROR or said.kind in ("reset", "closed"):
        return Failure("proxy", "closed", "it closed the connection in place of opening a way")
    return replace(said, phase="proxy")


def _plain(easy: pycurl.Curl, code: int, said: Failure) -> Failure:
    """A plain page: the proxy speaks for it, so what breaks before an answer began is the proxy's. Only its
    silence is the page's, for which it waits."""
    if code in _TLS_ERRORS:  # the page has none
        return Failure("proxy", said.kind, said.sentence)
    if not easy.getinfo(pycurl.REQUEST_SIZE):
        if said.kind == "timeout":
            return Failure(
                "proxy", "unanswered", f"the TLS handshake was not finished within {_within(said)}"
            )
        return replace(said, phase="proxy")
    if code == pycurl.E_GOT_NOTHING or (code == pycurl.E_RECV_ERROR and said.phase != "transfer"):
        return Failure("proxy", "closed", "it closed the connection without an answer")
    if said.kind == "protocol":
        return Failure("proxy", "protocol", "it does not answer in HTTP")
    return said


def _within(said: Failure) -> str:
    return said.sentence.rpartition(" within ")[2]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
