"""What an assets monitor is told: which page, which of its files, how to ask."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchpost.registry import OFTEN, Config
from watchpost.registry.asking import BasicAuth, CaPem, Cookies, Headers, Url, has_header, lines_of
from watchpost.registry.duration import Duration
from watchpost.registry.place import Place, place

_OURS = frozenset({"host", "range", "if-none-match", "if-modified-since", "accept-encoding"})
MB = 1024 * 1024


def _many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=500)], ...],
    BeforeValidator(_many),
    Field(max_length=100),
]


class AssetsConfig(Config):
    """The page and the bounds of a look. Interval, timeout and confirmation belong to the monitor."""

    url: Url
    most: Annotated[int, OFTEN] = Field(100, ge=1, le=500, title="Most files looked at")
    hosts: Annotated[Literal["own", "all"], OFTEN] = Field(
        "own", title="Whose files", description="own: those of the page's site and of the hosts named below."
    )
    also: Annotated[
        Texts, OFTEN, Field(title="Other hosts that count as own", description="One on each line: a CDN.")
    ] = ()
    ignore: Annotated[
        Texts,
        OFTEN,
        Field(title="Files to leave out", description="One on each line; * stands for anything."),
    ] = ()
    headers: Headers = {}
    cookies: Cookies = {}
    basic_auth: BasicAuth | None = None
    verify_tls: bool = True
    ca_pem: CaPem = None
    max_body: int = Field(8 * MB, ge=1024, le=64 * MB, title="Max size read of each file, in bytes")
    connect_timeout: Duration = 5.0

    @field_validator("also")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if "/" in name or "@" in name:
                raise ValueError(f"{name!r} is not a host name; write it like cdn.example.net")
            place(f"https://{name}/")
        return value

    @field_validator("headers")
    @classmethod
    def _not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name.lower() in _OURS:
                raise ValueError(f"the header {name} is written by the look itself; take it out")
        return value

    @field_validator("connect_timeout")
    @classmethod
    def _some_time(cls, value: float) -> float:
        if not 0.1 <= value <= 60:
            raise ValueError("connect_timeout must be between 100ms and 1m")
        return value

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        if self.basic_auth and has_header(self.headers, "authorization"):
            raise ValueError("basic_auth and the header Authorization exclude each other; keep one")
        return self

    @cached_property
    def place(self) -> Place:
        return place(self.url)

    @cached_property
    def also_hosts(self) -> frozenset[str]:
        return frozenset(place(f"https://{name}/").host for name in self.also)

    @cached_property
    def own_lines(self) -> tuple[bytes, ...]:
        """Header lines for the page's own origin alone: custom headers, cookies and credentials."""
        lines = lines_of(self.headers, self.basic_auth)
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={text}" for name, text in self.cookies.items()))
        return tuple(line.encode() for line in lines)

    @cached_property
    def names_agent(self) -> bool:
        return has_header(self.headers, "user-agent")
