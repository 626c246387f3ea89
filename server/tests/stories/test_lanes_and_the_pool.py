"""On PostgreSQL the pool of connections is smaller than this: a lane must not hold one while it sends."""

from __future__ import annotations

from tests.stories.telling import Story
from tests.stories.test_lanes import Hanging, hang_by_hook, hanging, loud, wait_for  # noqa: F401


def test_many_receivers_that_hang_hold_up_nobody_else_either(loud: Story, hanging: Hanging) -> None:  # noqa: F811
    for n in range(13):
        hang_by_hook(loud, hanging, f"hangs-{n}")
    home, _ = loud.monitor(), loud.webhook("fine")
    loud.fails(home)
    wait_for(lambda: loud.events == ["opened"])
    wait_for(lambda: len(hanging.taken) == 13)
