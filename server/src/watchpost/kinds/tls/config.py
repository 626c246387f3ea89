"""What a tls monitor is told: whose certificate, how to ask for it, and how early to warn. Pure."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchpost.kinds.tls.options import AcmeDirectory, MinProtocol, Protocols, RenewalInfo, Revocation
from watchpost.registry import OFTEN, Config
from watchpost.registry.asking import CaPem
from watchpost.registry.duration import Duration, parse_duration
from watchpost.registry.place import read_host
from watchpost.registry.shown import quoted

PORTS = {"none": 443, "smtp": 587, "imap": 143, "postgres": 5432}
_PERCENT = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*%")
_DAY_S = 86_400


@lru_cache(maxsize=8192)
def read_name(text: str) -> str:
    """A host name in ASCII or an IP address, as ``registry.place`` reads it; brackets are forgiven.
    Raises ValueError with a sentence and the fix."""
    host = text.strip().rstrip(".").removeprefix("[").removesuffix("]")
    if "/" in host or "@" in host:
        raise ValueError("give the name alone, like shop.example, without https:// and path")
    if host.count(":") == 1:
        raise ValueError(f"{quoted(text)} is no name; write the port in port")
    return read_host(host)


@lru_cache(maxsize=1024)
def limit_s(text: str, lifetime_s: float) -> float:
    """Seconds before the end at which to speak: the smallest of ``21d or 25%`` for this lifetime.

    Relative, because lifetimes shrink (398, 200, 100, 47 days by 2029; six days and hours exist today):
    21 days are a quarter of an old certificate and more than the whole life of a new one.
    """
    found = []
    for part in text.split(" or "):
        percent = _PERCENT.fullmatch(part.strip())
        found.append(lifetime_s * float(percent[1]) / 100 if percent else parse_duration(part))
    return min(found)


def _limit(value: object) -> object:
    """Elsewhere a bare number is seconds, here everybody means days: it is refused in words, not guessed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return value


Limit = Annotated[str, BeforeValidator(_limit)]
IpFamily = Annotated[Literal["both", "4", "6"], BeforeValidator(lambda value: str(value))]


class TlsConfig(Config):
    """Whose certificate, and how early to warn. Interval, timeout and confirmation belong to the monitor."""

    host: Annotated[str, Field(description="A name or an address, like shop.example.")]
    port: Annotated[
        int | None, OFTEN, Field(ge=1, le=65535, description="Empty: 443, or STARTTLS's own.")
    ] = None
    sni: Annotated[
        str | None, Field(title="Name to ask for", description="If it is another one than the host.")
    ] = None
    starttls: Annotated[
        Literal["none", "smtp", "imap", "postgres"], Field(title="STARTTLS", description="Spoken before TLS.")
    ] = "none"
    ca_pem: CaPem = None
    warn: Annotated[
        Limit, Field(title="Warn when less is left", description="The smallest counts: 21d or 25%.")
    ] = "21d or 25%"
    critical: Annotated[
        Limit, Field(title="Critical when less is left", description="The smallest counts: 7d or 10%.")
    ] = "7d or 10%"
    ip: IpFamily = "both"
    every_address: Annotated[bool, Field(title="Look at every address")] = True
    same_everywhere: Annotated[bool, Field(title="The same certificate at every address")] = True
    grace: Annotated[
        Duration, Field(title="How long addresses may differ", description="A renewal takes its time.")
    ] = 3600.0
    revocation: Revocation = "auto"
    renewal_info: RenewalInfo = "auto"
    acme_directory: AcmeDirectory = None
    protocols: Protocols = "scan"
    min_protocol: MinProtocol = None

    @field_validator("host", "sni")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None:
            read_name(value)
        return value.strip() if value is not None else None

    @field_validator("warn", "critical")
    @classmethod
    def _readable(cls, value: str) -> str:
        bare = next((part.strip() for part in value.split(" or ") if part.strip()[-1:].isdigit()), None)
        if bare is not None:
            raise ValueError(f"{bare} of what? Write it like {bare}d or {bare}%")
        try:
            seconds = limit_s(value, 90.0 * _DAY_S)
        except ValueError:
            raise ValueError(f"{value!r} cannot be read; write it like 21d, 25% or 21d or 25%") from None
        if seconds <= 0:
            raise ValueError("it must be more than nothing; write it like 21d, 25% or 21d or 25%")
        return value

    @field_validator("grace")
    @classmethod
    def _not_for_ever(cls, value: float) -> float:
        if value > 30 * _DAY_S:
            raise ValueError("it must be at most 30d; set same_everywhere to false if they may always differ")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        for days in (398, 90, 6):
            if limit_s(self.critical, days * _DAY_S) > limit_s(self.warn, days * _DAY_S):
                raise ValueError(
                    f"for a certificate of {days} days critical comes before warn; exchange them"
                )
        return self

    @cached_property
    def where(self) -> str:
        """The host that is resolved, in ASCII."""
        return read_name(self.host)

    @cached_property
    def name(self) -> str:
        """The name that is asked for and must stand in the certificate, in ASCII."""
        return read_name(self.sni or self.host)

    @cached_property
    def door(self) -> int:
        """The port."""
        return self.port or PORTS[self.starttls]

    @cached_property
    def shown(self) -> str:
        """The name for a sentence, with whatever is unusual about it."""
        named = self.name if self.name == self.where else f"{self.name} at {self.where}"
        return named if self.door == 443 else f"{named} (port {self.door})"
