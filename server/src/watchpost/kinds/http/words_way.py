"""The sentences for what stands between us and the page. Pure: nothing here is said of the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry.closed import to_open
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]

_FIX_OF_PROXY = {
    "account": "Write user name and password into proxy (http://user:password@host:port) or correct them; "
    "only Basic authentication is spoken.",
    "denied": "Allow {page}, and the address of this Watchpost server, in the rules of the proxy "
    "(Squid: http_access and SSL_ports).",
    "gateway": "On the machine of the proxy, try `curl -v {url}`: if that fails, too, the page is down or "
    "its name does not resolve there; if not, look into the log of the proxy.",
    "unanswered": "Look into the log and the load of the proxy. On its machine, try `curl -v {url}`: if that "
    "hangs, too, the page or the way to it does.",
    "refused": "Start the proxy (Squid: `systemctl status squid`), and check host and port in proxy.",
    "unreachable": "Check that the machine of the proxy is on and reachable from this Watchpost server.",
    "timeout": "Check that the machine of the proxy is on and its firewall lets this Watchpost server in.",
    "certificate": "Renew the certificate of the proxy, or paste the authority it comes from into ca_pem.",
    "tls": "Check whether this port of the proxy speaks TLS; if not, write proxy with http://.",
    "name": "Check the host in proxy and its DNS record; if other names fail, too, it is our resolver.",
}
_FIX_OF_ANY_PROXY = (
    "Check that host, port and scheme in proxy are those of an HTTP proxy; look for the request in its log."
)

_FIX_OF_TOKEN = {
    "client": "Compare client_id and client_secret of oauth2 with the identity provider: the secret may have "
    "been renewed or have expired there. If both are right, send them the other way (auth: {other}).",
    "scope": "Correct scope and audience of oauth2, or allow them for this client at the identity provider.",
    "grant": "Allow this client the client credentials grant at the identity provider (Keycloak: service "
    "accounts roles, Auth0: machine to machine).",
    "place": "Correct token_url: the provider's /.well-known/openid-configuration names it token_endpoint.",
    "nonsense": "Check that token_url is the token endpoint and not a login page or something in front of "
    "it: the provider's /.well-known/openid-configuration names it token_endpoint.",
    "limited": "Look less often, or raise the limit for this client at the identity provider.",
    "server": "Look into the log of the identity provider: it fails while it makes the token.",
    "name": "Check the host in token_url and its DNS record; if other names fail, too, it is our resolver.",
    "certificate": "Renew the certificate of the token endpoint, or paste the authority it comes from into "
    "ca_pem of oauth2.",
    "denied": "Read what the identity provider says, and compare oauth2 with what it expects.",
}
_FIX_OF_REACH = (
    "Check that the identity provider is up and that this Watchpost server reaches token_url "
    "(`curl -v {token_url}` on it)."
)


def failed_on_the_way(config: HttpConfig, facts: Facts) -> Finding | None:
    """The finding of a failure before the page was asked; None: the failure is not one of these."""
    if facts["failure"]["phase"] == "proxy":
        return _by_proxy(config, facts)
    if facts["failure"]["phase"] == "token":
        return _by_token(config, facts)
    return None


def _by_proxy(config: HttpConfig, facts: Facts) -> Finding:
    failure, via = facts["failure"], config.via
    where = failure["host"] if via is None else via.shown
    kind, why = failure["kind"], failure["sentence"]
    url = facts.get("final", config.place.url)
    if kind == "refused_by_guard":
        return Finding(
            "site.refused_by_guard",
            failure["host"],
            f"The proxy {where} was not asked for {shown(url)}: {why}, "
            "and such addresses are closed to monitors.",
            f"{to_open(why, 'this proxy is yours and meant to be used')}; otherwise correct proxy.",
        )
    fix = _FIX_OF_PROXY.get(kind, _FIX_OF_ANY_PROXY)
    more = f" and {config.oauth2.place.host}" if config.oauth2 is not None else ""
    return Finding(
        "site.proxy_failed",
        where,
        f"{shown(url)} could not be asked by way of the proxy {where}: {why}.",
        fix.format(page=_host_of(url) + more, url=shown(url)),
    )


def _by_token(config: HttpConfig, facts: Facts) -> Finding:
    failure, oauth2 = facts["failure"], config.oauth2
    where = failure["host"] if oauth2 is None else shown(oauth2.token_url)
    kind, why = failure["kind"], failure["sentence"]
    page = shown(config.place.url)
    if kind == "refused_by_guard":
        return Finding(
            "site.refused_by_guard",
            failure["host"],
            f"The token endpoint {where} was not asked for a token for {page}: {why}, "
            "and such addresses are closed to monitors.",
            f"{to_open(why, 'this endpoint is yours and meant to be used')}; otherwise correct token_url.",
        )
    other = "body" if oauth2 is None or oauth2.auth == "basic" else "basic"
    fix = _FIX_OF_TOKEN.get(kind, _FIX_OF_REACH)
    return Finding(
        "site.token_refused",
        failure["host"],
        f"The token endpoint {where} gives no token for {page}: {why}.",
        fix.format(other=other, token_url=where),
    )


def _host_of(url: str) -> str:
    return url.split("/", 3)[2]
