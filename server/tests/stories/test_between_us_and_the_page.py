"""What stands between us and the pages fails, with real servers: the identity provider, then the proxy."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Any

from tests.stories.telling import Story
from watchpost.incidents.models import Delivery
from watchpost.kinds.http import KIND
from watchpost.kinds.http.tests.tokenserver import SECRET, Endpoint, answering, run_endpoint
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor
from watchpost.outbound import Guard, Outbound, Resolved, ResolveFailure, Resolver
from watchpost.outbound.tests.badserver import page
from watchpost.outbound.tests.proxyserver import ForwardProxy, refuse, run_proxy
from watchpost.outbound.tests.tlsserver import listen
from watchpost.registry import Look

ORDERS, STOCK, LOGIN, PROXY = "orders.example", "stock.example", "login.example", "proxy.example"
PLACES = {ORDERS: "127.0.0.1", STOCK: "127.0.0.2", LOGIN: "127.0.0.1", PROXY: "127.0.0.1"}


class Names(Resolver):
    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Resolved | ResolveFailure:
        return Resolved((PLACES[host],), 60, 1.0)


class Street:
    """Two pages, an identity provider and a proxy; every look finds them at free ports."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.endpoint, self.proxy = Endpoint(), ForwardProxy(names=PLACES)

    def watch(self, name: str, host: str, **spec: Any) -> Monitor:
        whole = {"name": name, "kind": "http", "url": f"http://{host}/", "interval": "60s", **spec}
        row = edit.create_monitor(self.story.project, whole, self.story.time)
        self.story.changed(("monitor", str(row.pk)))
        return row

    def look(self, *monitors: Monitor, times: int = 1) -> None:
        for _ in range(times):
            for monitor in monitors:
                watched = self.story.engine.watched[monitor.pk]
                seen = self.story.run(self._look(watched))
                self.story.run(self.story._report(watched, seen))
            self.story.pass_time(3)

    async def _look(self, watched: Any) -> Any:
        assert KIND.probe is not None
        outbound = Outbound(Guard((ip_network("127.0.0.0/8"),)), Names())
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(run_endpoint(self.endpoint))
            await stack.enter_async_context(run_proxy(self.proxy))
            host = watched.config.place.host
            port = await stack.enter_async_context(listen(self._answer, host=PLACES[host]))
            spec = watched.config.model_dump(by_alias=True) | {"url": f"http://{host}:{port}/"}
            if spec["oauth2"]:
                spec["oauth2"] |= {"token_url": f"http://{LOGIN}:{self.endpoint.port}/token"}
            if spec["proxy"]:
                spec["proxy"] = spec["proxy"].replace(":3128", f":{self.proxy.port}")
            config = KIND.config.model_validate(spec)
            look = Look(watched.id, watched.revision, config, 20.0)
            seen = await KIND.probe(look, outbound, self.story.time)
        await outbound.close()
        await asyncio.sleep(0)
        return seen

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        known = any(f"Bearer {token}\r\n" in head for token in self.endpoint.good)
        writer.write(page() if known or "Bearer" not in head else page(status="401 Unauthorized"))
        await writer.drain()


def test_the_secret_ran_out_and_two_pages_have_one_incident(story: Story) -> None:
    street = Street(story)
    story.webhook()
    block = {"token_url": f"https://{LOGIN}/token", "client_id": "watch:post", "client_secret": SECRET}
    both = street.watch("Orders", ORDERS, oauth2=block), street.watch("Stock", STOCK, oauth2=block)
    street.look(*both)
    assert [story.shown(one) for one in both] == ["up", "up"]

    about = {"error": "invalid_client", "error_description": "Secret expired"}
    street.endpoint.instead = answering("401 Unauthorized", json.dumps(about))
    street.look(*both, times=2)
    story.deliver()
    [incident] = story.incidents()
    assert {row.code for row in incident.members.all()} == {"site.token_refused"}
    assert incident.members.count() == 2
    sentence = incident.members.all()[0].sentence
    assert "it answers 401 Unauthorized, invalid_client (“Secret expired”)" in sentence
    assert [story.shown(one) for one in both] == ["down", "down"]

    street.endpoint.instead = None
    street.look(*both, times=2)
    story.deliver()
    assert story.incidents()[0].state == "resolved"
    assert (story.events[0], story.events[-1]) == ("opened", "resolved")
    stored = [str(row.payload) for row in Delivery.objects.all()] + [str(one.config) for one in both]
    assert not any("s3cret" in text for text in (*stored, json.dumps(story.told)))


def test_the_proxy_is_closed_to_us_and_the_pages_are_not_blamed(story: Story) -> None:
    street = Street(story)
    way = f"http://probe:s3cret@{PROXY}:3128"
    street.proxy.account = ("probe", "s3cret")
    both = street.watch("Orders", ORDERS, proxy=way), street.watch("Stock", STOCK, proxy=way)
    direct = street.watch("Stock from here", STOCK)
    street.look(*both, direct)
    assert [story.shown(one) for one in (*both, direct)] == ["up", "up", "up"]
    assert len(street.proxy.asked) == 2

    street.proxy.instead = refuse("407 Proxy Authentication Required")
    street.look(*both, direct, times=2)
    [incident] = story.incidents()
    assert {row.code for row in incident.members.all()} == {"site.proxy_failed"}
    assert {row.monitor_id for row in incident.members.all()} == {one.pk for one in both}
    assert story.shown(direct) == "up"

    street.proxy.instead = None
    street.look(*both, direct, times=2)
    assert story.incidents()[0].state == "resolved"
    assert not any("s3cret" in str(one.config) for one in both)
