"""A kind says how often it looks; a monitor that says nothing looks as often, and its file stays silent on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watchpost import registry
from watchpost.monitors import spec
from watchpost.monitors.edit import read_monitor


@pytest.mark.parametrize(("given", "expected"), [({}, 21_600.0), ({"interval": "5m"}, 300.0)])
def test_the_interval_is_the_kinds_unless_it_is_given(
    given: dict[str, str], expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {"http": replace(registry.kinds()["http"], interval_s=21_600.0)}
    monkeypatch.setattr(spec, "kinds", lambda: slow)
    asked = read_monitor(
        None, {"name": "A", "slug": "a", "kind": "http", "url": "https://a.example/"} | given
    )
    assert asked.columns["interval_s"] == expected


def test_an_unknown_kind_looks_every_minute() -> None:
    assert spec.usual_interval_s("of-tomorrow") == 60.0
