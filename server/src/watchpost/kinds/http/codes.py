"""The finding codes of a watched page: it cannot be reached, answers wrongly, or slowly."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

# An explanation outranks a symptom: a name that does not resolve explains everything after it. Whoever reads
# certificates (tls.*) knows better why there is no secure connection.
CODES: tuple[Code, ...] = (
    Code("site.unreachable.dns", _ERROR, "The name does not resolve", rank=70),
    Code("site.unreachable.connect", _ERROR, "No connection", rank=65),
    Code("site.unreachable.tls", _ERROR, "No secure connection", rank=54),
    Code("site.unreachable.timeout", _ERROR, "No answer in time", rank=60),
    Code("site.unreachable.reset", _ERROR, "The connection breaks", rank=60),
    Code("site.unreachable.protocol", _ERROR, "The answer is not HTTP", rank=60),
    Code("site.refused_by_guard", _ERROR, "Closed address", rank=75, settled=True),
    Code("site.proxy_failed", _ERROR, "The proxy fails", rank=72),
    Code("site.token_refused", _ERROR, "No token for the page", rank=71),
    Code("site.error_status", _ERROR, "The page answers with an error", rank=50),
    Code("site.blocked", _WARNING, "A firewall turns our look away", rank=55),
    Code("site.client_certificate", _ERROR, "The page wants a client certificate", rank=56),
    Code("site.redirect_loop", _ERROR, "Redirects in a circle", rank=60),
    Code("site.too_many_redirects", _ERROR, "Too many redirects", rank=55),
    Code("site.bad_redirect", _ERROR, "Redirect to nowhere", rank=55),
    Code("site.not_https", _ERROR, "The page is not served by https", rank=45),
    Code("site.not_http2", _WARNING, "The page is not served by HTTP/2", rank=30),
    Code("site.not_http3", _WARNING, "The page is not served by HTTP/3", rank=31),
    Code("site.wrong_content", _ERROR, "Expected text is missing", rank=45),
    Code("site.unwanted_content", _ERROR, "Text that must not be there", rank=46),
    Code("site.pattern_missing", _ERROR, "Expected pattern is missing", rank=44),
    Code("site.wrong_json", _ERROR, "A JSON value is wrong", rank=44),
    Code("site.wrong_header", _ERROR, "A header is wrong", rank=43),
    Code("site.wrong_size", _ERROR, "The page has the wrong size", rank=42),
    Code("site.too_large", _WARNING, "The page was only read in part", rank=30),
    Code("site.bad_encoding", _INFO, "The text is declared wrongly", rank=20),
    Code("site.bad_compression", _ERROR, "The page cannot be unpacked", rank=50),
    Code("site.address_down", _WARNING, "One of several addresses is dead", rank=50),
    Code("site.dns_disagrees", _WARNING, "Resolvers disagree", rank=50),
    Code("site.slow.total", _WARNING, "The page is slow", rank=30),
    Code("site.slow.dns", _WARNING, "The name look-up is slow", rank=35),
    Code("site.slow.connect", _WARNING, "Connecting is slow", rank=34),
    Code("site.slow.tls", _WARNING, "The TLS handshake is slow", rank=34),
    Code("site.slow.wait", _WARNING, "The application is slow", rank=33),
    Code("site.slow.transfer", _WARNING, "The transfer is slow", rank=33),
    Code("site.slow.p95", _WARNING, "The slowest looks are too slow", rank=25, settled=True),
    Code("site.slow.in_row", _WARNING, "Slow several times in a row", rank=32, settled=True),
)
