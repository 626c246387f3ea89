"""Refusals that a newcomer meets first."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_another_name_of_the_server_is_told_with_the_setting_that_allows_it() -> None:
    answer = Client(headers={"host": "evil.example"}).get("/")
    assert answer.status_code == 400
    said = answer.content.decode()
    assert "not reached under this name" in said
    assert "SITE_URL" in said
    assert "evil.example" not in said


def test_a_form_that_is_too_large_is_told_so() -> None:
    answer = Client().post("/accounts/login/", {"login": "x" * 3_000_000})
    assert answer.status_code == 400
    assert "too much at once" in answer.content.decode()
