"""A NUL in what strangers send is nobody's failure, whatever the database makes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from watchpost.accounts.links import digest_of
from watchpost.accounts.models import ApiToken
from watchpost.monitors import edit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "wp_" + "k" * 40
pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    project = edit.create_project("Shop", NOON)
    ApiToken.objects.create(name="ci", digest=digest_of(KEY), project=project, created_at=NOON)
    return Client(headers={"X-Api-Key": KEY, "Authorization": f"Bearer {KEY}"})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/monitors?state=%00", 200),
        ("/v1/monitors?kind=a%00b", 200),
        ("/v1/incidents?project=a%00b", 404),
        ("/v1/projects/a%00b", 404),
        ("/api/v3/checks/?slug=a%00b", 200),
    ],
)
def test_nothing_is_found_by_it(client: Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_a_check_is_not_sought_by_it(client: Client) -> None:
    asked = {"name": "a\0b", "unique": ["name"]}
    answer = client.post("/api/v3/checks/", asked, content_type="application/json")
    assert answer.status_code == 400
