"""Which port, what is said there and what is expected, as people write it."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, Self

import re2
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from watchpost.registry import OFTEN, Config
from watchpost.registry.asking import CaPem
from watchpost.registry.place import read_host
from watchpost.registry.shown import quoted

_ESCAPE = re.compile(r"\\(r|n|t|0|\\|x[0-9a-fA-F]{2})")
_NO_ESCAPE = re.compile(r"(?:\\[rnt0\\]|\\x[0-9a-fA-F]{2}|[^\\])*+(\\(?:x.{0,2}|.)?)", re.DOTALL)
_PLAIN = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
_MOST_SAID = 16 * 1024
IpFamily = Annotated[Literal["both", "4", "6"], BeforeValidator(lambda value: str(value))]


def read_bytes(text: str) -> bytes:
    r"""What goes over the wire: UTF-8, with ``\r \n \t \0 \\ \xNN`` as in most languages."""
    parts, at = [], 0
    for found in _ESCAPE.finditer(text):
        parts += [text[at : found.start()].encode(), _unescaped(found[1])]
        at = found.end()
    return b"".join([*parts, text[at:].encode()])


def _unescaped(mark: str) -> bytes:
    return bytes([int(mark[1:], 16)]) if mark[0] == "x" else _PLAIN[mark].encode()


@lru_cache(maxsize=1024)
def pattern(text: str) -> Any:
    """A compiled RE2 pattern over bytes. Raises ValueError with the reason."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(text.encode("latin-1", "replace"), options)
    except re2.error as problem:
        why = problem.args[0].decode() if isinstance(problem.args[0], bytes) else problem.args[0]
        raise ValueError(
            f"the pattern {text!r} is not valid: {why} (RE2 syntax: no look-around, no back references)"
        ) from None


class Step(Config):
    """Something that is said, and what must come back. Either may be left out."""

    send: Annotated[
        str,
        OFTEN,
        Field(max_length=_MOST_SAID, title="Say", description=r"\r\n ends a line; \x00 is a byte."),
    ] = ""
    expect: Annotated[
        str, OFTEN, Field(max_length=1000, title="Expect", description="A text, or ~ and a pattern.")
    ] = ""

    @field_validator("send", "expect")
    @classmethod
    def _readable(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "expect" and value.startswith("~"):
            pattern(value[1:])
        elif found := _NO_ESCAPE.match(value):
            raise ValueError(
                f"{found[1]} is no escape; there are \\r, \\n, \\t, \\0 and \\x with two digits such as "
                "\\x1f, and a backslash itself is written twice"
            )
        return value

    @property
    def wanted(self) -> str:
        """What must come, in words."""
        if not self.expect:
            return "anything"
        marked = self.expect.startswith("~")
        return f"what matches “{self.expect[1:80]}”" if marked else f"“{self.expect[:80]}”"

    def heard(self, said: bytes) -> bool:
        """Whether it holds what is expected. Anything at all will do when nothing is named."""
        if self.expect.startswith("~"):
            return bool(pattern(self.expect[1:]).search(said))
        return read_bytes(self.expect) in said


class TcpConfig(Step):
    """Which port of which host. Interval, timeout and confirmation belong to the monitor."""

    host: Annotated[str, Field(description="A name or an address, like mail.example.com.")]
    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Annotated[bool, OFTEN, Field(title="Speak TLS")] = False
    starttls: Annotated[
        Literal["none", "smtp", "imap", "postgres"], Field(title="STARTTLS", description="Spoken before TLS.")
    ] = "none"
    sni: Annotated[
        str | None, Field(title="Name to ask for", description="If it is another one than the host.")
    ] = None
    verify_tls: bool = True
    ca_pem: CaPem = None
    then: tuple[Step, ...] = Field((), max_length=20, title="What is said and expected after that")
    ip: IpFamily = "both"
    every_address: Annotated[bool, Field(title="Look at every address")] = True
    max_ms: Annotated[float | None, OFTEN] = Field(None, gt=0, title="Slower than this is trouble, in ms")

    @field_validator("host", "sni")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None:
            _read_name(value)
        return value.strip() if value is not None else None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if not self.speaks_tls and (self.sni or self.ca_pem or not self.verify_tls):
            raise ValueError("sni, ca_pem and verify_tls belong to TLS; set tls to true, or take them out")
        if self.tls and self.starttls != "none":
            raise ValueError(
                "tls speaks TLS from the first byte and starttls asks for it later; take one of them out"
            )
        if self.then and not (self.send or self.expect):
            raise ValueError("then goes on after send or expect; write the first step there")
        return self

    @property
    def speaks_tls(self) -> bool:
        return self.tls or self.starttls != "none"

    @cached_property
    def where(self) -> str:
        """The host that is resolved, in ASCII."""
        return _read_name(self.host)

    @cached_property
    def name(self) -> str:
        """The name that is asked for and must stand in the certificate, in ASCII."""
        return _read_name(self.sni or self.host)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return (self, *self.then) if self.send or self.expect else ()

    @property
    def shown(self) -> str:
        where = f"[{self.where}]" if ":" in self.where else self.where
        return f"{where}:{self.port}"


@lru_cache(maxsize=8192)
def _read_name(text: str) -> str:
    host = text.strip().rstrip(".").removeprefix("[").removesuffix("]")
    if "/" in host or "@" in host:
        raise ValueError("give the name alone, like mail.example.com, without scheme and path")
    if host.count(":") == 1:
        raise ValueError(f"{quoted(text)} is no name; write the port in port")
    return read_host(host)
