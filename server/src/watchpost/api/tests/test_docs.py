"""Every address of the API has a line in the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchpost.api.urls import api

REFERENCE = Path(__file__).parents[5] / "docs" / "reference" / "api.md"


@pytest.mark.skipif(not REFERENCE.is_file(), reason="docs are not beside the source")
@pytest.mark.urls("watchpost.api.tests.urls")
def test_every_operation_is_documented() -> None:
    text = REFERENCE.read_text()
    found = [
        f"`{method.upper()} {path}`"
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method in operations
    ]
    assert len(found) > 20
    assert [line for line in found if line not in text] == []
