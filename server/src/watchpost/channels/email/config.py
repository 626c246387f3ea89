"""What an e-mail channel needs to know."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from watchpost.registry import Config

# Not RFC 5322 but what mail servers deliver to; no blanks, no quotes, nothing that could end a header.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+"
)


def deliverable(address: str) -> bool:
    """Whether mail can go to, or come from, this address as far as its form tells."""
    return len(address) <= 254 and not address.endswith(".") and _ADDRESS.fullmatch(address) is not None


def _several(value: object) -> object:
    """One address, or several with commas between them, are as good as a list."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


class EmailConfig(Config):
    """Who gets the mail."""

    to: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        title="To",
        description="One or more addresses. Everybody sees the others.",
        min_length=1,
        max_length=50,
    )

    @field_validator("to")
    @classmethod
    def _deliverable(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for address in to:
            if not deliverable(address):
                raise ValueError(f"{address!r} is not an e-mail address; write it like ops@example.com")
        return tuple(dict.fromkeys(to))
