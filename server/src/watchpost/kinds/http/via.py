"""The proxy that a page is asked by, as people write it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from watchpost.registry.place import read_host

_LIKE = "write it like http://user:password@proxy.example:3128"


@dataclass(frozen=True, slots=True)
class Via:
    """``host`` is ASCII, or an address without brackets. The account is for the proxy alone."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """For sentences: without the account."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def read_via(text: str) -> Via:
    """Raises ValueError with a sentence and the fix, and without what may be part of the password."""
    if any(ord(c) < 33 or c == "\x7f" for c in text.strip()):
        raise ValueError("the proxy contains a space or a line break; write others in a password as %20")
    try:
        parts = urlsplit(text.strip())
        port, host = parts.port, parts.hostname
    except ValueError:
        hint = "in user name and password write / as %2F, # as %23, ? as %3F and @ as %40"
        raise ValueError(f"the proxy cannot be read; {_LIKE}; {hint}") from None
    if parts.scheme.startswith("socks"):
        raise ValueError(f"SOCKS proxies are not spoken to; name an HTTP proxy: {_LIKE}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the proxy must begin with http:// or https://; {_LIKE}")
    if not host or not port:
        raise ValueError(f"the proxy needs a host and a port; {_LIKE}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"the proxy is a host and a port and nothing behind them; {_LIKE}")
    try:
        name = read_host(host)
    except ValueError:
        raise ValueError(f"the host of the proxy is not a host name or an IP address; {_LIKE}") from None
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if ":" in username:
        raise ValueError("the user name of the proxy contains a colon, which HTTP cannot say; remove it")
    if any(ord(c) < 32 for c in username + password):
        raise ValueError("user name or password of the proxy contain a control character; remove it")
    return Via(parts.scheme, name, port, username, password)


def _proxy(value: str | None) -> str | None:
    if not value:
        return None
    read_via(value)
    return value.strip()


ProxyUrl = Annotated[str | None, AfterValidator(_proxy)]


def check_via(proxy: str | None, url: str, ip: str, http_version: str) -> None:
    """Raises ValueError for what has no meaning by way of a proxy."""
    if proxy is None:
        return
    if ip != "any":
        raise ValueError(
            f"ip: {ip} cannot be held with a proxy, which chooses the address of the page itself; "
            "remove ip or proxy"
        )
    if http_version == "3":
        raise ValueError("http_version 3 does not pass through a proxy; take 2 or auto, or remove proxy")
    if http_version == "2" and url.startswith("http:"):
        raise ValueError(
            "http_version 2 over plain http does not pass through a proxy; "
            "take auto, or write the url with https"
        )
