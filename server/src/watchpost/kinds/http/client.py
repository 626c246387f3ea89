"""What is said of a server that demands a client certificate, or refuses ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchpost.core.types import Finding
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry.place import place
from watchpost.registry.shown import shown

Facts = Mapping[str, Any]
CODE = "site.client_certificate"
# nginx's own statuses (ngx_http_ssl_module); to visitors it turns both into 400 and says which in the page.
_REFUSED, _MISSING = 495, 496
_SAYS = {"The SSL certificate error": _REFUSED, "No required SSL certificate was sent": _MISSING}


def by_status(config: HttpConfig, facts: Facts, excerpt: str) -> Finding | None:
    """The finding, if the status and nginx's page mean a client certificate."""
    status = facts["status"]
    meant = status
    if status == 400:
        meant = next((found for sign, found in _SAYS.items() if sign in excerpt), 0)
    if meant not in (_REFUSED, _MISSING):
        return None
    missing = meant == _MISSING
    why = f"it {'demands a certificate of the visitor' if missing else 'refuses the certificate shown'}"
    url = shown(facts.get("final", config.place.url))
    sentence = f"{url} lets no visitor in without a valid client certificate: it answers {status}, {why}."
    return Finding(CODE, config.place.host, sentence, _fix(config, facts, missing))


def by_alert(config: HttpConfig, facts: Facts, start: str) -> Finding:
    """The finding for a handshake that the server ended over a certificate; ``start`` begins the sentence."""
    failure = facts["failure"]
    sentence = f"{start} lets no visitor in without a valid client certificate: {failure['sentence']}."
    missing = "demands" in failure["sentence"]
    return Finding(CODE, failure.get("host", config.place.host), sentence, _fix(config, facts, missing))


def _fix(config: HttpConfig, facts: Facts, missing: bool) -> str:
    public = (
        "If the page is meant for everybody, take the demand out of the web server (nginx: ssl_verify_client)"
    )
    if config.client_cert is None:
        return (
            "Give the monitor client_cert and client_key, issued by an authority that the server trusts "
            f"(nginx: ssl_client_certificate), or watch a page that is open. {public}."
        )
    if missing and _is_elsewhere(config, facts):
        return (
            "The redirect leads to another origin, and client_cert is shown to that of the url only: "
            f"write the last address of the chain into url. {public}."
        )
    return (
        "Check with `openssl x509 -noout -dates -issuer` that client_cert has not expired and that its "
        "issuer is among those the server trusts (nginx: ssl_client_certificate, ssl_crl); then replace "
        f"client_cert and client_key, or correct the server. {public}."
    )


def _is_elsewhere(config: HttpConfig, facts: Facts) -> bool:
    try:
        return place(facts.get("final", config.place.url)).origin != config.place.origin
    except ValueError:  # cut off
        return True
