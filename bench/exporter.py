"""Debian's blackbox_exporter, asked at a steady rate: CPU per probe, median of the rounds, idle CPU taken off."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from common import PROGRAM, cpu_s, harness, need, pin, wait
from measure import ROUND_S, ROUNDS


def exporter_version() -> str:
    program = need("prometheus-blackbox-exporter", "prometheus-blackbox-exporter")
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    words = (said.stdout or said.stderr).split()
    return f"blackbox_exporter {words[2] if len(words) > 2 else ''} (Debian)"


def measure_exporter(folder: Path, module: str, target: str, rate: float) -> dict[str, Any]:
    """``module`` is YAML. A small client sends GET /probe for ``target``, ``rate`` times a second, and no more."""
    listen = harness.free_port()
    config = folder / "blackbox.yml"
    config.write_text(f"modules:\n  one: {module}\n")
    command = [
        *pin(PROGRAM), need("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"),
        f"--config.file={config}", f"--web.listen-address=127.0.0.1:{listen}", "--log.level=error",
    ]  # fmt: skip
    exporter = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = f"/probe?module=one&target={quote(target, safe='')}"
    try:
        client = Client(listen, path, rate)
        if not harness.wait_for(client.works, 10):
            raise SystemExit("blackbox_exporter did not answer, or its probe failed")
        client.start()
        wait(2)
        rounds = []
        for _ in range(ROUNDS):
            used, before = cpu_s([exporter.pid]), client.done
            wait(ROUND_S)
            rounds.append((cpu_s([exporter.pid]) - used, client.done - before))
        client.stop()
        used, began = cpu_s([exporter.pid]), time.monotonic()
        wait(3)
        idle = (cpu_s([exporter.pid]) - used) / (time.monotonic() - began)
    finally:
        exporter.terminate()
        exporter.wait()
    return {
        "us_per_check": round(median((used - idle * ROUND_S) / n * 1e6 for used, n in rounds), 1),
        "checks_per_s": round(median(n / ROUND_S for _, n in rounds), 1),
        "failed_looks": client.failed,
        "rounds": ROUNDS,
    }


class Client:
    """Asks at a steady rate from four threads on kept connections."""

    THREADS = 4

    def __init__(self, port: int, path: str, rate: float) -> None:
        self.port, self.path, self.rate = port, path, rate
        self.counts, self.failed, self.closing = [0] * self.THREADS, 0, False
        self.threads: list[threading.Thread] = []

    @property
    def done(self) -> int:
        return sum(self.counts)

    def works(self) -> bool:
        try:
            return self._ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5))
        except OSError:
            return False

    def start(self) -> None:
        self.threads = [
            threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(self.THREADS)
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.closing = True
        for thread in self.threads:
            thread.join()

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        connection.request("GET", self.path)
        return b"\nprobe_success 1" in connection.getresponse().read()

    def _run(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        step = self.THREADS / self.rate
        due = time.monotonic() + step * number / self.THREADS
        while not self.closing:
            time.sleep(max(due - time.monotonic(), 0))
            self.failed += not self._ask(connection)
            self.counts[number] += 1
            due += step
