"""Certificate checks per CPU second, whole path (schedule, handshake, chain built and judged, stored) of all
processes of ``watchpost up``, beside Debian's blackbox_exporter doing TCP and TLS alone, at the same rate.

The server shows a leaf and its intermediate. The exporter verifies them against their authority at each check and
reports the earliest expiry. Ours makes a full handshake at each check, too, and reads the chain, but verifies it when
it is another one than before (docs/decisions/0012); it judges each address and remembers. ``ratio`` is checks per
CPU second, ours to the exporter's: above 1 is better.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import PROGRAM, Result, harness, names, need, pin_myself, running, workspace
from exporter import exporter_version, measure_exporter
from measure import measure_idle, measure_product

INTERVAL_S = 5.0
MONITORS = int(os.environ.get("BENCH_MONITORS", "400"))


def run() -> Result:
    pin_myself(1 - PROGRAM)
    with workspace() as folder, server(folder) as port, names(int(INTERVAL_S)) as resolver:
        idle = measure_idle(folder, resolver)
        ours = measure_product(folder / "home", resolver, {"p": specs_of(folder, port)}, idle)
        peer = measure_exporter(folder, module_of(folder), f"127.0.0.1:{port}", MONITORS / INTERVAL_S)
    for side in (ours, peer):
        side["checks_per_cpu_s"] = round(1e6 / side["us_per_check"], 1)
    ours |= {"monitors": MONITORS, "interval_s": INTERVAL_S, "idle_cpu_of_one_core": idle}
    ratio = round(ours["checks_per_cpu_s"] / peer["checks_per_cpu_s"], 2)
    quiet = not ours["monitors_with_findings"] and not peer["failed_looks"]
    return Result(
        "tls", ours, {"name": exporter_version(), "measured": True, **peer}, ratio, quiet and ratio >= 1
    )


def module_of(folder: Path) -> str:
    tls = f"{{ca_file: {folder}/ca.pem, server_name: h1.bench.test}}"
    return f"{{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4, tls: true, tls_config: {tls}}}}}"


def specs_of(folder: Path, port: int) -> list[dict[str, Any]]:
    authority = (folder / "ca.pem").read_text()
    return [
        {"name": f"m{i}", "kind": "tls", "host": f"h{i % (MONITORS // 10)}.bench.test", "port": port, "ip": "4",
         "ca_pem": authority, "interval": f"{INTERVAL_S:g}s", "timeout": "5s"}
        for i in range(MONITORS)
    ]  # fmt: skip


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """Debian's nginx with a leaf and its intermediate, which no other look of ours has cached."""
    import trustme

    authority = trustme.CA()
    issued = authority.create_child_ca().issue_cert("*.bench.test")
    issued.private_key_pem.write_to_path(folder / "server.key")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(folder / "server.pem", append=number > 0)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    port = harness.free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null; user root;\n"
        "events { worker_connections 4096; }\nhttp { access_log off;\n"
        + "".join(
            f"{n}_temp_path {folder}/t-{n};\n" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{ listen 127.0.0.1:{port} ssl backlog=4096; ssl_session_tickets off; ssl_session_cache off;\n"
        f"ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; return 200; }} }}\n"
    )
    with running([need("nginx", "nginx"), "-c", str(config), "-p", str(folder)], port):
        yield port
