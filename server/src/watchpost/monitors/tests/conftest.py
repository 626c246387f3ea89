"""A small kind and a small channel, so that these tests stand on their own feet."""

from __future__ import annotations

import pytest
from pydantic import Field, field_validator

from watchpost import registry
from watchpost.core.types import Verdict
from watchpost.monitors import edit, edit_channel


class Expect(registry.Config):
    status: tuple[int, ...] = (200,)
    text: str = ""


class PageConfig(registry.Config):
    url: str
    token: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    expect: Expect = Expect()

    @field_validator("url")
    @classmethod
    def _no_blank(cls, value: str) -> str:
        if " " in value:
            raise ValueError(f"{value!r} contains a blank; remove it")
        return value


class HookConfig(registry.Config):
    url: str
    secret: str = ""


PAGE = registry.Kind(
    name="page",
    title="Page",
    layer="uptime",
    config=PageConfig,
    probe=None,
    judge=lambda *_: Verdict(),
    codes=frozenset(),
    describe=lambda config: config.url,
    target=lambda config: ("example.com", 443),
    secrets=("token", "headers"),
)
HOOK = registry.Channel(
    name="hook",
    title="Hook",
    config=HookConfig,
    send=lambda *_: registry.Sent(True, ""),
    describe=lambda config: config.url,
    secrets=("secret",),
    pages=True,
)


@pytest.fixture(autouse=True)
def small_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "kinds", lambda: {"page": PAGE})
    monkeypatch.setattr(edit_channel, "channels", lambda: {"hook": HOOK})
