"""What a dns monitor is told: which name, which records, what they must be. Pure."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchpost.registry import OFTEN, Config
from watchpost.registry.duration import Duration
from watchpost.registry.place import read_host

Type = Literal["NS", "DS", "A", "AAAA", "CNAME", "MX", "CAA", "TXT"]
Types = Annotated[tuple[str, ...], BeforeValidator(lambda value: _types(value))]
ALL: tuple[Type, ...] = ("NS", "DS", "A", "AAAA", "CNAME", "MX", "CAA", "TXT")
OF_THE_ZONE = ("NS", "DS")  # these belong to the zone, the others to the name
PORT = 53
_NAMED = frozenset({"NS", "CNAME", "MX"})
_LONGEST = 160
_MOST_SERVERS, _MOST_VALUES, _MOST_GRACE_S = 8, 40, 7 * 86_400.0
Expected = dict[Type, tuple[str, ...]]


def plain(rdtype: str, text: str) -> str:
    """A value as it is compared: names in lower case without the last dot, addresses in their shortest
    spelling, no quotation marks. What stands in a TXT record is left alone."""
    words = text.strip()
    if rdtype in ("A", "AAAA") and "*" not in words:
        return str(ip_address(words))
    if rdtype in _NAMED:
        return " ".join(part.rstrip(".") or "." for part in words.lower().split())
    if rdtype == "DS":  # the digest may be written in groups
        parts = words.lower().split()
        return " ".join([*parts[:3], "".join(parts[3:])])
    if rdtype == "CAA":
        return " ".join(words.replace('"', "").split())
    return words.removeprefix('"').removesuffix('"') if words.count('"') == 2 else words


def shortened(text: str) -> str:
    """As it is kept: long values, such as keys in TXT records, end in their hash."""
    seen = "".join(c if c.isprintable() else "\ufffd" for c in text)
    if len(seen) <= _LONGEST and seen == text:
        return seen
    return f"{seen[: _LONGEST - 30]}… (sha256 {digest(text)})"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def read_server(text: str) -> tuple[str, int]:
    """``ns1.example.com``, ``192.0.2.53:5353``, ``[2001:db8::53]:5353``. Raises ValueError with the fix."""
    host, port = text.strip(), ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is no port; write the server like 192.0.2.53 or 192.0.2.53:5353")
    return read_host(host), int(port or 0)


def _types(value: object) -> object:
    """Upper case, in one order, each once; one alone may stand without a list."""
    given = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return value
    upper = [one.upper() if isinstance(one, str) else one for one in given]
    strange = [one for one in upper if one not in ALL]
    if strange:
        raise ValueError(f"{strange[0]!r} is not watched; choose from {', '.join(ALL)}")
    return tuple(one for one in ALL if one in upper)


def _expected(value: object) -> object:
    """Types in any case, one value or a list."""
    if not isinstance(value, dict):
        return value
    read: dict[object, object] = {}
    for rdtype, wanted in value.items():
        name = rdtype.upper() if isinstance(rdtype, str) else rdtype
        if name not in ALL:
            raise ValueError(f"{rdtype!r} is not watched; choose from {', '.join(ALL)}")
        read[name] = (wanted,) if isinstance(wanted, str) else () if wanted is None else wanted
    return read


Expectation = Annotated[Expected, BeforeValidator(_expected)]


class DnsConfig(Config):
    """Which name, which records. Interval, timeout and confirmation belong to the monitor."""

    domain: Annotated[str, Field(description="A domain or any name in one, like example.com.")]
    records: Annotated[Types, OFTEN, Field(min_length=1, description="Types whose changes are told.")] = ALL
    expect: Annotated[
        Expectation, OFTEN, Field(title="Exactly these", description="By type; * stands for anything.")
    ] = {}
    must_include: Annotated[
        Expectation, Field(title="These among others", description="By type; * stands for anything.")
    ] = {}
    pool: Annotated[
        Literal["auto", "always", "never"],
        Field(title="Addresses come from a pool", description="always for content networks."),
    ] = "auto"
    servers: Annotated[
        tuple[str, ...],
        Field(max_length=_MOST_SERVERS, description="Instead of those the domain names; host[:port]."),
    ] = ()
    port: Annotated[int, Field(ge=1, le=65535, description="Of name servers that are named without one.")] = (
        PORT
    )
    grace: Annotated[
        Duration, Field(title="How long servers may differ", description="0: twice the zone's refresh.")
    ] = 0.0
    signature_warn: Annotated[
        Duration, Field(title="Warn before signatures end", description="At most a quarter of their life.")
    ] = 172_800.0

    @field_validator("domain")
    @classmethod
    def _name(cls, value: str) -> str:
        host = value.strip().rstrip(".")
        if "/" in host or "@" in host or ":" in host:
            raise ValueError("give the name alone, like example.com, without https:// and port")
        name = read_host(host)
        if name.replace(".", "").isdigit():
            raise ValueError(f"{host} is an address; give a name, like example.com")
        return value.strip()

    @field_validator("expect", "must_include")
    @classmethod
    def _values(cls, value: Expected) -> Expected:
        for rdtype, wanted in value.items():
            if len(wanted) > _MOST_VALUES:
                raise ValueError(f"{rdtype}: at most {_MOST_VALUES} values can be compared")
            for one in wanted:
                _readable(rdtype, one)
        return value

    @field_validator("servers")
    @classmethod
    def _servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            read_server(one)
        return value

    @field_validator("grace")
    @classmethod
    def _not_for_ever(cls, value: float) -> float:
        if value > _MOST_GRACE_S:
            raise ValueError("it must be at most 7d; zone transfers take minutes")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        both = sorted(set(self.expect) & set(self.must_include))
        if both:
            raise ValueError(f"{both[0]} stands in expect and in must_include; keep one of them")
        return self

    @cached_property
    def name(self) -> str:
        """The name in ASCII, lower case, without the last dot."""
        return read_host(self.domain.strip().rstrip("."))

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The types whose changes are told. A CNAME takes the place of addresses, so it comes with them."""
        more = {"CNAME"} if {"A", "AAAA"} & set(self.records) else set()
        return tuple(one for one in ALL if one in {*self.records, *more})

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The types that are asked for."""
        return tuple(one for one in ALL if one in {*self.watched, *self.expect, *self.must_include})


def _readable(rdtype: str, text: str) -> None:
    try:
        plain(rdtype, text)
    except ValueError:
        raise ValueError(f"{text!r} is no value of {rdtype}; write it like {_LIKE[rdtype]}") from None
    if rdtype == "MX" and "*" not in text and len(text.split()) != 2:
        raise ValueError(f"{text!r} is no value of MX; write it like {_LIKE['MX']}")


_LIKE = {
    "A": "192.0.2.1",
    "AAAA": "2001:db8::1",
    "MX": "10 mail.example.com",
}
