"""What an http monitor is told: where to look, how to ask, what to expect."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Self

import re2
from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchpost.kinds.http import jsonpath
from watchpost.kinds.http.oauth2 import OAuth2, check_oauth2
from watchpost.kinds.http.via import ProxyUrl, Via, check_via, read_via
from watchpost.registry import OFTEN, Config
from watchpost.registry.asking import (
    TOKEN,
    BasicAuth,
    CaPem,
    Cookies,
    Headers,
    Url,
    has_header,
    lines_of,
    refuse_control,
)  # fmt: skip
from watchpost.registry.duration import Duration
from watchpost.registry.identity import check_identity
from watchpost.registry.place import Place, place

PHASES = ("dns", "connect", "tls", "wait", "transfer")
_STATUS = re.compile(r"[1-5]xx|[1-5]\d\d(-[1-5]\d\d)?")


def _many(value: Any) -> Any:
    return (value,) if isinstance(value, (str, int)) and not isinstance(value, bool) else value


Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_many)]


@lru_cache(maxsize=2048)
def pattern(text: str) -> Any:
    """A compiled RE2 pattern: linear time whatever the input. Raises ValueError with the reason."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        return re2.compile(text, options)
    except re2.error as problem:
        why = problem.args[0].decode() if isinstance(problem.args[0], bytes) else problem.args[0]
        raise ValueError(
            f"the pattern {text!r} is not valid: {why} (RE2 syntax: no look-around, no back references)"
        ) from None


class JsonRule(Config):
    """One value in a JSON answer: ``{path: items[0].price, op: ">", value: 0}``."""

    path: str
    op: Literal["==", "!=", "<", "<=", ">", ">=", "exists", "contains"] = "=="
    value: Any = None

    @field_validator("path")
    @classmethod
    def _readable(cls, value: str) -> str:
        jsonpath.parse(value)
        return value


class PhaseLimits(Config):
    """The longest each phase may take, in milliseconds."""

    dns: float | None = Field(None, gt=0)
    connect: float | None = Field(None, gt=0)
    tls: float | None = Field(None, gt=0)
    wait: float | None = Field(None, gt=0)
    transfer: float | None = Field(None, gt=0)


class SlowInRow(Config):
    """Slower than ``ms`` in ``n`` looks one after the other."""

    ms: float = Field(gt=0)
    n: int = Field(3, ge=2, le=100)


class Expect(Config):
    """What a healthy answer looks like."""

    status: Annotated[
        tuple[int | str, ...] | None,
        BeforeValidator(_many),
        OFTEN,
        Field(title="Statuses that are fine", description="One a line: 200, 2xx or 200-299. Empty: 2xx."),
    ] = None
    body_contains: Annotated[
        Texts, OFTEN, Field(title="Words that must be on the page", description="One text on each line.")
    ] = ()
    body_absent: Annotated[
        Texts, Field(title="Words that must not be on it", description="One text on each line.")
    ] = ()
    body_matches: Annotated[
        str | None, Field(title="Pattern the page must match", description="RE2 syntax.")
    ] = None
    json_: tuple[JsonRule, ...] = Field((), alias="json")
    headers: dict[str, str] = {}
    min_bytes: int | None = Field(None, ge=0, title="Least size, in bytes")
    max_bytes: int | None = Field(None, ge=0, title="Largest size, in bytes")
    max_ms: Annotated[float | None, OFTEN] = Field(None, gt=0, title="Slower than this is trouble, in ms")
    phase_ms: PhaseLimits | None = None
    p95_ms: float | None = Field(None, gt=0, title="Highest p95, in ms")
    p95_window: Duration = Field(3600.0, title="Window of the p95", description="Such as 15m or 1h.")
    slow_in_row: SlowInRow | None = None
    https: bool = Field(False, title="Must end on https")

    @field_validator("status")
    @classmethod
    def _statuses(cls, value: tuple[int | str, ...] | None) -> tuple[int | str, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("name at least one status, like 200 or 2xx")
        for item in value:
            if not _STATUS.fullmatch(str(item)):
                raise ValueError(f"{item!r} is not an HTTP status; write 200, 2xx or 200-299")
            if not statuses((item,)):
                raise ValueError(f"{item!r} ends before it begins; write the smaller status first")
        return tuple(int(v) if str(v).isdecimal() and str(v).isascii() else v for v in value)

    @field_validator("body_matches")
    @classmethod
    def _pattern(cls, value: str | None) -> str | None:
        if value is not None:
            pattern(value)
        return value

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, wanted in value.items():
            if not TOKEN.fullmatch(name):
                raise ValueError(f"{name!r} is not a header name")
            if wanted.startswith("~"):
                pattern(wanted[1:])
        return value

    @field_validator("p95_window")
    @classmethod
    def _window(cls, value: float) -> float:
        if not 60 <= value <= 7 * 86_400:
            raise ValueError("the window must be between 1m and 7d")
        return value

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.min_bytes is not None and self.max_bytes is not None and self.min_bytes > self.max_bytes:
            raise ValueError("min_bytes is larger than max_bytes; exchange them")
        return self

    @property
    def reads_text(self) -> bool:
        return bool(self.body_contains or self.body_absent or self.body_matches is not None)


@lru_cache(maxsize=1024)
def statuses(wanted: tuple[int | str, ...]) -> frozenset[int]:
    """Every status the list accepts."""
    found: set[int] = set()
    for item in wanted:
        text = str(item)
        if text.endswith("xx"):
            found.update(range(int(text[0]) * 100, int(text[0]) * 100 + 100))
        else:
            first, _, last = text.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


class HttpConfig(Config):
    """Where to look and how to ask. Interval, timeout and confirmation belong to the monitor."""

    url: Url
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: Headers = {}
    body: str | None = None
    cookies: Cookies = {}
    basic_auth: BasicAuth | None = None
    bearer: str | None = None
    oauth2: OAuth2 | None = None
    follow_redirects: bool = True
    max_redirects: int = Field(10, ge=0, le=30)
    http_version: Annotated[Literal["auto", "1.1", "2", "3"], BeforeValidator(lambda v: str(v))] = "auto"
    ip: Annotated[Literal["any", "4", "6", "both"], BeforeValidator(lambda v: str(v))] = "any"
    every_address: bool = False
    verify_tls: bool = True
    ca_pem: CaPem = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: ProxyUrl = Field(None, description="Such as http://user:password@proxy.example:3128")
    max_body: int = Field(1024 * 1024, ge=1024, le=32 * 1024 * 1024, title="Max body, in bytes")
    connect_timeout: Duration = 5.0
    expect: Expect = Field(default_factory=lambda: Expect.model_validate({}))

    @field_validator("bearer")
    @classmethod
    def _token(cls, value: str | None) -> str | None:
        refuse_control("bearer", value or "")
        return value

    @field_validator("connect_timeout")
    @classmethod
    def _some_time(cls, value: float) -> float:
        if not 0.1 <= value <= 120:
            raise ValueError("connect_timeout must be between 100ms and 2m")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.basic_auth and self.bearer:
            raise ValueError("basic_auth and bearer exclude each other; keep one")
        self._check_identity()
        check_oauth2(self.oauth2, self.headers, self.basic_auth, self.bearer)
        check_via(self.proxy, self.url, self.ip, self.http_version)
        if self.http_version == "3" and not self.url.startswith("https:"):
            raise ValueError(
                "HTTP/3 exists over https only; write the url with https, or set http_version to auto"
            )
        if self.every_address and self.ip == "both":
            raise ValueError("every_address judges each address of both families; set ip to any, 4 or 6")
        if self.every_address and self.proxy:
            raise ValueError("a proxy chooses the address of the page itself; remove every_address or proxy")
        if self.body is not None and self.method in ("GET", "HEAD"):
            raise ValueError(f"a {self.method} request carries no body; set method to POST or remove body")
        if self.method == "HEAD" and (self.expect.reads_text or self.expect.json_):
            raise ValueError("a HEAD request gets no body to look into; set method to GET")
        return self

    def _check_identity(self) -> None:
        if self.client_cert is None and self.client_key is None:
            return
        if self.client_cert is None or self.client_key is None:
            raise ValueError("client_cert and client_key belong together; give both, or neither")
        if not self.url.startswith("https:"):
            raise ValueError("client_cert is shown over https only; write the url with https, or remove it")
        check_identity(self.client_cert, self.client_key)

    @cached_property
    def identity(self) -> tuple[bytes, bytes] | None:
        """Our own certificate and its key, for the configured origin alone."""
        if self.client_cert is None or self.client_key is None:
            return None
        return self.client_cert.encode(), self.client_key.encode()

    @cached_property
    def via(self) -> Via | None:
        return None if self.proxy is None else read_via(self.proxy)

    def host_at(self, phase: str) -> str:
        """The host that a failure before the page is asked is about; "" for one of the page."""
        if phase == "proxy" and self.via is not None:
            return self.via.host
        return self.oauth2.place.host if phase == "token" and self.oauth2 is not None else ""

    @cached_property
    def place(self) -> Place:
        return place(self.url)

    @cached_property
    def plain_lines(self) -> tuple[bytes, ...]:
        """Header lines that any host may see."""
        return (
            ()
            if self.body is None or has_header(self.headers, "content-type")
            else (b"Content-Type: text/plain",)
        )

    @cached_property
    def own_lines(self) -> tuple[bytes, ...]:
        """Header lines for the configured origin alone: custom headers and credentials."""
        lines = lines_of(self.headers, self.basic_auth)
        if self.bearer:
            lines.append(f"Authorization: Bearer {self.bearer}")
        return tuple(line.encode() for line in lines)

    @cached_property
    def names_agent(self) -> bool:
        return has_header(self.headers, "user-agent")

    @cached_property
    def accepted(self) -> frozenset[int]:
        """Statuses that are fine. Who does not follow redirects and names no status accepts them, too."""
        if self.expect.status is not None:
            return statuses(self.expect.status)
        return statuses(("2xx",) if self.follow_redirects else ("2xx", "3xx"))
