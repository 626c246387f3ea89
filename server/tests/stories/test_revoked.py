"""A certificate is revoked: the incident names it, and it ends when another one is served."""

from __future__ import annotations

from typing import Any

from tests.stories.telling import Story
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.tests.lists import Watcher, revoke
from watchpost.kinds.tls.tests.looking import GUARD, Names, serving
from watchpost.kinds.tls.tests.zoo import LINK, NAME, ROOT, make
from watchpost.monitors import edit
from watchpost.monitors.models import MonitorState
from watchpost.outbound import Outbound
from watchpost.outbound.tests.fileserver import file_server


def test_revoked_and_replaced(story: Story) -> None:
    story.webhook()
    spec = {"name": "Certificate", "kind": "tls", "host": NAME, "ca_pem": ROOT.pem, "interval": "15m"}
    row = edit.create_monitor(story.project, spec, story.time)
    story.changed(("monitor", str(row.pk)))
    served: list[Any] = []

    async def report() -> Any:
        watched = story.engine.watched[row.pk]
        outbound = Outbound(GUARD, Names({NAME: ("127.0.0.1",)}))
        async with serving(("127.0.0.1", served)) as port:
            more = {"port": port, "protocols": "off"}
            config = TlsConfig.model_validate(watched.config.model_dump() | more)
            watcher = Watcher(outbound, config, watched.id, watched.revision)
            seen, _ = await watcher.look(story.time)
        await outbound.close()
        return seen

    def look() -> str:
        seen = story.run(report())
        story.run(story._report(story.engine.watched[row.pk], seen))
        return MonitorState.objects.get(monitor=row).shown

    with file_server() as files:

        def issue() -> Any:
            return make(NAME, LINK, days=(-1, 89), now=story.time, crl=f"{files.url}/1.crl")

        old = issue()
        files.say("/1.crl", revoke(LINK, now=story.time))
        served[:] = [old, LINK]
        assert look() == "up"

        story.pass_time(86_400)
        files.say("/1.crl", revoke(LINK, old, now=story.time))
        for _ in range(2):
            look()
            story.pass_time(3)
        story.deliver()
        [incident] = story.incidents()
        [member] = incident.members.all()
        assert (look(), member.code, incident.state) == ("down", "tls.revoked", "open")
        assert f"The certificate of {NAME}" in member.sentence
        assert "its private key is no longer secret" in member.sentence

        story.pass_time(900)
        files.says.clear()  # the list is gone: what was revoked stays so
        assert look() == "down"
        assert story.incidents()[0].state == "open"

        story.pass_time(900)
        files.say("/1.crl", revoke(LINK, old, now=story.time))
        served[:] = [issue(), LINK]
        for _ in range(2):
            story.pass_time(3)
            state = look()
        story.deliver()
    assert (state, story.incidents()[0].state) == ("up", "resolved")
    assert story.events == ["opened", "resolved"]
