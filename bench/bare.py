"""The bare limit beside ``prober``: libcurl's multi interface as the product drives it, asked at a steady
pace, without schedule, judge or store. Prints the CPU microseconds of one check.

Run by ``prober`` as a process of its own, on the program's core: bare.py URL ADDRESS CA_FILE RATE SECONDS
"""

from __future__ import annotations

import asyncio
import sys
import time
from ipaddress import ip_network
from urllib.parse import urlsplit

import uvloop

from watchpost.outbound.curl import Multi
from watchpost.outbound.guard import Guard
from watchpost.outbound.request import Request


async def measure(url: str, address: str, ca_file: str, rate: float, seconds: float) -> float:
    parts = urlsplit(url)
    multi = Multi(Guard((ip_network("127.0.0.0/8"),)), ca_file)
    request = Request(url, parts.hostname or "", parts.port or 80, address, ca_file=ca_file)

    async def ask() -> None:
        reply = await multi.exchange(request)
        if reply.status != 200:
            raise SystemExit(f"the page answered {reply.status} {reply.failure}")

    for _ in range(50):
        await ask()
    used, began, done = time.process_time(), time.monotonic(), 0
    tasks: set[asyncio.Task[None]] = set()
    while time.monotonic() - began < seconds:
        await asyncio.sleep(max(began + done / rate - time.monotonic(), 0))
        task = asyncio.ensure_future(ask())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        done += 1
    await asyncio.gather(*tasks)
    return (time.process_time() - used) / done * 1e6


if __name__ == "__main__":
    url, address, ca_file, rate, seconds = sys.argv[1:]
    print(round(uvloop.run(measure(url, address, ca_file, float(rate), float(seconds))), 1))
