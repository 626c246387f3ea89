"""What a health monitor is told: where the application speaks of itself, how to ask, what to make of it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchpost.core.types import Severity
from watchpost.registry import OFTEN, Config
from watchpost.registry.asking import (
    BasicAuth,
    CaPem,
    Headers,
    Url,
    has_header,
    lines_of,
    refuse_control,
)
from watchpost.registry.duration import Duration
from watchpost.registry.place import Place, place

FORMATS = ("auto", "watchpost", "django-health-check", "watchman", "health+json", "spring", "status")
_ACCEPT = {
    "auto": "application/json, text/plain;q=0.5, */*;q=0.1",
    "health+json": "application/health+json, application/json;q=0.9",
    "spring": "application/vnd.spring-boot.actuator.v3+json, application/json;q=0.9",
    "status": "*/*",
}


def _many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    BeforeValidator(_many),
    Field(max_length=100),
]


class HealthConfig(Config):
    """Interval, timeout and confirmation belong to the monitor."""

    url: Url
    token: Annotated[
        str | None, OFTEN, Field(title="Token", description="Sent as Authorization: Bearer.")
    ] = None
    format: Annotated[
        Literal["auto", "watchpost", "django-health-check", "watchman", "health+json", "spring", "status"],
        Field(
            title="What answers", description="auto finds out by itself; status looks at the status alone."
        ),
    ] = "auto"
    critical_only: bool = Field(
        False, title="Only critical checks count", description="Trouble of the others is a remark."
    )
    ignore: Annotated[
        Patterns,
        OFTEN,
        Field(title="Checks to leave in peace", description="One on each line; * stands for anything."),
    ] = ()
    severity: dict[str, Literal["info", "warning", "error", "critical"]] = Field(
        {}, title="How bad trouble of a check is", description="By check; * stands for anything."
    )
    max_ms: Annotated[float | None, OFTEN] = Field(None, gt=0, title="Slower than this is trouble, in ms")
    headers: Headers = {}
    basic_auth: BasicAuth | None = None
    verify_tls: bool = True
    ca_pem: CaPem = None
    connect_timeout: Duration = 5.0

    @field_validator("token")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        refuse_control("token", value or "")
        return value or None

    @field_validator("connect_timeout")
    @classmethod
    def _some_time(cls, value: float) -> float:
        if not 0.1 <= value <= 60:
            raise ValueError("connect_timeout must be between 100ms and 1m")
        return value

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        given = [bool(self.token), bool(self.basic_auth), has_header(self.headers, "authorization")]
        if sum(given) > 1:
            raise ValueError("token, basic_auth and the header Authorization exclude each other; keep one")
        return self

    @cached_property
    def place(self) -> Place:
        return place(self.url)

    @cached_property
    def own_lines(self) -> tuple[bytes, ...]:
        """Header lines for the configured origin alone: custom headers and credentials."""
        lines = lines_of(self.headers, self.basic_auth)
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        return tuple(line.encode() for line in lines)

    @cached_property
    def plain_lines(self) -> tuple[bytes, ...]:
        """Header lines that any host may see."""
        if has_header(self.headers, "accept"):
            return ()
        return (f"Accept: {_ACCEPT.get(self.format, 'application/json')}".encode(),)

    @cached_property
    def names_agent(self) -> bool:
        return has_header(self.headers, "user-agent")

    @cached_property
    def shows_secret(self) -> bool:
        """Whether something is sent that could open the details."""
        return bool(self.own_lines)

    def is_ignored(self, check: str) -> bool:
        return _fits(check, self.ignore)

    def severity_for(self, check: str) -> Severity | None:
        """What somebody wrote down for it: the first pattern that fits."""
        found = next((word for pattern, word in self.severity.items() if _fits(check, (pattern,))), None)
        return None if found is None else Severity[found.upper()]


@lru_cache(maxsize=4096)
def _fits(check: str, patterns: tuple[str, ...]) -> bool:
    """Brackets are no special characters here: they stand in the names of other packages' checks."""
    return any(fnmatchcase(check, re.sub(r"\[", "[[]", pattern)) for pattern in patterns)
