"""CPU per check of the whole path (schedule, probe, judge, store) of all processes of ``watchpost up``, beside
Debian's blackbox_exporter asked at the same rate. The program has one core, everything else the other.

The product resolves real names (ten monitors a name, TTL one interval); the exporter is given an address, so
it resolves nothing. Ours is reported as used and with the idle CPU of the same processes taken off. ``bare``
is libcurl alone, as the product drives it, at the same pace: what no whole path can fall below.

The budgets were set beside the exporter on another machine (150 to 463 us, 650 to 810 us); every figure is a
ratio taken in one run, so ``meets`` compares ratios, and ``meets_in_us`` says whether the plain figures hold.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from common import (
    PROGRAM,
    Result,
    Up,
    cpu_s,
    harness,
    names,
    need,
    pin,
    pin_myself,
    projects_of,
    wait,
    web_server,
    workspace,
)  # fmt: skip

INTERVAL_S = 5.0
MONITORS = int(os.environ.get("BENCH_MONITORS", "1000"))
GROWTH = (100, 5000)
ROUNDS, ROUND_S, IDLE_S = 5, 3.0, 6.0
BUDGET_US = {"http": 150.0, "https": 650.0}
BUDGET_RATIO = {"http": 150 / 463, "https": 650 / 810}


def run() -> Result:
    pin_myself(1 - PROGRAM)
    ours: dict[str, Any] = {"monitors": MONITORS, "interval_s": INTERVAL_S, "budget_us": BUDGET_US}
    ours["budget_ratio"] = {scheme: round(ratio, 3) for scheme, ratio in BUDGET_RATIO.items()}
    peer: dict[str, Any] = {"name": exporter_version(), "measured": True}
    rate = MONITORS / INTERVAL_S
    with workspace() as folder:
        key, chain, authority = certificate(folder)
        with web_server(folder, (chain, key)) as (plain, secure), names(int(INTERVAL_S)) as resolver:
            ours["idle_cpu_of_one_core"] = idle = measure_idle(folder, resolver)
            for scheme, port in (("http", plain), ("https", secure)):
                ours[scheme] = measure_ours(folder, resolver, scheme, port, authority, idle, MONITORS)
                peer[scheme] = measure_peer(folder, scheme, port, rate)
                ours[f"bare_{scheme}_us"] = measure_bare(folder, scheme, port, rate)
            ours["growth_http"] = {
                str(count): measure_ours(folder, resolver, "http", plain, authority, idle, count)
                for count in GROWTH
            }
            peer["growth_http"] = {
                str(GROWTH[-1]): measure_peer(folder, "http", plain, GROWTH[-1] / INTERVAL_S)
            }
            ours["growth_bare_http_us"] = {
                str(count): measure_bare(folder, "http", plain, count / INTERVAL_S) for count in GROWTH
            }
    ratio = {s: round(ours[s]["us_per_check"] / peer[s]["us_per_check"], 3) for s in ("http", "https")}
    ours["meets_in_us"] = all(ours[scheme]["us_per_check"] <= budget for scheme, budget in BUDGET_US.items())
    return Result("prober", ours, peer, ratio, all(ratio[s] <= BUDGET_RATIO[s] for s in ratio))


def measure_bare(folder: Path, scheme: str, port: int, rate: float) -> float:
    """libcurl alone at this pace; median of the rounds."""
    ca_file = str(folder / "ca.pem") if scheme == "https" else ""
    command = [*pin(PROGRAM), sys.executable, str(Path(__file__).with_name("bare.py"))]
    command += [f"{scheme}://h1.bench.test:{port}/", "127.0.0.1", ca_file, str(rate), str(ROUND_S)]
    rounds = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
    return round(median(float(done.stdout) for done in rounds), 1)


def certificate(folder: Path) -> tuple[Path, Path, str]:
    """A server's key and chain for ``*.bench.test``, and the authority that signed it."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("*.bench.test")
    key, chain = folder / "server.key", folder / "server.pem"
    issued.private_key_pem.write_to_path(key)
    for i, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(chain, append=i > 0)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return key, chain, authority.cert_pem.bytes().decode()


def measure_idle(folder: Path, resolver: str) -> float:
    """What the processes use with nothing to look at, as a share of one core."""
    (folder / "idle").mkdir()
    product = Up(folder / "idle", RESOLVERS=resolver)
    product.start()
    try:
        harness.wait_for(product.answers, 60, 0.2)
        wait(4)
        family = product.family()
        used, began = cpu_s(family), time.monotonic()
        wait(IDLE_S)
        return round((cpu_s(family) - used) / (time.monotonic() - began), 4)
    finally:
        product.stop()


def measure_ours(
    folder: Path, resolver: str, scheme: str, port: int, authority: str, idle: float, count: int
) -> dict[str, Any]:
    home = folder / f"{scheme}-{count}"
    home.mkdir()
    product = Up(home, RESOLVERS=resolver)
    more = {"ca_pem": authority} if scheme == "https" else {}
    product.installation.seed(
        projects_of(count, lambda name, i: f"{scheme}://{name}:{port}/{i}", INTERVAL_S, **more)
    )
    product.start()
    windows: list[tuple[float, float, float]] = []
    try:
        harness.wait_for(lambda: product.looked_at_since(0) >= count, 90, 0.5)
        wait(3)
        family = product.family()
        for _ in range(ROUNDS):
            used, began = cpu_s(family), harness.now()
            wait(ROUND_S)
            windows.append((cpu_s(family) - used, began, harness.now()))
        wait(2)
        counted = [(used, end - began, product.looks(began, end)) for used, began, end in windows]
        failed = product.installation.read("SELECT count(*) FROM monitors_look WHERE outcome <> 'ok'")[0][0]
        lag = product.installation.figure("schedule_lag_p99_s")
    finally:
        product.stop()
    return {
        "us_per_check": round(median((used - idle * took) / n * 1e6 for used, took, n in counted), 1),
        "us_per_check_with_idle": round(median(used / n * 1e6 for used, _, n in counted), 1),
        "checks_per_s": round(median(n / took for _, took, n in counted), 1),
        "failed_looks": failed,
        "lag_p99_s": lag,
        "rounds": ROUNDS,
    }


def exporter_version() -> str:
    program = need("prometheus-blackbox-exporter", "prometheus-blackbox-exporter")
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    words = (said.stdout or said.stderr).split()
    return f"blackbox_exporter {words[2] if len(words) > 2 else ''} (Debian)"


def measure_peer(folder: Path, scheme: str, port: int, rate: float) -> dict[str, Any]:
    """The same pages, asked at the same rate by a small client that only sends GET /probe."""
    listen = harness.free_port()
    config = folder / "blackbox.yml"
    config.write_text(
        "modules:\n  page:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: ip4\n"
        f"      tls_config: {{ca_file: {folder}/ca.pem, server_name: h1.bench.test}}\n"
    )
    command = [
        *pin(PROGRAM), need("prometheus-blackbox-exporter", "prometheus-blackbox-exporter"),
        f"--config.file={config}", f"--web.listen-address=127.0.0.1:{listen}", "--log.level=error",
    ]  # fmt: skip
    exporter = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = f"/probe?module=page&target={quote(f'{scheme}://127.0.0.1:{port}/', safe='')}"
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
