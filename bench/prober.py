"""CPU per check of the whole path (schedule, probe, judge, store) of all processes of ``watchpost up``, beside
Debian's blackbox_exporter asked at the same rate. The program has one core, everything else the other.

The product resolves real names (ten monitors a name, TTL one interval); the exporter is given an address, so
it resolves nothing. Ours is reported as used and with the idle CPU of the same processes taken off. ``bare``
is libcurl alone, as the product drives it, at the same pace: what no whole path can fall below.

The budgets were set beside the exporter on another machine (150 to 463 us, 650 to 810 us); every figure is a
ratio taken in one run, so ``meets`` compares ratios, and ``meets_in_us`` says whether the plain figures hold.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from common import PROGRAM, Result, names, pin, pin_myself, projects_of, web_server, workspace
from exporter import exporter_version, measure_exporter
from measure import ROUND_S, ROUNDS, measure_idle, measure_product

INTERVAL_S = 5.0
MONITORS = int(os.environ.get("BENCH_MONITORS", "1000"))
GROWTH = (100, 5000)
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


def measure_ours(
    folder: Path, resolver: str, scheme: str, port: int, authority: str, idle: float, count: int
) -> dict[str, Any]:
    more = {"ca_pem": authority} if scheme == "https" else {}
    projects = projects_of(count, lambda name, i: f"{scheme}://{name}:{port}/{i}", INTERVAL_S, **more)
    return measure_product(folder / f"{scheme}-{count}", resolver, projects, idle)


def measure_peer(folder: Path, scheme: str, port: int, rate: float) -> dict[str, Any]:
    """The same pages at the same rate."""
    tls = f"{{ca_file: {folder}/ca.pem, server_name: h1.bench.test}}"
    module = f"{{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {tls}}}}}"
    return measure_exporter(folder, module, f"{scheme}://127.0.0.1:{port}/", rate)


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
