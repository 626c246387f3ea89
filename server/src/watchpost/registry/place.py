"""Where a monitor looks: a URL as people write it, taken apart and made ASCII. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit, urlunsplit

import idna

from watchpost.registry.shown import quoted

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER_AT_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_SAFE = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart: everything ASCII, no fragment, no user name."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


@lru_cache(maxsize=8192)
def place(url: str) -> Place:
    """Reads an absolute http or https URL. Raises ValueError with a sentence and the fix."""
    if any(ord(c) < 32 or c == "\x7f" for c in url):
        raise ValueError("the URL contains a control character or a line break; remove it")
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname
    except ValueError as problem:
        raise ValueError(
            f"the URL cannot be read: {_unreadable(str(problem))}; write it like https://shop.example/path"
        ) from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL must begin with http:// or https://, like https://shop.example/path")
    if not host:
        raise ValueError("the URL has no host; write it like https://shop.example/path")
    if port == 0:
        raise ValueError("port 0 does not exist; leave the port out or use 1 to 65535")
    name = read_host(host)
    port = port or (443 if parts.scheme == "https" else 80)
    usual = port == (443 if parts.scheme == "https" else 80)
    netloc = (f"[{name}]" if ":" in name else name) + ("" if usual else f":{port}")
    path = quote(parts.path or "/", safe=_SAFE)
    whole = urlunsplit((parts.scheme, netloc, path, quote(parts.query, safe=_SAFE), ""))
    return Place(whole, parts.scheme, name, port)


def _unreadable(problem: str) -> str:
    """Python's words for an address it cannot take apart, in those of people."""
    if problem.startswith("Port"):
        return "its port is not a number from 1 to 65535"
    if "IPv6" in problem:
        return "what stands in [ ] is no IPv6 address"
    return "its host has impossible characters"


def _ascii_name(host: str) -> str:
    """The host in ASCII, lower case (IDNA 2008 with the mapping browsers use). Raises ValueError."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:  # its words are for programmers
        raise ValueError(f"{quoted(host)} is not a valid host name; check the spelling") from None


def read_host(host: str) -> str:
    """A host name in ASCII, lower case, or an IP address; no brackets. Raises ValueError."""
    if ":" in host:
        if "%" in host:
            raise ValueError("an IPv6 address with a zone (%) cannot be watched; leave the zone out")
        return _address(host, "IPv6 address; write it like 2001:db8::1")
    name = _ascii_name(host.rstrip("."))
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"{quoted(host)} is not a valid host name; check the spelling")
    if _NUMBER_AT_END.fullmatch(name):  # an address, whatever spelling (WHATWG URL)
        return _address(name, "IPv4 address; write it like 192.0.2.1")
    return name


def _address(text: str, what: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a valid {what}") from None
