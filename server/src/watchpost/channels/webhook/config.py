"""What a webhook channel needs to know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from watchpost.registry import Config

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)


class WebhookConfig(Config):
    """Where the incident is posted to, and how the receiver knows that it comes from here."""

    url: str = Field(
        title="Address",
        description="The http or https address that receives a POST.",
        max_length=2000,
    )
    secret: str | None = Field(
        default=None,
        title="Signing secret",
        description="Signs every request. At least 32 random characters are a good choice.",
        min_length=1,
        max_length=500,
    )
    headers: Mapping[str, str] = Field(
        default_factory=dict,
        title="Extra headers",
        description="Sent with every request, for example Authorization.",
    )

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise ValueError("the host or port of this address cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write a full address, for example https://hooks.example.com/watchpost")
        if parts.username is not None or parts.password is not None:
            raise ValueError("put user and password into an Authorization header, not into the address")
        if any(not c.isprintable() or c == " " for c in url):
            raise ValueError(
                "the address contains a blank or a control character; encode it, for example %20"
            )
        return url

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in headers.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a header name: use letters, digits and hyphens")
            if name.lower() in _OURS or name.lower().startswith("x-watchpost-"):
                raise ValueError(f"the header {name} is set by Watchpost; choose another name")
            if not value.isprintable():
                raise ValueError(f"the value of the header {name} contains a line break or control character")
        return headers
