"""Needs the patch of engine._hold: an all-clear from before the mass failure is no evidence about it."""

from __future__ import annotations

from tests.stories.telling import Story
from tests.stories.test_valve import fail, shown, targets


def test_an_all_clear_from_before_the_mass_failure_says_nothing_of_it(story: Story) -> None:
    story.webhook()
    monitors = targets(story)
    story.engine.selfcheck.fresh_s = 10.0  # as it is outside of stories
    story.look(story.monitor("Odd one", "odd.example"), 502)  # asks the references: they answer
    assert story.engine.selfcheck.answered
    story.engine.selfcheck.checked_at -= 5.0  # five seconds ago
    story.references_answer = False
    fail(story, monitors, times=3)
    story.deliver()
    assert shown(story, monitors) == {"unknown"}
    assert story.told == []
