"""What a domain monitor is told: which registration, and how early to warn. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from watchpost.kinds.domain.server import split
from watchpost.registry import OFTEN, Config
from watchpost.registry.duration import Duration
from watchpost.registry.place import place
from watchpost.registry.shown import quoted
from watchpost.registry.suffix import registered_domain

DAY_S = 86_400.0
_FIRST_YEAR, _LAST_YEAR = 1985, 2199  # before the first there was no domain to register


class DomainConfig(Config):
    """Which registration, and how early to warn. Interval, timeout and confirmation belong to the monitor."""

    domain: Annotated[str, Field(description="Any name of it will do: www.shop.example.co.uk.")]
    warn: Annotated[Duration, OFTEN, Field(title="Warn when less is left")] = 30 * DAY_S
    critical: Annotated[Duration, OFTEN, Field(title="Critical when less is left")] = 7 * DAY_S
    expires: Annotated[
        date | None, Field(title="Ends on", description="Used where the registry publishes no date.")
    ] = None
    rdap: Annotated[str | None, Field(title="RDAP server", description="Instead of the one IANA names.")] = (
        None
    )
    whois: Annotated[bool, Field(title="Ask by WHOIS where there is no RDAP")] = False
    whois_server: Annotated[
        str | None,
        Field(title="WHOIS server", description="host or host:port; set, it is asked as with whois."),
    ] = None

    @field_validator("domain")
    @classmethod
    def _registered(cls, value: str) -> str:
        if "/" in value or "@" in value:
            raise ValueError("give the name alone, like shop.example, without https:// and path")
        if registered_domain(value) is None:
            raise ValueError(f"nobody registers {quoted(value)}; write a domain like example.com")
        return value.strip()

    @field_validator("expires")
    @classmethod
    def _likely(cls, value: date | None) -> date | None:
        if value is not None and not _FIRST_YEAR <= value.year <= _LAST_YEAR:
            raise ValueError(f"no registration ends in the year {value.year}; write a day like 2027-03-31")
        return value

    @field_validator("rdap")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None:
            place(value)
        return value

    @field_validator("whois_server")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        if value is not None:
            split(value)
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.critical > self.warn:
            raise ValueError("critical comes before warn; exchange them")
        return self

    @cached_property
    def name(self) -> str:
        """The registered domain, in ASCII: ``example.co.uk`` of ``www.example.co.uk``."""
        return registered_domain(self.domain) or self.domain

    @property
    def by_whois(self) -> bool:
        """Whether WHOIS may be asked where no RDAP server is known."""
        return self.whois or self.whois_server is not None

    @cached_property
    def manual(self) -> datetime | None:
        """The end that somebody wrote down: the beginning of that day, UTC."""
        at = self.expires
        return datetime(at.year, at.month, at.day, tzinfo=UTC) if at else None
