"""A real engine process that is killed, a real site that breaks, a real receiver that keeps a log.

The parent process imports no Django: the installation under test has its own data folder and its own
processes, and what they wrote is read without it. Also used by ``bench/``.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.kill.reading import read_postgresql, read_sqlite
from tests.serving import Handler, Serving

SEED = Path(__file__).with_name("seed.py")
STARTUP_S = 3.0  # what a start may take on a busy machine before looks begin
RELOOK_S = 3.0
SLACK_S = 3.0
WATCHPOST = [sys.executable, "-m", "watchpost.cli.main"]


def now() -> float:
    """The wall clock: looks carry wall time."""
    return time.time()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], limit_s: float, every_s: float = 0.1) -> bool:
    """Whether the condition came true in time."""
    ends = time.monotonic() + limit_s
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(every_s)
    return bool(condition())


# ---- the installation ---------------------------------------------------------------------------


class Installation:
    """One data folder, on SQLite without a ``DATABASE_URL``, and the processes that run on it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        left_out = ("WATCHPOST_", "DJANGO_", "PYTEST_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        self.env |= {
            "WATCHPOST_DATA_DIR": str(self.data),
            "WATCHPOST_ALLOW_NETWORKS": "127.0.0.0/8",
            "WATCHPOST_EGRESS_REFERENCES": "",
        }
        self.env |= {f"WATCHPOST_{name}": value for name, value in settings.items()}
        self.database = settings.get("DATABASE_URL", "")

    def seed(
        self, projects: Mapping[str, Sequence[Mapping[str, Any]]], channels: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, int]:
        """Monitors and channels; ids by project/name."""
        asked = json.dumps({"projects": projects, "channels": channels})
        done = subprocess.run(
            [sys.executable, str(SEED)], input=asked, env=self.env, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"seeding failed: {done.stderr[-2000:]}")
        ids: dict[str, int] = json.loads(done.stdout)
        return ids

    def spawn(self, *arguments: str, pin: int | None = None) -> subprocess.Popen[bytes]:
        """A process of the product; its stderr goes on at the end of the log."""
        before = ["taskset", "-c", str(pin)] if pin is not None else []
        with self.log.open("ab") as log:
            return subprocess.Popen([*before, *WATCHPOST, *arguments], env=self.env, stdout=log, stderr=log)

    def read(self, query: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self.database:
            return read_postgresql(self.database, query, arguments)
        return read_sqlite(self.data / "watchpost.sqlite3", query, arguments)

    def figure(self, name: str) -> Any:
        """One of the engine's own figures, as /metrics shows them."""
        rows = self.read("SELECT value FROM monitors_fact WHERE name = 'engine'")
        return json.loads(rows[0][0]).get(name) if rows else None


@dataclass(slots=True)
class Life:
    """One life of the engine: started, watching (if it got that far), ended."""

    started: float
    ended: float = 0.0


class Engine:
    """``watchpost engine`` that is killed and started again at once."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.lives: list[Life] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.lives.append(Life(now()))
        self.process = self.installation.spawn("engine")

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Its exit code; one that had ended by itself is an error of its own."""
        assert self.process is not None
        died_before = self.process.poll()
        self.lives[-1].ended = now()
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process = None
        if died_before is not None:
            raise RuntimeError(f"the engine ended by itself with {died_before}")
        return code

    def kill_at_random(self, kills: int, lifetime: Callable[[int], float]) -> None:
        """The engine must be running. Each life is as long as ``lifetime`` says, its start included."""
        for number in range(kills):
            time.sleep(lifetime(number))
            self.end()
            self.start()


# ---- the world outside ---------------------------------------------------------------------------


class Site:
    """An HTTP server on many loopback addresses whose answers are set per host and that notes what it
    was asked, and when. ``truth`` holds what really happened."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self.port = free_port()
        self.status = dict.fromkeys(self.hosts, 200)
        self.asked: dict[str, list[float]] = {host: [] for host in self.hosts}
        self.truth: dict[str, list[tuple[float, int]]] = {host: [] for host in self.hosts}
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        if not ready.wait(20):
            raise RuntimeError("the site did not start")

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}/"

    def flip(self, host: str, status: int) -> None:
        self.status[host] = status
        self.truth[host].append((now(), status))

    def play(self, script: Iterable[tuple[float, str, int]]) -> None:
        """(after so many seconds, host, status): from now on, by itself."""
        steps = list(script)

        def begin() -> None:
            for after_s, host, status in steps:
                self.loop.call_later(after_s, self.flip, host, status)

        self.loop.call_soon_threadsafe(begin)

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            for host in self.hosts:
                await self.loop.create_server(lambda host=host: _Answer(self, host), host, self.port)
            ready.set()

        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class _Answer(asyncio.Protocol):
    def __init__(self, site: Site, host: str) -> None:
        self.site, self.host, self.got = site, host, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        if b"\r\n\r\n" in self.got:
            self.site.asked[self.host].append(now())
            status = self.site.status[self.host]
            text = f"HTTP/1.1 {status} x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            self.transport.write(text.encode())
            self.transport.close()


@dataclass(frozen=True, slots=True)
class Got:
    """One delivery as the receiver saw it."""

    at: float
    delivery_id: str
    event: str
    incident: str
    monitors: frozenset[int]
    body: bytes


class Receiver(Serving):
    """A webhook receiver that writes everything down before it answers."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        receiver = self

        class Hook(Handler):
            def do_POST(self) -> None:
                receiver.got.append(_read_delivery(self.read_body()))
                self.answer(204)

        super().__init__(Hook, "/hook")


def _read_delivery(body: bytes) -> Got:
    said = json.loads(body)
    ids = frozenset(int(row["id"]) for row in said["monitors"])
    return Got(now(), said["delivery_id"], said["event"], said["id"], ids, body)


# ---- what must hold afterwards -------------------------------------------------------------------


@dataclass(slots=True)
class Findings:
    """What the comparison came to: numbers to report and everything that is wrong, in words."""

    numbers: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def need(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.wrong.append(sentence)


@dataclass(frozen=True, slots=True)
class Moved:
    """A stored transition between up and down."""

    monitor: int
    before: str
    after: str
    began: float
    handled_at: str


def stored_moves(installation: Installation) -> list[Moved]:
    """Transitions that concern people: to down, and from down to up; oldest first."""
    rows = installation.read(
        "SELECT monitor_id, before, after, began, handled_at FROM monitors_transition ORDER BY id"
    )
    moves, health = [], defaultdict(lambda: "new")
    for monitor, before, after, began, handled in rows:
        if after in ("up", "down"):
            if after != health[monitor] and (health[monitor], after) != ("new", "up"):
                moves.append(Moved(monitor, before, after, _seconds(began), handled))
            health[monitor] = after
    return moves


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def settled(installation: Installation, site: Site, monitor_of: Mapping[str, int]) -> bool:
    """Every monitor shows what the site really does, and nothing waits in the outbox."""
    shown = dict(installation.read("SELECT monitor_id, shown FROM monitors_monitorstate"))
    right = all(shown[monitor] == word_of(site.status[host]) for host, monitor in monitor_of.items())
    pending = installation.read("SELECT count(*) FROM incidents_delivery WHERE state = 'pending'")
    return right and pending[0][0] == 0


def word_of(status: int) -> str:
    return "up" if status == 200 else "down"


def compare(
    installation: Installation,
    engine: Engine,
    site: Site,
    receiver: Receiver,
    monitor_of: Mapping[str, int],
    interval_s: float,
) -> Findings:
    """Database, receiver's log and ground truth, against each other."""
    found = Findings()
    if not installation.database:
        check = installation.read("PRAGMA integrity_check")
        found.need(check == [("ok",)], f"integrity_check: {check[:3]}")
    moves = stored_moves(installation)
    got = list(receiver.got)
    _compare_messages(installation, moves, got, found)
    _compare_order(installation, got, found)
    _compare_truth(moves, engine, site, monitor_of, interval_s, found)
    _compare_looks(installation, engine, site, monitor_of, interval_s, found)
    distinct = len({one.delivery_id for one in got})
    found.numbers |= {
        "kills": len(engine.lives) - 1,
        "transitions": len(moves),
        "messages": distinct,
        "duplicates_same_id": len(got) - distinct,
    }
    return found


def _compare_messages(
    installation: Installation, moves: Sequence[Moved], got: Sequence[Got], found: Findings
) -> None:
    """Every transition has its incident and its message, written in one transaction and received."""
    rows = installation.read(
        "SELECT delivery_id, event, incident_id, created_at, payload, state FROM incidents_delivery"
    )
    received = {one.delivery_id: one for one in got}
    by_moment: dict[tuple[str, int], list[tuple[str, str, int]]] = defaultdict(list)
    for delivery_id, event, incident, created, payload, state in rows:
        for row in json.loads(payload)["monitors"]:
            by_moment[created, int(row["id"])].append((event, delivery_id, incident))
        found.need(state == "delivered", f"delivery {delivery_id} of incident {incident} is {state}")
        one = received.get(delivery_id)
        found.need(one is not None, f"{event} of incident {incident} never reached the receiver")
        if one is not None:
            same = (one.event, one.incident) == (event, str(incident))
            found.need(same, f"{delivery_id} said {one.event} of {one.incident}, not {event} of {incident}")
    members = set(installation.read("SELECT DISTINCT monitor_id, incident_id FROM incidents_incidentmember"))
    for move in moves:
        wanted = ("opened", "updated") if move.after == "down" else ("resolved", "updated")
        told = [row for row in by_moment[move.handled_at, move.monitor] if row[0] in wanted]
        what = f"monitor {move.monitor} went {move.after} at {move.handled_at}"
        found.need(bool(told), f"{what} and nobody was told")
        found.need(
            all((move.monitor, incident) in members for *_, incident in told),
            f"{what} but is no member of the incident that was told about",
        )
    stored = {row[0] for row in rows}
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for one in got:
        bodies[one.delivery_id].add(one.body)
        found.need(one.delivery_id in stored, f"the receiver got {one.delivery_id}, which no row knows")
    for delivery_id, said in bodies.items():
        found.need(len(said) == 1, f"{delivery_id} was sent again with another body")


def _compare_order(installation: Installation, got: Sequence[Got], found: Findings) -> None:
    """Per incident: opened first, resolved last, in the order of the outbox even with repetitions."""
    rows = installation.read("SELECT delivery_id, id FROM incidents_delivery")
    number: dict[str, int] = dict(rows)
    by_incident: dict[str, list[Got]] = defaultdict(list)
    for one in got:
        by_incident[one.incident].append(one)
    for incident, said in by_incident.items():
        order = [number.get(one.delivery_id, 0) for one in said]
        events = [one.event for one in said]
        found.need(order == sorted(order), f"incident {incident} was told out of order: {events}")
        found.need(events[0] == "opened", f"incident {incident} began with {events[0]}")
        first_end = events.index("resolved") if "resolved" in events else len(events)
        over = all(event == "resolved" for event in events[first_end:])
        found.need(over, f"incident {incident} went on after its end: {events}")
    resolved = installation.read("SELECT id FROM incidents_incident WHERE state = 'resolved'")
    for (incident,) in resolved:
        ended = any(one.event == "resolved" for one in by_incident[str(incident)])
        found.need(ended, f"incident {incident} is resolved and the receiver does not know")


def _compare_truth(
    moves: Sequence[Moved],
    engine: Engine,
    site: Site,
    monitor_of: Mapping[str, int],
    interval_s: float,
    found: Findings,
) -> None:
    """Every stored transition really happened, and is dated to when it did. What the site did is stored,
    if the engine had the time to see it twice between two kills; the last state always."""
    by_monitor: dict[int, list[Moved]] = defaultdict(list)
    for move in moves:
        by_monitor[move.monitor].append(move)
    real, missed = 0, 0
    for host, monitor in monitor_of.items():
        truth, left, health = site.truth[host], list(by_monitor[monitor]), "up"
        ends = [at for at, _ in truth[1:]] + [engine.lives[-1].ended]
        for (at, status), end in zip(truth, ends, strict=True):
            real += 1
            word = word_of(status)
            while left and left[0].after == word and at - 1 <= left[0].began <= end + 1:
                health = left.pop(0).after
            if health != word:
                missed += 1
                calm = _longest_calm(engine, at, end)
                what = (
                    f"monitor {monitor} was {word} for {end - at:.0f} s, {calm:.0f} s of them without a kill"
                )
                enough = interval_s + RELOOK_S + SLACK_S
                found.need(
                    calm < enough and end != engine.lives[-1].ended, f"{what}, and no transition says so"
                )
        for move in left:
            found.need(
                False, f"monitor {monitor} is stored {move.after} at {move.began:.1f}, which never was"
            )
    found.numbers |= {"flips": real, "flips_too_short_between_kills": missed}


def _longest_calm(engine: Engine, began: float, ended: float) -> float:
    """The longest stretch between the two in which one life of the engine was watching."""
    lives = ((max(life.started + STARTUP_S, began), min(life.ended or ended, ended)) for life in engine.lives)
    return max(end - begin for begin, end in lives)


def _compare_looks(
    installation: Installation,
    engine: Engine,
    site: Site,
    monitor_of: Mapping[str, int],
    interval_s: float,
    found: Findings,
) -> None:
    """A request the site answered and no row knows must have been made within one interval of a kill."""
    kills = [life.ended for life in engine.lives if life.ended]
    lost, made, oldest = 0, 0, 0.0
    for host, monitor in monitor_of.items():
        rows = installation.read("SELECT at FROM monitors_look WHERE monitor_id = ? ORDER BY at", [monitor])
        stored = [row[0] / 1000 for row in rows]
        before, i = 0.0, 0
        for at in site.asked[host]:
            made += 1
            while i < len(stored) and stored[i] < before - 0.001:
                i += 1
            if i < len(stored) and stored[i] <= at + 0.001:
                i += 1
            else:
                lost += 1
                age = min((kill - at for kill in kills if kill >= at - 0.05), default=float("inf"))
                oldest = max(oldest, age)
                found.need(
                    age <= interval_s, f"a look of monitor {monitor} was lost {age:.1f} s before a kill"
                )
            before = at
    found.numbers |= {"looks_made": made, "looks_lost": lost, "oldest_lost_look_s": round(oldest, 2)}


# ---- the whole thing -----------------------------------------------------------------------------


def hosts(count: int) -> list[str]:
    """Distinct loopback addresses: every monitor has an incident of its own."""
    return [f"127.1.{i // 200}.{i % 200 + 1}" for i in range(count)]


def monitor_spec(name: str, url: str, interval_s: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "http", "url": url, "interval": f"{interval_s:g}s", **more}


def run_kills(
    folder: Path,
    seed: int,
    count: int,
    kills: int,
    script: Callable[[random.Random, Sequence[str]], list[tuple[float, str, int]]],
    lifetime: Callable[[random.Random, int], float],
    settle_s: float,
    interval_s: float = 5.0,
    **settings: str,
) -> Findings:
    """Seed, let everything come up, flip the site while the engine is killed again and again, then give
    it ``settle_s`` in peace and compare."""
    chance = random.Random(seed)
    site, receiver = Site(hosts(count)), Receiver()
    installation = Installation(folder, **settings)
    engine = Engine(installation)
    try:
        ids = installation.seed(
            {
                "kill": [
                    monitor_spec(f"m{i}", site.url(host), interval_s) for i, host in enumerate(site.hosts)
                ]
            },
            [{"name": "log", "kind": "webhook", "url": receiver.url}],
        )
        monitor_of = {host: ids[f"kill/m{i}"] for i, host in enumerate(site.hosts)}
        engine.start()
        up = "SELECT count(*) FROM monitors_monitorstate WHERE shown = 'up'"
        if not wait_for(lambda: installation.read(up)[0][0] == count, 45, 0.25):
            raise RuntimeError(f"not all monitors came up; see {installation.log}")
        steps = script(chance, site.hosts)
        site.play(steps)
        engine.kill_at_random(kills, lambda number: lifetime(chance, number))
        wait_for(lambda: sum(map(len, site.truth.values())) == len(steps), 120)
        wait_for(lambda: settled(installation, site, monitor_of), settle_s, 0.5)
        wait_for(lambda: now() > engine.lives[-1].started + STARTUP_S, STARTUP_S + 1)
        code = engine.end(signal.SIGTERM)
        found = compare(installation, engine, site, receiver, monitor_of, interval_s)
        found.need(code == 0, f"the engine ended with {code} when asked to stop")
        return found
    finally:
        if engine.process is not None:
            engine.process.kill()
            engine.process.wait()
        site.close()
        receiver.close()
