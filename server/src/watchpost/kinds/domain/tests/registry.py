"""An RDAP server on loopback that answers what the test says, and a look at it with everything real but the clock."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from time import monotonic
from typing import Any

from watchpost.core.types import NO_PAST, Observation, Verdict
from watchpost.kinds.domain import KIND
from watchpost.kinds.domain.config import DomainConfig
from watchpost.kinds.domain.limits import RDAP
from watchpost.kinds.domain.probe import directory_of
from watchpost.outbound import Guard, Outbound
from watchpost.registry import Look

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GUARD = Guard((ip_network("127.0.0.0/8"),))
LOCK = "client transfer prohibited"


def domain(
    ends: str | None = "2027-08-13T04:00:00Z",
    statuses: tuple[str, ...] = (LOCK,),
    registrar: str = "376",
    **more: Any,
) -> dict[str, Any]:
    """In the shape that gTLD registries answer with."""
    events = [{"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"}]
    if ends is not None:
        events.append({"eventAction": "expiration", "eventDate": ends})
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", f"Registrar {registrar}"]]]
    ids = [{"type": "IANA Registrar ID", "identifier": registrar}]
    return {
        "objectClassName": "domain",
        "ldhName": "EXAMPLE.COM",
        "status": list(statuses),
        "events": events,
        "entities": [{"roles": ["registrar"], "handle": registrar, "publicIds": ids, "vcardArray": card}],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": "A.NS.EXAMPLE.COM"}],
        "secureDNS": {"delegationSigned": True},
    } | more


class Registry:
    """``says`` maps a path to (status, headers, body); ``asked`` is what was asked for, with its headers."""

    def __init__(self) -> None:
        self.says: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def say(self, what: Any, status: int = 200, path: str = "/domain/example.com", **headers: str) -> None:
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.says[path] = status, {key.replace("_", "-"): value for key, value in headers.items()}, body


@contextmanager
def registry(address: str = "127.0.0.1") -> Iterator[Registry]:
    one = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            status, headers, body = one.says.get(self.path, (404, {}, b'{"errorCode": 404}'))
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
                self.send_header(key, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who hears enough hangs up
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    one.url = f"http://{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def look(
    url: str,
    baseline: Mapping[str, Any] | None = None,
    now: datetime = NOW,
    guard: Guard = GUARD,
    folder: Path | None = None,
    busy_s: float = 0.0,
    **more: Any,
) -> tuple[Observation, Verdict]:
    config = DomainConfig.model_validate({"domain": "www.example.com", "rdap": url} | more)
    outbound = Outbound(guard, folder=folder)
    if busy_s:  # others have used up what the bucket gives at once
        key = url.split("/")[2]
        directory_of(outbound).client.limits.full_at[key] = monotonic() + RDAP.burst - 1 + busy_s
    assert KIND.probe is not None
    seen = await KIND.probe(Look(7, 3, config, 20.0), outbound, now)
    await outbound.close()
    return seen, KIND.judge(config, seen, baseline or {}, NO_PAST, now)
