from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stories.telling import Story
from watchpost.heartbeats.models import Ping
from watchpost.monitors.models import Look, Rollup, Value


@pytest.fixture
def story(transactional_db: None) -> Iterator[Story]:
    telling = Story()
    yield telling
    telling.close()
    Look.objects.all().delete()  # unmanaged tables are not emptied by the test runner
    Rollup.objects.all().delete()
    Value.objects.all().delete()
    Ping.objects.all().delete()
