"""Need the patches of engine.run._keep_ledger and web.history.gaps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.stories.telling import Story
from tests.stories.test_clock import ledger, quick, seconds  # noqa: F401
from watchpost.monitors.models import AliveSpan
from watchpost.web import history


@pytest.mark.usefixtures("quick")
def test_an_hour_that_comes_twice_was_not_slept_through(story: Story) -> None:
    home, since = story.monitor(), story.time
    story.look(home)
    ledger(story, 3600, -3590, 0.05)  # an hour ahead, and right again ten seconds later
    AliveSpan.objects.filter(alive_at=story.time).update(alive_at=story.time + timedelta(minutes=30))
    story.pass_time(1800)
    assert seconds(story, home, since).get("unknown", 0) < 15
    AliveSpan.objects.filter(alive_at=story.time).update(alive_at=story.time + timedelta(hours=2))
    story.pass_time(7200)
    assert seconds(story, home, since).get("unknown", 0) < 15


def test_three_days_without_a_server_are_unknown_in_the_last_day_too(story: Story) -> None:
    home = story.monitor()
    story.look(home)
    AliveSpan.objects.create(started_at=story.time, alive_at=story.time)
    story.pass_time(3 * 86400)
    AliveSpan.objects.create(started_at=story.time, alive_at=story.time)
    day = story.time - timedelta(days=1)
    assert history.gaps(day, story.time) == [(day, story.time)]
    assert seconds(story, home, day) == {"unknown": 86400}
