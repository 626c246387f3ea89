"""Stories: given monitors and channels, let time pass and looks come in, expect incidents and messages.

The engine, the database, the channels and the receivers are real; only the clock and what the probe saw
are the story's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from tests.serving import Handler, Serving
from watchpost.core.types import Observation, Outcome, Phases
from watchpost.engine.database import let_go_of_database
from watchpost.engine.deliver import Lanes, send_due
from watchpost.engine.engine import Engine
from watchpost.engine.run import handle_changes
from watchpost.engine.selfcheck import SelfCheck
from watchpost.incidents import tick
from watchpost.incidents.models import Channel, Delivery, Incident
from watchpost.monitors import edit
from watchpost.monitors.models import Change, Monitor, Project, Transition
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.courier import Courier
from watchpost.prober.prober import Prober


class QuietLanes(Lanes):
    """Deliveries go out when the story says so, in the story's thread."""

    def poke(self, channel_ids: Any) -> None:
        pass


class Story:
    """One installation whose time only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
        self.runner = asyncio.Runner()
        self.references_answer = True
        self.receiver = Receiver()
        self.courier = Courier(
            Guard((ip_network("127.0.0.0/8"),)), "", "Watchpost <w@example.com>", "http://localhost:8090"
        )
        self.project = edit.create_project("shop", self.time)
        self.monitors: list[Monitor] = []
        self.engine = self.start()

    def start(self, references: tuple[str, ...] = ("http://reference.example/",)) -> Engine:
        self.outbound = self.run(self._outbound())
        prober = Prober(self.outbound, lambda *_: None, lambda: self.time, "local", 10, 10)

        async def ask(_: str) -> bool:
            return self.references_answer

        lanes = QuietLanes(self.courier, lambda: self.time)
        self.engine = Engine(prober, SelfCheck(references, ask, fresh_s=0.0), lanes, lambda: self.time)
        self.run(self.engine.start())
        return self.engine

    async def _outbound(self) -> Outbound:
        return Outbound(Guard(()))

    def restart(self) -> None:
        """The engine dies without a word and another takes over."""
        self._let_go()
        self.start()

    def _let_go(self) -> None:
        self.run(self.engine.call(let_go_of_database))
        self.engine.database.shutdown(wait=True)

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(what)

    def monitor(
        self, name: str = "Home page", host: str = "shop.example", project: Project | None = None, **spec: Any
    ) -> Monitor:
        url = f"https://{host}/{len(self.monitors)}"
        row = edit.create_monitor(
            project or self.project,
            {"name": name, "kind": "http", "url": url, "interval": "60s"} | spec,
            self.time,
        )
        self.monitors.append(row)
        self.changed(("monitor", str(row.pk)))
        return row

    def webhook(self, name: str = "hook", **spec: Any) -> Channel:
        return edit.create_channel(
            {"name": name, "kind": "webhook", "url": self.receiver.url} | spec, self.time
        )

    def changed(self, *found: tuple[str, str]) -> None:
        self.run(handle_changes(self.engine, set(found)))

    def take_changes(self) -> None:
        """What other processes announced reaches the engine."""
        found = set(Change.objects.values_list("topic", "key"))
        Change.objects.all().delete()
        self.run(handle_changes(self.engine, found))

    def take_changes_but_keep(self) -> None:
        """The same, and the rows stay, as they do for an hour."""
        self.run(handle_changes(self.engine, set(Change.objects.values_list("topic", "key"))))

    def pass_time(self, seconds: float = 60.0) -> None:
        self.time += timedelta(seconds=seconds)

    def look(self, monitor: Monitor, status: int = 200, **more: Any) -> None:
        """The probe saw this status."""
        watched = self.engine.watched[monitor.pk]
        facts = {"status": status, "bytes": 1200, "http": "1.1"} | more.pop("facts", {})
        seen = Observation(
            monitor.pk, "local", self.time, watched.revision, more.pop("outcome", Outcome.OK),
            Phases(1, 2, 3, 40, 5), 51.0, more.pop("address", "203.0.113.7"), facts,
        )  # fmt: skip
        self.run(self._report(watched, seen))

    async def _report(self, watched: Any, seen: Observation) -> None:
        self.engine.report(watched, seen)
        if self.engine.selfcheck.running is not None:
            await self.engine.selfcheck.running
        if self.engine.holding is not None:
            await self.engine.holding
        await self.engine.flush()

    def fails(self, monitor: Monitor, status: int = 502, times: int = 2, apart: float = 3.0) -> None:
        for _ in range(times):
            self.look(monitor, status)
            self.pass_time(apart)

    def heals(self, monitor: Monitor, times: int = 2, apart: float = 3.0) -> None:
        for _ in range(times):
            self.look(monitor, 200)
            self.pass_time(apart)

    def tick(self) -> None:
        self.engine.settle_flapping()
        self.run(self._mind_time())
        self.run(self.engine.flush())
        tick.pass_time(self.time)

    async def _mind_time(self) -> None:
        self.engine._mind_windows()
        await self.engine.signals.mind()
        self.engine.mind_waiting()

    def due_s(self, monitor: Monitor) -> float:
        """In how many seconds it is looked at next."""
        entry = self.engine.prober.entries[monitor.pk]
        due = next(due for due, turn, pk in self.engine.prober.heap if (turn, pk) == (entry.turn, monitor.pk))
        return due / 1000 - self.time.timestamp()

    def deliver(self) -> None:
        """Send all that is due now."""
        for channel in Channel.objects.all():
            for _ in range(50):
                if send_due(channel.pk, self.courier, lambda: self.time) != 0.0:
                    break

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the receiver got, in order."""
        return [json.loads(body) for _, body in self.receiver.got]

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.told]

    def incidents(self) -> list[Incident]:
        return list(Incident.objects.order_by("pk"))

    def transitions(self, monitor: Monitor) -> list[tuple[str, str]]:
        return list(Transition.objects.filter(monitor=monitor).order_by("pk").values_list("before", "after"))

    def pending(self) -> int:
        return Delivery.objects.filter(state="pending").count()

    def shown(self, monitor: Monitor) -> str:
        monitor.state.refresh_from_db()
        return str(monitor.state.shown)

    def close(self) -> None:
        self.run(self.outbound.close())
        self._let_go()
        self.runner.close()
        self.receiver.close()


class Receiver(Serving):
    """A real HTTP receiver whose answer the story sets."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], tuple[int, dict[str, str]]] = lambda: (200, {})
        receiver = self

        class Hook(Handler):
            def do_POST(self) -> None:
                body = self.read_body()
                status, headers = receiver.answer()
                if status < 300:
                    receiver.got.append((dict(self.headers), body))
                self.answer(status, headers=headers)

        super().__init__(Hook, "/hook")
