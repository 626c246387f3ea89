"""CPU per look at a page with 100 files (50 stylesheets and scripts with integrity, 50 images), of all processes of
``watchpost up``: schedule, 101 requests, parsing, hashing, judge, store.

No peer that we know looks at a page's files, so ``bare`` stands beside it: libcurl alone, as the product drives
it, asking for one small file 101 times at the same pace, evenly spread. A look asks six at a time and may be
cheaper for that. ``meets``: every last look was without findings, so it saw all files.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from common import PROGRAM, Result, Up, cpu_s, harness, names, need, pin, pin_myself, running, wait, workspace

INTERVAL_S = 5.0
MONITORS = int(os.environ.get("BENCH_MONITORS", "5"))
HEAVY, LIGHT, KB = 50, 50, 20
ROUNDS, ROUND_S, IDLE_S = 5, 5.0, 5.0


def run() -> Result:
    pin_myself(1 - PROGRAM)
    with workspace() as folder, site(folder) as port, names(int(INTERVAL_S)) as resolver:
        ours = measure(folder, resolver, port)
        bare = measure_bare(folder, port)
    ours |= {
        "monitors": MONITORS,
        "interval_s": INTERVAL_S,
        "files": HEAVY + LIGHT,
        "bare_us_per_request": bare,
    }
    ratio = round(ours["us_per_look"] / (bare * (HEAVY + LIGHT + 1)), 2)
    peer = {
        "name": "libcurl alone, 101 requests",
        "us_per_look": round(bare * (HEAVY + LIGHT + 1)),
        "measured": True,
    }
    return Result("assets", ours, peer, ratio, not ours["looks_with_findings"])


@contextlib.contextmanager
def site(folder: Path) -> Iterator[int]:
    """Debian's nginx with the page and its files."""
    root = folder / "root"
    root.mkdir()
    tags = []
    for number in range(HEAVY):
        text = f"/* {number} */".encode() + b"p { color: red }\n" * (KB * 1024 // 17)
        kind = "css" if number % 2 else "js"
        (root / f"{number}.{kind}").write_bytes(text)
        hashed = f"integrity='sha384-{b64encode(hashlib.sha384(text).digest()).decode()}'"
        link = f"<link rel=stylesheet href=/{number}.css {hashed}>"
        tags.append(link if number % 2 else f"<script src=/{number}.js {hashed}></script>")
    for number in range(LIGHT):
        (root / f"{number}.png").write_bytes(os.urandom(KB * 1024))
        tags.append(f"<img src=/{number}.png>")
    (root / "index.html").write_text("<!doctype html>" + "<p>text</p>".join(tags))
    port = harness.free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder}/pid; error_log /dev/null; user root;\n"
        "events { worker_connections 4096; }\nhttp { access_log off; sendfile on;\n"
        "types { text/html html; text/css css; text/javascript js; image/png png; }\n"
        + "".join(
            f"{n}_temp_path {folder}/t-{n};\n" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; }} }}\n"
    )
    with running([need("nginx", "nginx"), "-c", str(config), "-p", str(folder)], port):
        yield port


def measure(folder: Path, resolver: str, port: int) -> dict[str, Any]:
    home = folder / "home"
    home.mkdir()
    product = Up(home, RESOLVERS=resolver)
    product.start()
    try:
        harness.wait_for(product.answers, 60, 0.2)
        wait(4)
        used = cpu_s(product.family())
        wait(IDLE_S)
        idle = (cpu_s(product.family()) - used) / IDLE_S
    finally:
        product.stop()
    specs = [
        harness.monitor_spec(
            f"m{i}", f"http://h{i}.bench.test:{port}/", INTERVAL_S, kind="assets", timeout="5s"
        )
        for i in range(MONITORS)
    ]
    product.installation.seed({"p": specs})
    product.start()
    windows: list[tuple[float, float, float]] = []
    try:
        harness.wait_for(lambda: product.looked_at_since(0) >= MONITORS, 90, 0.5)
        wait(3)
        family = product.family()
        for _ in range(ROUNDS):
            used, began = cpu_s(family), harness.now()
            wait(ROUND_S)
            windows.append((cpu_s(family) - used, began, harness.now()))
        wait(2)
        counted = [(used, end - began, product.looks(began, end)) for used, began, end in windows]
        odd = "SELECT count(*) FROM monitors_monitorlast WHERE findings <> '[]' OR outcome <> 'ok'"
        found = product.installation.read(odd)[0][0]
    finally:
        product.stop()
    per_look = median((used - idle * took) / max(n, 1) * 1e6 for used, took, n in counted)
    return {
        "us_per_look": round(per_look),
        "us_per_file": round(per_look / (HEAVY + LIGHT), 1),
        "looks_per_s": round(median(n / took for _, took, n in counted), 2),
        "looks_with_findings": found,
        "idle_cpu_of_one_core": round(idle, 4),
        "rounds": ROUNDS,
    }


def measure_bare(folder: Path, port: int) -> float:
    """libcurl alone, at the pace of the product's requests; median of the rounds."""
    rate = str(MONITORS * (HEAVY + LIGHT + 1) / INTERVAL_S)
    command = [*pin(PROGRAM), sys.executable, str(Path(__file__).with_name("bare.py"))]
    command += [f"http://h1.bench.test:{port}/0.js", "127.0.0.1", "", rate, "2"]
    rounds = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
    return round(median(float(done.stdout) for done in rounds), 1)
