"""A token for a page by client credentials (RFC 6749, 4.4): what is configured, sent and read. Pure."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from math import isfinite
from typing import Annotated, Any, Literal
from urllib.parse import quote, quote_plus, unquote_plus, urlencode

from pydantic import BeforeValidator, Field, field_validator

from watchpost.registry import Config
from watchpost.registry.asking import CaPem, Url, has_header, refuse_control
from watchpost.registry.place import Place, place
from watchpost.registry.shown import shown

MAX_ANSWER = 64 * 1024
_LONGEST_KEPT_S = 86_400.0
_KEPT_UNSAID_S = 300.0  # RFC 6749, 5.1: a server need not say how long a token is good
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749, 3.3
_TOKEN = re.compile(r"[\x21-\x7e]+")
_KINDS = {
    "invalid_client": "client",
    "invalid_scope": "scope",
    "invalid_target": "scope",  # RFC 8707
    "unauthorized_client": "grant",
    "unsupported_grant_type": "grant",
}


class OAuth2(Config):
    """Where a token is fetched, and as whom. The secret goes to the token endpoint only, the token to the
    origin of the page only."""

    token_url: Annotated[Url, Field(title="OAuth2: token URL")]
    client_id: str = Field(min_length=1, title="OAuth2: client ID")
    client_secret: str = Field(min_length=1, title="OAuth2: client secret")
    scope: Annotated[
        str | None,
        BeforeValidator(lambda v: " ".join(map(str, v)) if isinstance(v, list) else v),
        Field(title="OAuth2: scope", description="Several with a space between them."),
    ] = None
    audience: str | None = Field(None, title="OAuth2: audience")
    auth: Literal["basic", "body"] = Field(
        "basic", title="OAuth2: how the secret is sent", description="basic: in a header. body: in the form."
    )
    ca_pem: CaPem = Field(None, title="OAuth2: authority of the token endpoint, in PEM")

    @field_validator("client_id", "client_secret", "audience")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        refuse_control("oauth2", value or "")
        return value or None

    @field_validator("scope")
    @classmethod
    def _scopes(cls, value: str | None) -> str | None:
        if value and not _SCOPE.fullmatch(value):
            raise ValueError("scope is one or more words with one space between them, without quotes")
        return value or None

    @cached_property
    def place(self) -> Place:
        return place(self.token_url)

    @cached_property
    def form(self) -> bytes:
        """The body of the request (RFC 6749, 4.4.2). ``audience`` is what Auth0 and others add to it."""
        fields = {"grant_type": "client_credentials"}
        if self.scope:
            fields["scope"] = self.scope
        if self.audience:
            fields["audience"] = self.audience
        if self.auth == "body":
            fields |= {"client_id": self.client_id, "client_secret": self.client_secret}
        return urlencode(fields).encode()

    @cached_property
    def lines(self) -> tuple[bytes, ...]:
        """Header lines. Both halves of the pair are encoded like a form first (RFC 6749, 2.3.1)."""
        lines = [b"Content-Type: application/x-www-form-urlencoded", b"Accept: application/json"]
        if self.auth == "basic":
            lines.append(b"Authorization: Basic " + self._pair(quote_plus))
        return tuple(lines)

    @cached_property
    def digest(self) -> str:
        """What tells one token from another, without the secret."""
        return sha256(repr(sorted(self.model_dump().items())).encode()).hexdigest()

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The secret in every dress in which a careless endpoint may send it back, in lower case."""
        plain = self.client_secret
        pairs = (self._pair(quote_plus).decode(), self._pair(str).decode())
        return tuple({one.lower() for one in (plain, quote_plus(plain), quote(plain, safe=""), *pairs)})

    def _pair(self, encode: Any) -> bytes:
        return b64encode(f"{encode(self.client_id)}:{encode(self.client_secret)}".encode())

    def says_secret(self, text: str) -> bool:
        low = text.lower()
        return any(one in low or one in unquote_plus(low) for one in self.secrets)


def check_oauth2(oauth2: OAuth2 | None, headers: Mapping[str, str], basic: object, bearer: object) -> None:
    """Raises ValueError when two things would write the header Authorization."""
    if oauth2 is None:
        return
    for name, other in (("basic_auth", basic), ("bearer", bearer)):
        if other:
            raise ValueError(f"oauth2 and {name} exclude each other; keep one")
    if has_header(headers, "authorization"):
        raise ValueError("oauth2 writes the header Authorization itself; take it out of headers")


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and for how many seconds it is worth keeping."""

    text: str = field(repr=False)
    kept_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """No token. ``sentence`` is the end of a sentence of which the endpoint is the subject. ``kind``:
    client | scope | grant | place | limited | server | nonsense | denied."""

    kind: str
    sentence: str


def read_answer(
    oauth2: OAuth2, status: int, location: str | None, content_type: str, body: bytes, cut: bool
) -> Granted | Refused:
    """What the token endpoint says (RFC 6749, 5). Its words are kept short, and the secret out of them."""
    named = _named(status)
    if 300 <= status < 400:
        where = _said(oauth2, shown(location or ""), 120) or "another address"
        return Refused("place", f"it redirects to {where} ({named}), and credentials do not follow redirects")
    if cut:
        return Refused("nonsense", f"its answer is longer than {MAX_ANSWER // 1024} kB")
    said = _object(body)
    if said is not None and isinstance(said.get("error"), str):
        return _error(oauth2, status, said)
    if not 200 <= status < 300:
        return Refused(_kind_of(status), f"it answers {named}")
    if said is None:
        kind = _said(oauth2, content_type, 60) or "none"
        return Refused("nonsense", f"it answers {named}, but not with a JSON object (content type: {kind})")
    return _granted(oauth2, said)


def _granted(oauth2: OAuth2, said: Mapping[str, Any]) -> Granted | Refused:
    token, kind = said.get("access_token"), said.get("token_type", "bearer")
    if not isinstance(token, str) or not token:
        return Refused("nonsense", "its answer is JSON, but has no access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        # Some servers put the token there by mistake; then it is not to be read anywhere.
        word = _said(oauth2, str(kind), 40) if str(kind) not in token and token not in str(kind) else ""
        return Refused("nonsense", f"its token is of another type than bearer{f' ({word})' if word else ''}")
    if not _TOKEN.fullmatch(token):
        return Refused("nonsense", "its access_token holds characters that no header can carry")
    return Granted(token, _kept_s(said.get("expires_in")))


def _kept_s(expires_in: object) -> float:
    """A little less than the server says: a look takes a while, and clocks differ."""
    try:
        lasts_s = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        lasts_s = _KEPT_UNSAID_S
    if not isfinite(lasts_s) or isinstance(expires_in, bool):
        lasts_s = _KEPT_UNSAID_S
    lasts_s = min(lasts_s, _LONGEST_KEPT_S)
    return max(0.0, lasts_s - min(30.0, lasts_s / 10))


def _error(oauth2: OAuth2, status: int, said: Mapping[str, Any]) -> Refused:
    error = _said(oauth2, str(said["error"]), 60) or "an error that we may not repeat"
    about = said.get("error_description")
    more = _said(oauth2, about, 200) if isinstance(about, str) else ""
    words = f"{error} (“{more}”)" if more else error
    return Refused(_KINDS.get(str(said["error"]), _kind_of(status)), f"it answers {_named(status)}, {words}")


def _kind_of(status: int) -> str:
    if status in (401, 403):
        return "client"
    if status in (404, 405, 410):
        return "place"
    if status == 429:
        return "limited"
    return "server" if status >= 500 else "denied"


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _said(oauth2: OAuth2, text: str, most: int) -> str:
    """The endpoint's own words, on one line and cut; "" when the secret is anywhere in them."""
    if oauth2.says_secret(text):
        return ""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
