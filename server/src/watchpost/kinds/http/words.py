"""The sentences of the http kind: what is wrong and what to do, for somebody who is tired. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.http import client
from watchpost.kinds.http.config import HttpConfig
from watchpost.kinds.http.words_way import failed_on_the_way
from watchpost.registry.closed import to_open
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]

_FIX_BY_KIND = {
    "nxdomain": "Check that the domain is still registered and that the record exists at its DNS provider.",
    "no_data": "Add an A or AAAA record for this name at the DNS provider.",
    "servfail": "Check the domain's name servers and DNSSEC; if other names fail, too, it is our resolver.",
    "unanswered": "Check the network of this Watchpost server and the DNS servers it asks (RESOLVERS); "
    "if other names resolve, check the name servers of the domain.",
    "refused": "Start the web server (`systemctl status nginx`) and check that it listens on this port.",
    "unreachable": "Check that the machine is on and that its network and firewall let this port through.",
    "certificate": "Renew or replace the certificate, then reload the web server so that it serves it.",
    "tls": "Check that this port speaks TLS (nginx: `listen 443 ssl;`), and the web server's protocol "
    "versions and certificate.",
    "reset": "Look into the web server's error log: a worker was killed or a proxy cut the connection.",
    "closed": "Look into the logs of web server and gunicorn: a worker probably died while answering; "
    "`journalctl -k` says whether the kernel killed it for want of memory.",
    "cut": "Look for killed workers, full disks of proxy buffers, and a Content-Length that is too large.",
    "protocol": "Check that the port and the scheme (http or https) in the URL are those of the web server.",
    "malformed": "Find out what writes it: a header set by hand in the application, or a proxy in between.",
    "http2": "Set http_version to auto, or switch HTTP/2 on in the web server for this port.",
    "headers": "Find what makes the headers grow without end: usually cookies set again and again.",
}
# What is wrong with the certificate, by the words of ``outbound.failure``; otherwise as above.
_FIX_BY_REASON = {
    "issued for another name": "Add this name to the certificate, or give the name a server block of its own "
    "(nginx: server_name) with its certificate: without one another site's is served.",
    "issuer is not known": "Serve the whole chain (nginx: ssl_certificate with fullchain.pem); if the issuer "
    "is an authority of your own, give it to the monitor in ca_pem.",
    "certificate nobody trusts": "If the authority is your own, give it to the monitor in ca_pem; otherwise "
    "get a certificate of an authority that browsers know.",
    "self-signed": "Get a certificate of an authority that browsers know; if it is meant so, give it to the "
    "monitor in ca_pem.",
    "not valid yet": "Compare the clocks of the web server and of this Watchpost server; if both are right, "
    "serve the old certificate until the new one begins.",
}
_FIX_BY_PHASE = {
    "dns": "Check the resolvers this server uses; if only this name is slow, look at its name servers.",
    "connect": "Check that the machine is on and that the firewall lets this port through.",
    "tls": "Check that this port speaks TLS and that the machine is not overloaded.",
    "send": "Check whether the web server is overloaded.",
    "wait": "Look at gunicorn: its workers may all be busy or waiting for the database or another service.",
    "transfer": "Look for an endless or very slow response and for a saturated line.",
}
_CODES = {
    "certificate": "tls",
    "tls": "tls",
    "reset": "reset",
    "cut": "reset",
    "closed": "reset",
    "headers": "protocol",
    "malformed": "protocol",
    "http2": "protocol",
    "protocol": "protocol",
    "other": "protocol",
}

_GATEWAY = {
    502: "the web server is up, but the application behind it does not answer",
    503: "the application is not ready to serve: overloaded, in maintenance, or without a worker",
    504: "the web server is up, but the application behind it did not answer in time",
}
_GATEWAY_FIX = {
    502: "Check that gunicorn runs (`systemctl status gunicorn`), that it listens where the web server "
    "looks for it, and what its log says about the last start. If it runs, a worker dies while it answers: "
    "`journalctl -k` says whether the kernel killed it for want of memory.",
    503: "Check whether a maintenance page is switched on; if not, look at gunicorn's workers and load.",
    504: "Find the slow requests: all gunicorn workers may be busy or waiting for the database. "
    "Restart gunicorn if it hangs, and compare its timeout with the web server's.",
}


def _reason(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def unreachable(config: HttpConfig, facts: Facts) -> Finding:
    """No complete answer: the phase names the code."""
    before = failed_on_the_way(config, facts)
    if before is not None:
        return before
    failure = facts["failure"]
    phase, kind, why = failure["phase"], failure["kind"], failure["sentence"]
    host, final = failure.get("host", config.place.host), facts.get("final", "")
    url = shown(config.place.url)
    start = url if final in ("", config.place.url) else f"{url} redirects to {shown(final)}, which"
    if kind == "refused_by_guard":
        return Finding(
            "site.refused_by_guard",
            host,
            f"{start} was not looked at: {why}, and such addresses are closed to monitors.",
            f"{to_open(why)}; otherwise correct {_what_leads_there(config, facts)}.",
        )
    if kind == "client":
        return client.by_alert(config, facts, start)
    if kind == "encoding":
        return bad_compression(shown(final) or url, why)
    if phase == "dns":
        code = "site.unreachable.dns"
    elif kind == "timeout":
        code = "site.unreachable.timeout"
    else:
        code = f"site.unreachable.{_CODES.get(kind, 'connect')}"
    fix = _FIX_BY_KIND.get(kind) if not (phase == "dns" and kind == "refused") else None
    if kind == "certificate":
        fix = next((words for reason, words in _FIX_BY_REASON.items() if reason in why), fix)
    # Whoever has begun to answer was reached.
    what = "does not finish its answer" if phase == "transfer" else "cannot be reached"
    return Finding(code, host, f"{start} {what}: {why}.", fix or _FIX_BY_PHASE[phase])


def _what_leads_there(config: HttpConfig, facts: Facts) -> str:
    if facts.get("final", config.place.url) != config.place.url:
        return "the redirect that leads there"
    return "the address of this monitor" if _is_address(config.place.host) else "the DNS record of this name"


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def broken_redirect(config: HttpConfig, facts: Facts) -> Finding:
    url = shown(config.place.url)
    if "loop" in facts:
        return Finding(
            "site.redirect_loop",
            config.place.host,
            f"{url} redirects in a circle: it comes back to {shown(facts['loop'])}.",
            "Check SECURE_SSL_REDIRECT and SECURE_PROXY_SSL_HEADER in Django's settings against the proxy: "
            "Django must be told that the request came in by https.",
        )
    if "too_many" in facts:
        return Finding(
            "site.too_many_redirects",
            config.place.host,
            f"{url} redirects more than {facts['too_many']} times; "
            f"the last stop was {shown(facts['final'])}.",
            "Shorten the chain of redirects, or raise max_redirects if it is meant to be so long.",
        )
    return Finding(
        "site.bad_redirect",
        config.place.host,
        f"{url} redirects to an address that cannot be opened: {_short(facts['bad_redirect'], 300)}.",
        "Correct the Location header: it must be an http or https address.",
    )


def wrong_status(config: HttpConfig, facts: Facts, excerpt: str) -> Finding:
    status, url = facts["status"], shown(facts.get("final", config.place.url))
    host = config.place.host
    limited = status == 429 and "retry_after" in facts
    if "challenge" in facts or limited:
        sign = facts.get("challenge") or f"it asks to come back after {facts['retry_after']}"
        return Finding(
            "site.blocked",
            host,
            f"{url} turns our look away with {_reason(status)} ({_short(sign)}): "
            "visitors may see the page all the same.",
            _let_us_in(facts),
        )
    if (asks := client.by_status(config, facts, excerpt)) is not None:
        return asks
    meaning, fix = _explain_status(status, facts, excerpt)
    return Finding("site.error_status", host, f"{url} answers {_reason(status)}: {meaning}.", fix)


def _let_us_in(facts: Facts) -> str:
    agent = f"the user agent “{facts['agent']}”" if "agent" in facts else "this monitor's user agent"
    place = "in the firewall or bot protection in front of the site, or look less often"
    if "by" in facts:
        return f"Allow {agent} and the address with which the proxy {facts['by']} goes out {place}."
    ours = facts.get("from", "")
    if ours and ip_address(ours).is_global:
        return f"Allow {agent} and the address {ours} {place}."
    hint = f" (its own is {ours}; your network shows another one outside)" if ours else ""
    return f"Allow {agent} and the public address of this Watchpost server{hint} {place}."


def _explain_status(status: int, facts: Facts, excerpt: str) -> tuple[str, str]:
    if status in _GATEWAY:
        return _GATEWAY[status], _GATEWAY_FIX[status]
    if status >= 600:
        return (
            "HTTP has no such status",
            "Find out what answers so: usually a bot protection, a broken proxy or a header set by hand.",
        )
    if status >= 500:
        return (
            "the application failed while it made the page",
            "Look for the traceback in Django's log or in the error tracker; compare with the last deploy.",
        )
    if status == 400 and "Bad Request (400)" in excerpt:
        return (
            "Django does not know this host name or refuses the request",
            "Add the host to ALLOWED_HOSTS in Django's settings.",
        )
    if status == 403 and "CSRF" in excerpt:
        return (
            "Django's CSRF protection refused the request",
            "Watch a page that is read with GET, or add the token.",
        )
    if status == 401:
        return (
            "the page wants credentials",
            "Give the monitor basic_auth, bearer or a cookie, or watch a public page; "
            "if the page should be public, take auth_basic or the login away from it.",
        )
    if status == 403:
        return (
            "the page does not allow this visitor",
            "If everybody may see it, look for what forbids it: nginx's error log names its own rules (deny) "
            "and files it may not read; otherwise it is Django's permissions, or a firewall in front. "
            "If it is not public, give the monitor basic_auth, bearer or a cookie.",
        )
    if status in (404, 410):
        return (
            "there is no page at this address",
            "Check the path, Django's URL patterns and the last deploy.",
        )
    if 300 <= status < 400:
        where = shown(facts["location"]) if "location" in facts else "an unnamed place"
        return (f"it redirects to {where}", "Set follow_redirects, or accept this status in expect.status.")
    if status < 300:
        return (
            "this is not a status that is expected here",
            "Correct expect.status or the view behind this page.",
        )
    return ("the server finds fault with the request", "Check method, headers and body of the monitor.")


def not_https(start: str, url: str) -> Finding:
    """``url``: where the redirects from ``start`` end."""
    led = (
        f"{start} leads to {url}, which is not https" if start != url else f"{url} does not redirect to https"
    )
    return Finding(
        "site.not_https",
        url,
        f"{led}: the page comes unencrypted, with passwords and cookies readable on the way.",
        "Redirect http to https: `return 301 https://$host$request_uri;` in nginx's server of port 80, or "
        "SECURE_SSL_REDIRECT = True in Django (with SECURE_PROXY_SSL_HEADER behind a proxy).",
    )


def not_http2(url: str, version: str) -> Finding:
    return Finding(
        "site.not_http2",
        "http_version",
        f"{url} answers, but over HTTP/{version} and not over HTTP/2.",
        "Switch HTTP/2 on where TLS ends (nginx: `http2 on;`, before 1.25.1 `listen 443 ssl http2;`), "
        "or set http_version to auto.",
    )


def missing_text(url: str, text: str) -> Finding:
    return Finding(
        "site.wrong_content",
        _short(text),
        f"{url} answers, but the text {_short(text)!r} is not on the page.",
        "Open the page: it may show an error or a maintenance notice. "
        "If its wording has changed, correct the words that must be on the page (body_contains).",
    )


def unwanted_text(url: str, text: str) -> Finding:
    return Finding(
        "site.unwanted_content",
        _short(text),
        f"{url} answers, but shows the text {_short(text)!r} that must not be there.",
        "Open the page and find where the text comes from; usually the last deploy or a template.",
    )


def missing_pattern(url: str, pattern: str) -> Finding:
    return Finding(
        "site.pattern_missing",
        _short(pattern),
        f"{url} answers, but nothing on the page matches the pattern {_short(pattern)!r}.",
        "Compare the page with body_matches; one of them has changed.",
    )


def wrong_json(url: str, rule: Mapping[str, Any]) -> Finding:
    if "not_json" in rule:
        return Finding(
            "site.wrong_json",
            "json",
            f"{url} answers, but not with JSON (content type: {rule['not_json']}).",
            "Check that the URL is that of the API and not of a login or error page.",
        )
    found = f"is {rule['found']}" if "found" in rule else "does not exist"
    wanted = "to exist" if rule["op"] == "exists" else f"{rule['op']} {rule['value']!r}"
    return Finding(
        "site.wrong_json",
        f"{rule['path']} {rule['op']}",
        f"{url}: the value at {rule['path']} {found}, expected {wanted}.",
        "Look at what the API reports; if the new value is right, correct the rule under expect.json.",
    )


def wrong_header(url: str, header: Mapping[str, Any]) -> Finding:
    is_now = "is missing" if header["found"] is None else f"is {_short(header['found'])!r}"
    return Finding(
        "site.wrong_header",
        header["name"].lower(),
        f"{url}: the header {header['name']} {is_now}, expected {_short(header['wanted'])!r}.",
        "Check the web server's and Django's settings that write this header.",
    )


def wrong_size(url: str, what: str) -> Finding:
    return Finding(
        "site.wrong_size",
        "size",
        f"{url} {what}.",
        "Open the page: an empty or a cut page, or an error page in its place, changes the size.",
    )


def too_large(url: str, cap: int) -> Finding:
    return Finding(
        "site.too_large",
        "size",
        f"{url} is larger than {cap} bytes; only the beginning was read and looked into.",
        "Raise max_body if the page is meant to be so large, or watch a smaller page.",
    )


def bad_encoding(url: str, why: str) -> Finding:
    return Finding(
        "site.bad_encoding",
        "charset",
        f"{url} declares its text wrongly: {why}.",
        "Correct the charset in the Content-Type header (Django: DEFAULT_CHARSET), usually to utf-8.",
    )


def bad_compression(url: str, why: str) -> Finding:
    return Finding(
        "site.bad_compression",
        "compression",
        f"{url} cannot be read: {why}.",
        "Check the gzip or brotli settings of web server and GZipMiddleware: "
        "something compresses twice or not at all.",
    )
