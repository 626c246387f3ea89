"""How a server is asked, as people write it: header lines, cookies, credentials, authorities. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from watchpost.registry import Config
from watchpost.registry.identity import check_authorities
from watchpost.registry.place import place

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
FRAMING = frozenset({"content-length", "transfer-encoding"})  # two of them smuggle a second request


class BasicAuth(Config):
    username: str
    password: str = ""


def read_url(value: str) -> str:
    """An http or https address without a user name. Raises ValueError with a sentence and the fix."""
    place(value)
    if "@" in urlsplit(value.strip()).netloc:
        raise ValueError("the URL contains a user name; take it out and use basic_auth")
    return value.strip()


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name; letters, digits and hyphens are allowed")
        if name.lower() in FRAMING:
            raise ValueError(f"the header {name} follows from the body; take it out")
        refuse_control(name, text)
    return value


def _cookies(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not TOKEN.fullmatch(name) or ";" in text:
            raise ValueError(f"the cookie {name!r} contains a character that cookies do not allow")
        refuse_control(name, text)
    return value


def _ca_pem(value: str | None) -> str | None:
    if value and "-----BEGIN CERTIFICATE-----" not in value:
        raise ValueError("ca_pem holds no certificate; paste the PEM text with its BEGIN CERTIFICATE line")
    if value:
        check_authorities(value)
    return value or None


Url = Annotated[str, AfterValidator(read_url)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Cookies = Annotated[dict[str, str], AfterValidator(_cookies)]
CaPem = Annotated[str | None, AfterValidator(_ca_pem)]


def refuse_control(name: str, text: str) -> None:
    """Raises ValueError for a value that would end its line and begin another."""
    if any(ord(c) < 32 and c != "\t" for c in text):
        raise ValueError(f"the value of {name!r} contains a line break; remove it")


def has_header(headers: Mapping[str, str], name: str) -> bool:
    """``name`` in lower case."""
    return any(one.lower() == name for one in headers)


def lines_of(headers: Mapping[str, str], auth: BasicAuth | None) -> list[str]:
    """Header lines for the configured origin alone: custom headers, and credentials (RFC 7617)."""
    lines = [f"{name}: {text}" if text else f"{name};" for name, text in headers.items()]
    if auth:
        pair = f"{auth.username}:{auth.password}".encode()
        lines.append(f"Authorization: Basic {b64encode(pair).decode()}")
    return lines
