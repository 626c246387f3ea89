from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import RequestFactory

from django_watchpost.health import process
from tests import checks_of_mine as mine


@pytest.fixture(autouse=True)
def _no_checks_stay() -> Iterator[None]:
    """What hangs hangs until its test is over."""
    mine.release.clear()
    yield
    mine.release.set()
    process.forget()


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in production: checks run in threads, although this is a test run."""
    monkeypatch.setattr("django_watchpost.health.answer.is_testing", lambda: False)


@pytest.fixture
def ask(live: None) -> Callable[..., HttpResponse]:
    """Asks a new application of this process through Django's whole handler."""

    def ask_once(path: str = "/health/", method: str = "GET", **headers: Any) -> HttpResponse:
        request = RequestFactory().generic(method, path, **headers)
        return WSGIHandler().get_response(request)

    return ask_once


@pytest.fixture
def watch(settings: Any) -> Callable[..., None]:
    """Sets ``WATCHPOST``."""

    def set_up(**values: Mapping[str, Any]) -> None:
        settings.WATCHPOST = values
        process.forget()

    return set_up
