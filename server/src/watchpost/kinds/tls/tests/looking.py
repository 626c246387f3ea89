"""A tls monitor that looks at what a test serves on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig
from watchpost.kinds.tls.tests.zoo import NOW, ROOT, Made, chain
from watchpost.outbound import Guard, Outbound, Resolved, ResolveFailure, Resolver
from watchpost.outbound.resolver import is_address
from watchpost.outbound.tests.tlsserver import context_of, listen
from watchpost.registry import Look

GUARD = Guard((ip_network("127.0.0.0/8"), ip_network("::1/128")))


class Names(Resolver):
    """Knows what the test tells it: names by family."""

    def __init__(self, says: Mapping[str, Sequence[str]]) -> None:
        super().__init__(["names.test"])
        self.says = dict(says)

    async def resolve(
        self, host: str, family: str = "any", resolver_index: int = 0, fresh: bool = False
    ) -> Resolved | ResolveFailure:
        if is_address(host):
            return Resolved((host,), 60, 0.0)
        if host not in self.says:
            return ResolveFailure("nxdomain", f"the name {host} does not exist", 1.0)
        fitting = tuple(one for one in self.says[host] if (":" in one) == (family == "6"))
        if not fitting:
            return ResolveFailure("no_data", f"the name {host} has no IPv{family} address", 1.0)
        return Resolved(fitting, 60, 1.0)


@contextlib.asynccontextmanager
async def serving(*places: tuple[str, Sequence[Made]]) -> AsyncIterator[int]:
    """Each address serves its chain, all on one port."""
    async with contextlib.AsyncExitStack() as stack:
        port = 0
        for host, served in places:
            tls = context_of(chain(*served), served[0].key)
            port = await stack.enter_async_context(listen(tls=tls, host=host, port=port))
        yield port


async def look(
    port: int,
    host: str = "shop.test",
    addresses: Sequence[str] = ("127.0.0.1",),
    baseline: Mapping[str, Any] | None = None,
    now: datetime = NOW,
    deadline_s: float = 5.0,
    **more: Any,
) -> tuple[Observation, Verdict]:
    """One look with everything real but the name look-up and the clock."""
    config = TlsConfig.model_validate(
        {"host": host, "port": port, "ca_pem": ROOT.pem, "protocols": "off"} | more
    )
    outbound = Outbound(GUARD, Names({config.where: addresses}))
    assert KIND.probe is not None
    seen = await KIND.probe(Look(7, 3, config, deadline_s), outbound, now)
    assert outbound.open_sockets == 0
    await outbound.close()
    return seen, KIND.judge(config, seen, baseline or {}, NO_PAST, now)
