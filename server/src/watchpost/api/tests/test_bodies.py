"""Bodies that cannot be read are the sender's fault, and said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def test_a_body_that_is_too_large_is_413_with_the_limit(call: Call) -> None:
    answer = call("POST", "monitors", {"project": "shop", "name": "x" * 3_000_000})
    assert answer.status_code == 413
    assert "larger than 2.6 MB" in json.loads(answer.content)["detail"]


def test_a_missing_body_is_named_as_such(call: Call, home: Any) -> None:
    answer = call("PATCH", f"monitors/{home.pk}")
    assert answer.status_code == 422
    assert json.loads(answer.content)["detail"] == "body: is missing"
