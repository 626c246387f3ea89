"""Authorities that cannot be read are refused where they are written, not when the monitor is down."""

from __future__ import annotations

from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from watchpost.registry import kinds

GOOD = trustme.CA().cert_pem.bytes().decode()
EMPTY = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PAGE: dict[str, Any] = {"url": "https://shop.example/"}
TOKEN = {"token_url": "https://id.example/t", "client_id": "a", "client_secret": "b"}
SPECS: dict[str, dict[str, Any]] = {
    "http": PAGE,
    "assets": PAGE,
    "health": PAGE,
    "tls": {"host": "shop.example"},
    "tcp": {"host": "shop.example", "port": 443, "tls": True},
}


@pytest.mark.parametrize("kind", sorted(SPECS))
@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (EMPTY, "the certificate in it is damaged"),
        (GOOD + EMPTY, "one of the 2 certificates in it is damaged"),
        (GOOD.replace("-----END CERTIFICATE-----", ""), "damaged or cut off"),
        ("hello", "no certificate"),
    ],
)
def test_a_broken_one_is_refused_with_a_sentence(kind: str, pem: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        kinds()[kind].config.model_validate(SPECS[kind] | {"ca_pem": pem})


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_those_that_can_be_read_are_taken(kind: str) -> None:
    for pem in (GOOD, f"our own authority\n{GOOD}{GOOD}", None):
        kinds()[kind].config.model_validate(SPECS[kind] | {"ca_pem": pem})


def test_every_kind_that_takes_authorities_is_here_and_the_token_endpoint_too() -> None:
    assert {name for name, kind in kinds().items() if "ca_pem" in kind.config.model_fields} == set(SPECS)
    with pytest.raises(ValidationError, match="damaged"):
        kinds()["http"].config.model_validate(PAGE | {"oauth2": TOKEN | {"ca_pem": EMPTY}})
