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

from common import PROGRAM, Result, harness, names, need, pin, pin_myself, running, workspace
from measure import ROUNDS, measure_idle, measure_product

INTERVAL_S = 5.0
MONITORS = int(os.environ.get("BENCH_MONITORS", "5"))
HEAVY, LIGHT, KB = 50, 50, 20


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
    specs = [
        harness.monitor_spec(
            f"m{i}", f"http://h{i}.bench.test:{port}/", INTERVAL_S, kind="assets", timeout="5s"
        )
        for i in range(MONITORS)
    ]
    idle = measure_idle(folder, resolver)
    found = measure_product(folder / "home", resolver, {"p": specs}, idle, round_s=5.0)
    return {
        "us_per_look": round(found["us_per_check"]),
        "us_per_file": round(found["us_per_check"] / (HEAVY + LIGHT), 1),
        "looks_per_s": found["checks_per_s"],
        "looks_with_findings": found["monitors_with_findings"],
        "idle_cpu_of_one_core": idle,
        "rounds": ROUNDS,
    }


def measure_bare(folder: Path, port: int) -> float:
    """libcurl alone, at the pace of the product's requests; median of the rounds."""
    rate = str(MONITORS * (HEAVY + LIGHT + 1) / INTERVAL_S)
    command = [*pin(PROGRAM), sys.executable, str(Path(__file__).with_name("bare.py"))]
    command += [f"http://h1.bench.test:{port}/0.js", "127.0.0.1", "", rate, "2"]
    rounds = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
    return round(median(float(done.stdout) for done in rounds), 1)
