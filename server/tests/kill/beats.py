"""Real web and engine processes that are killed while pings come in; what was acknowledged, stored and told.

The parent imports no Django: what the processes wrote is read without it.
"""

from __future__ import annotations

import http.client
import random
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.kill.harness import Findings, Installation, Receiver, free_port, wait_for

WEBS = 2
SENDERS = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """A ping that was answered with a 200."""

    monitor: int
    number: int


class Process:
    """One process of the installation; killed with all that it started, and started again."""

    def __init__(self, installation: Installation, *arguments: str) -> None:
        self.installation, self.arguments = installation, arguments
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = self.installation.spawn(*self.arguments)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()  # what it forked dies with it by itself
        self.process.wait(20)

    def end(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Senders:
    """Threads that ping until told to stop. Nothing is sent twice: whatever is stored twice is ours."""

    def __init__(self, ports: list[int], codes: dict[int, str], seed: int) -> None:
        self.acknowledged: list[Sent] = []
        self.tried = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed + n), ports, codes))
            for n in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, chance: random.Random, ports: list[int], codes: dict[int, str]) -> None:
        monitors = list(codes)
        while not self._stop.is_set():
            monitor = chance.choice(monitors)
            with self._lock:
                self.tried += 1
                number = self.tried
            way = "/fail" if chance.random() < 0.3 else ""
            if ping(chance.choice(ports), f"/ping/{UUID(codes[monitor])}{way}", str(number)):
                with self._lock:
                    self.acknowledged.append(Sent(monitor, number))
            time.sleep(0.01)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def ping(port: int, path: str, body: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def run_ping_kills(
    folder: Path,
    seed: int,
    count: int,
    kills: int,
    life: Callable[[random.Random], float],
    **settings: str,
) -> Findings:
    """``count`` heartbeats, ``kills`` times SIGKILL for one of the processes; then time to settle."""
    chance, receiver = random.Random(seed), Receiver()
    installation = Installation(folder, PING_RATE="1000000", FLAP_CHANGES="1000", **settings)
    beats = [{"name": f"Job {n}", "kind": "heartbeat"} for n in range(count)]
    hook = {"name": "hook", "kind": "webhook", "url": receiver.url}
    installation.seed({"jobs": beats}, [hook])
    codes = dict(installation.read("SELECT monitor_id, code FROM heartbeats_heartbeat"))
    ports = [free_port() for _ in range(WEBS)]
    processes = [Process(installation, "web", "--listen", f"127.0.0.1:{port}") for port in ports]
    processes.append(Process(installation, "engine"))
    found = Findings()
    try:
        some = f"/ping/{UUID(next(iter(codes.values())))}/log"
        for port in ports:
            found.need(wait_for(lambda port=port: ping(port, some, ""), 60), f"port {port} never answered")
        senders = Senders(ports, codes, seed)
        for _ in range(kills):
            time.sleep(life(chance))
            one = chance.choice(processes)
            one.kill()
            one.start()
        senders.stop()
        settled = wait_for(lambda: is_settled(installation), 90, 0.5)
        found.need(settled, "after 90 s there were still flips that nobody handled, or messages not sent")
    finally:
        for process in processes:
            process.end()
        receiver.close()
    found.numbers |= {"kills": kills, "tried": senders.tried, "acknowledged": len(senders.acknowledged)}
    compare_rows(installation, senders.acknowledged, found)
    compare_flips(installation, receiver, found)
    return found


def is_settled(installation: Installation) -> bool:
    flips = installation.read("SELECT count(*) FROM heartbeats_flip WHERE NOT handled")[0][0]
    waiting = installation.read("SELECT count(*) FROM incidents_delivery WHERE state = 'pending'")[0][0]
    return not flips and not waiting


def compare_rows(installation: Installation, acknowledged: list[Sent], found: Findings) -> None:
    """Every ping that was answered is stored once; numbers have no gaps, whoever wrote them."""
    rows = installation.read("SELECT monitor_id, n, body FROM heartbeats_ping WHERE body IS NOT NULL")
    stored = [(monitor, int(body)) for monitor, _, body in rows]
    found.numbers["stored"] = len(stored)
    for one in sorted({(sent.monitor, sent.number) for sent in acknowledged} - set(stored)):
        found.need(False, f"ping {one[1]} of monitor {one[0]} was acknowledged and is not stored")
    found.need(len(set(stored)) == len(stored), "a ping is stored twice")
    counted = dict(installation.read("SELECT monitor_id, pings FROM heartbeats_heartbeat"))
    logged: dict[int, list[int]] = defaultdict(list)
    for monitor, n in installation.read("SELECT monitor_id, n FROM heartbeats_ping ORDER BY monitor_id, n"):
        logged[monitor].append(n)
    for monitor, numbers in logged.items():
        right = list(range(counted[monitor] - len(numbers) + 1, counted[monitor] + 1))
        found.need(numbers == right, f"monitor {monitor} counts {counted[monitor]} and logs {numbers[:5]}...")


def compare_flips(installation: Installation, receiver: Receiver, found: Findings) -> None:
    """Every flip is a transition, and every one but the first is told, once for each delivery id."""
    flips: dict[int, list[str]] = defaultdict(list)
    for monitor, after in installation.read("SELECT monitor_id, after FROM heartbeats_flip ORDER BY id"):
        flips[monitor].append(after)
    moves: dict[int, list[str]] = defaultdict(list)
    asked = "SELECT monitor_id, after FROM monitors_transition WHERE track = '' ORDER BY id"
    for monitor, after in installation.read(asked):
        moves[monitor].append(after)
    for monitor, states in flips.items():
        found.need(states == moves[monitor], f"monitor {monitor} flipped {states} and moved {moves[monitor]}")
    downs = sum(states.count("down") for states in flips.values())
    ups = sum(states[1:].count("up") for states in flips.values())
    told: dict[str, str] = {}
    for got in receiver.got:
        before = told.setdefault(got.delivery_id, got.event)
        found.need(before == got.event, f"delivery {got.delivery_id} came as {before} and as {got.event}")
    events = list(told.values())
    found.numbers |= {"flips": sum(map(len, flips.values())), "downs": downs, "messages": len(events),
                      "repeated": len(receiver.got) - len(events)}  # fmt: skip
    found.need(events.count("opened") == downs, f"{downs} went down, {events.count('opened')} were told")
    found.need(events.count("resolved") == ups, f"{ups} came up again, {events.count('resolved')} were told")
