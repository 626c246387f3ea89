"""How an address is told. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

import idna

MOST = 120
_USER = re.compile(r"//[^/?#]*@")


def without_user(address: str) -> str:
    """Whatever a server wrote into a Location: user name and password are not to be kept."""
    return _USER.sub("//", address)


def shown(address: str, most: int = MOST) -> str:
    """The address for a sentence that goes into mails and onto other people's screens: without user name,
    password and the values of its query, which may be secrets, and shortened in the middle."""
    plain = without_user("".join(c if c.isprintable() else "\ufffd" for c in address))
    try:
        parts = urlsplit(plain)
        query = "?…" if parts.query else ""
        plain = urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")) + query
    except ValueError:  # not an address at all, but what a server wrote in the place of one
        plain = plain.partition("?")[0]
    if len(plain) <= most:
        return plain
    tail = most // 4
    return f"{plain[: most - tail - 1]}…{plain[-tail:]}"


def shown_name(host: str) -> str:
    """``bücher.example (xn--bcher-kva.example)``: a host name in ASCII as its owner writes it, and as
    machines do, for letters may look alike. Other names as they are."""
    if "xn--" not in host:
        return host
    try:
        return f"{idna.decode(host)} ({host})"
    except idna.IDNAError:
        return host


def quoted(value: object, most: int = 80) -> str:
    """What somebody typed, in quotation marks as Python has them, and shortened: a refusal must not fill the
    page that it stands on."""
    if isinstance(value, str):
        return repr(value if len(value) <= most else f"{value[: most - 1]}…")
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
