"""Needs the patch of engine.apply: a look of a monitor that was just deleted must not wedge the writer."""

from __future__ import annotations

from tests.stories.telling import Story
from tests.stories.test_bad_days import seen
from watchpost.monitors import edit
from watchpost.monitors.models import Look


def test_a_look_of_a_monitor_that_was_just_deleted_does_not_stop_the_others(story: Story) -> None:
    home, other = story.monitor(), story.monitor("Other", "other.example")
    story.look(home)
    story.pass_time(60)
    gone = home.pk
    looked = seen(story, home, 502)
    edit.delete_monitor(home, story.time)  # another process; the engine has not heard of it yet
    story.run(story._report(*looked))
    assert story.engine.trouble == ""
    story.take_changes()
    story.look(other)
    assert Look.objects.filter(monitor_id=other.pk).count() == 1
    assert Look.objects.filter(monitor_id=gone).count() == 0
