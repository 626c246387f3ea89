"""One request, and how it is put to libcurl."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pycurl

from watchpost.outbound.proxy import Proxy

MAX_BODY = 1024 * 1024
_HTTP_VERSIONS = {
    "auto": pycurl.CURL_HTTP_VERSION_2TLS,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2TLS,
    "3": getattr(pycurl, "CURL_HTTP_VERSION_3ONLY", 31),  # by QUIC alone: no TCP in its place
}
# Not every libcurl is built with it; the wheel of pycurl is.
SPEAKS_HTTP3 = bool(pycurl.version_info()[4] & getattr(pycurl, "VERSION_HTTP3", 1 << 25))


class Request(NamedTuple):
    """One exchange. ``url`` is ASCII; ``headers`` are ready lines; times in seconds.

    ``http_version``: auto | 1.1 | 2 | 3, which is asked by QUIC alone, over https.

    ``certificate`` asks for the served chain; libcurl spends tens of microseconds on it. ``sink`` takes the
    unpacked body piece by piece, up to ``max_body`` bytes, in the place of ``Reply.body``: for what is large.
    ``identity`` is our own certificate with its chain and its key, in PEM, for a server that asks for one.
    With a ``proxy`` the address that is connected to is the proxy's, and ``address`` has no meaning.
    """

    url: str
    host: str
    port: int
    address: str
    headers: tuple[bytes, ...] = ()
    method: str = "GET"
    body: bytes | None = None
    http_version: str = "auto"
    verify_tls: bool = True
    ca_file: str = ""
    certificate: bool = False
    connect_timeout_s: float = 5.0
    timeout_s: float = 10.0
    max_body: int = MAX_BODY
    sink: Callable[[bytes], object] | None = None
    identity: tuple[bytes, bytes] | None = None
    proxy: Proxy | None = None


def prepare(easy: pycurl.Curl, request: Request, trusted: str) -> bool:
    """Sets what differs between requests. True: more than the common options were touched.

    ``trusted`` is the CA file that the handle has set already.
    """
    put = easy.setopt
    put(pycurl.URL, request.url)
    if request.proxy is None:
        at = f"[{request.address}]" if ":" in request.address else request.address
        put(pycurl.CONNECT_TO, (f"::{at}:{request.port}",))
    put(pycurl.CONNECTTIMEOUT_MS, max(1, int(request.connect_timeout_s * 1000)))
    put(pycurl.TIMEOUT_MS, max(1, int(request.timeout_s * 1000)))
    put(pycurl.HTTPHEADER, request.headers)
    odd = False
    if request.method != "GET":
        odd = True
        _prepare_method(easy, request)
    if request.url[:6] == "https:":
        odd = _prepare_tls(easy, request, trusted) or odd
    elif request.http_version == "2" and request.proxy is None:  # a proxy is asked in HTTP/1.1
        odd = True
        put(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE)
    return odd


def _prepare_method(easy: pycurl.Curl, request: Request) -> None:
    if request.method == "HEAD":
        easy.setopt(pycurl.NOBODY, 1)
        return
    if request.body is not None:
        easy.setopt(pycurl.POSTFIELDSIZE, len(request.body))
        easy.setopt(pycurl.COPYPOSTFIELDS, request.body)
    easy.setopt(pycurl.CUSTOMREQUEST, request.method)


def _prepare_tls(easy: pycurl.Curl, request: Request, trusted: str) -> bool:
    usual = request.http_version == "auto" and request.verify_tls and not request.certificate
    if usual and request.ca_file == trusted and request.identity is None:
        return False
    easy.setopt(pycurl.HTTP_VERSION, _HTTP_VERSIONS[request.http_version])
    if request.certificate:
        easy.setopt(pycurl.OPT_CERTINFO, 1)
    if not request.verify_tls:
        easy.setopt(pycurl.SSL_VERIFYPEER, 0)
        easy.setopt(pycurl.SSL_VERIFYHOST, 0)
    if request.ca_file and request.ca_file != trusted:
        easy.setopt(pycurl.CAINFO, request.ca_file)
    if request.identity is not None:
        # From memory: a key never touches the disk.
        easy.setopt(pycurl.SSLCERT_BLOB, request.identity[0])
        easy.setopt(pycurl.SSLKEY_BLOB, request.identity[1])
    return True
