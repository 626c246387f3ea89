"""What a kind keeps of a look outlives looks that do not see it: the site is down, its certificate still ends."""

from __future__ import annotations

from tests.stories.telling import Story
from watchpost.monitors.models import MonitorLast

CERTIFICATE = {"host": "shop.example", "fingerprint": "f", "not_after": "2027-01-01T00:00:00+00:00"}
SILENT = {"failure": {"phase": "connect", "kind": "refused", "sentence": "refused", "host": "shop.example"}}


def test_a_certificate_is_known_while_the_site_is_down_and_after_a_restart(story: Story) -> None:
    monitor = story.monitor()
    story.look(monitor, facts={"certificate": CERTIFICATE})
    story.pass_time()
    story.look(monitor)
    assert MonitorLast.objects.get().facts["certificate"] == CERTIFICATE
    story.pass_time()
    story.look(monitor, facts=SILENT)
    story.restart()
    story.pass_time()
    story.look(monitor, facts=SILENT)
    last = MonitorLast.objects.get()
    assert last.facts["failure"] == SILENT["failure"]
    assert last.facts["certificate"] == CERTIFICATE
    newer = CERTIFICATE | {"fingerprint": "g"}
    story.look(monitor, facts={"certificate": newer})
    assert MonitorLast.objects.get().facts["certificate"] == newer
    assert "failure" not in MonitorLast.objects.get().facts
