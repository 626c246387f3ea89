"""A client with a token, and the small kind and channel of the monitors' tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from watchpost import clock, registry
from watchpost.accounts.links import make_token
from watchpost.config import urls as _everything  # noqa: F401  bound before the registry is replaced
from watchpost.incidents import trial
from watchpost.monitors import edit, edit_channel
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.tests.conftest import HOOK, PAGE

Call = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def small_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (registry, edit):
        monkeypatch.setattr(module, "kinds", lambda: {"page": PAGE})
    for module in (registry, edit_channel, trial):
        monkeypatch.setattr(module, "channels", lambda: {"hook": HOOK})


@pytest.fixture
def shop(db: None) -> Project:
    return edit.create_project("shop", clock.now())


@pytest.fixture
def blog(db: None) -> Project:
    return edit.create_project("blog", clock.now())


@pytest.fixture
def home(shop: Project) -> Monitor:
    spec = {"name": "Home", "kind": "page", "url": "https://shop.example.com/", "token": "t-secret"}
    return edit.create_monitor(shop, spec, clock.now())


@pytest.fixture
def caller(db: None) -> Callable[..., Call]:
    """``caller(project, read_only)`` gives ``call(method, path, body)``."""

    def with_token(project: Project | None = None, read_only: bool = False) -> Call:
        token = make_token("ci", project, read_only, clock.now())

        def call(method: str, path: str, body: Any = None) -> HttpResponse:
            return Client(raise_request_exception=False).generic(
                method,
                f"/v1/{path}",
                data="" if body is None else as_json(body),
                content_type="application/json",
                headers={"Authorization": f"Bearer {token}"},
            )

        return call

    return with_token


def as_json(body: Any) -> str:
    return json.dumps(body, default=str)


@pytest.fixture
def call(caller: Callable[..., Call]) -> Call:
    return caller()
