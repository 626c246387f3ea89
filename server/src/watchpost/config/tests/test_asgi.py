"""The worker of the web process, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

START = """
import asyncio
from watchpost.config.asgi import _lifespan

async def receive():
    return {"type": "lifespan.startup"}

async def send(message):
    raise SystemExit(7)

asyncio.run(_lifespan(receive, send))
"""


def begin(parent: int, folder: Path) -> int:
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "watchpost.config.settings",
        "WATCHPOST_DATA_DIR": str(folder),
        "WATCHPOST_WEB_PROCESS": str(parent),
    }
    done = subprocess.run([sys.executable, "-c", START], env=env, timeout=60, capture_output=True)
    return done.returncode


def test_a_worker_whose_parent_died_before_it_began_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait(20)
    assert begin(gone.pid, tmp_path) == 1


def test_a_worker_whose_parent_lives_begins(tmp_path: Path) -> None:
    assert begin(os.getpid(), tmp_path) == 7
