"""The http kind: a page answers, quickly and with the right content."""

from watchpost.kinds.http.codes import CODES
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.ends import covers, endings, leads, names, watch
from watchpost.kinds.http.judge import judge
from watchpost.kinds.http.panel import panels
from watchpost.kinds.http.probe import probe
from watchpost.kinds.http.propose import explore, propose
from watchpost.kinds.http.slow import need
from watchpost.registry import Kind

_PHASES = ("total", "dns", "connect", "tls", "wait", "transfer", "p95", "in_row")
_UNREACHABLE = ("dns", "connect", "tls", "timeout", "reset", "protocol")
_OTHERS = (
    "refused_by_guard",
    "error_status",
    "blocked",
    "wrong_content",
    "unwanted_content",
    "pattern_missing",
    "wrong_json",
    "wrong_header",
    "wrong_size",
    "too_large",
    "redirect_loop",
    "too_many_redirects",
    "bad_redirect",
    "not_https",
    "not_http2",
    "address_down",
    "dns_disagrees",
    "bad_encoding",
    "bad_compression",
)


def _describe(config: HttpConfig) -> str:
    expect = config.expect
    wants = [" or ".join(str(status) for status in expect.status or ("2xx",))]
    wants += [f"“{text}” on the page" for text in expect.body_contains]
    if expect.json_:
        wants.append(f"{len(expect.json_)} JSON value{'s' if len(expect.json_) > 1 else ''}")
    if config.http_version == "3":
        wants.append("by HTTP/3")
    if config.every_address:
        wants.append("at every address")
    if expect.max_ms is not None:
        wants.append(f"within {expect.max_ms:g} ms")
    return f"{config.method} {config.url} answers {', '.join(wants)}"


def _target(config: HttpConfig) -> tuple[str, int]:
    return config.place.host, config.place.port


KIND = Kind(
    name="http",
    title="Web page",
    layer="uptime",
    config=HttpConfig,
    probe=probe,
    judge=judge,
    kept=frozenset({"certificate", "addresses", "more_addresses"}),
    panels=panels,
    endings=endings,
    names=names,
    covers=covers,
    leads=leads,
    watch=watch,
    codes=frozenset(entry.code for entry in CODES),
    describe=_describe,
    target=_target,
    secrets=(
        "basic_auth.password",
        "bearer",
        "headers",
        "cookies",
        "body",
        "client_key",
        "proxy",
        "oauth2.client_secret",
    ),
    past=need,
    explore=explore,
    propose=propose,
)
