"""What a tls monitor can be told about the questions beside the handshake, as types of its fields. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from watchpost.registry.place import place

# From old to new, as OpenSSL calls them.
VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def _address(value: str | None) -> str | None:
    if value is not None:
        place(value)
    return value


def _version(value: object) -> object:
    """``1.2`` without quotes is a number in YAML."""
    return f"{value:.1f}" if isinstance(value, float) else value


Revocation = Annotated[
    Literal["auto", "off"],
    Field(title="Ask whether it was revoked", description="The authority's list, every six hours."),
]
RenewalInfo = Annotated[
    Literal["auto", "off"],
    Field(title="Ask the authority when to renew", description="Let's Encrypt and Google say it (ARI)."),
]
AcmeDirectory = Annotated[
    str | None,
    AfterValidator(_address),
    Field(title="ACME directory", description="Of another authority that says when to renew."),
]
Protocols = Annotated[
    Literal["scan", "off"],
    Field(title="Try old versions of TLS", description="Three more handshakes at one address, once a day."),
]
MinProtocol = Annotated[
    Literal["1.1", "1.2", "1.3"] | None,
    BeforeValidator(_version),
    Field(title="Oldest version that may be accepted", description="An older one is a warning."),
]


def openssl_name(version: str) -> str:
    """``TLSv1.2`` of ``1.2``."""
    return f"TLSv{version}"


def spoken(version: str) -> str:
    """``TLS 1.0`` of ``TLSv1``."""
    return "TLS 1.0" if version == "TLSv1" else version.replace("TLSv", "TLS ").replace("SSLv3", "SSL 3.0")
