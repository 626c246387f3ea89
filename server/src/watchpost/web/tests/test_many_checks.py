"""Two hundred checks: what is wrong is seen, what is well folds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.e2e.many_checks import seed_checks
from tests.e2e.seed import Seeded, seed

from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_project import words

NOW = datetime.now(UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


@pytest.mark.parametrize(
    ("count", "bad", "said", "is_open"),
    [
        (1, 0, "1 check is well", True),
        (20, 1, "19 checks are well", True),
        (21, 0, "21 checks are well", False),
        (200, 20, "180 checks are well", False),
    ],
)
def test_what_is_well_folds_where_there_are_many(
    seeded: Seeded, count: int, bad: int, said: str, is_open: bool
) -> None:
    monitor = seed_checks(seeded.shop, count, bad, NOW)
    page = enter(seeded.admin).get(f"/monitors/{monitor.pk}/")
    assert said in words(page)
    before, fold = re.split(r'<details class="well"', page.content.decode())
    assert fold.split(">")[0].endswith(" open") == is_open
    assert before.count("it does not answer") >= bad
    assert fold.split("</details>")[0].count('class="name"') == count - bad
    assert before.count('class="name"') == bad


def test_without_one_that_is_well_nothing_folds(seeded: Seeded) -> None:
    monitor = seed_checks(seeded.shop, 3, 3, NOW)
    assert b'class="well"' not in enter(seeded.admin).get(f"/monitors/{monitor.pk}/").content
