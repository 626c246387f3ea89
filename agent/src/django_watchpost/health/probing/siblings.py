"""How many processes serve this application beside this one."""

from __future__ import annotations

import os
from pathlib import Path


def count_workers(proc: Path = Path("/proc")) -> int:
    """This process and those of the same command under the same parent (gunicorn, uvicorn, granian, uWSGI);
    1 where that cannot be known."""
    parent = os.getppid()
    try:
        listed = (proc / f"{parent}/task/{parent}/children").read_text().split()
        mine = (proc / "self/cmdline").read_bytes()
    except OSError:
        return 1
    if parent <= 1 or not mine:
        return 1
    same = 0
    for pid in listed:
        try:
            same += (proc / pid / "cmdline").read_bytes() == mine
        except OSError:  # it has just ended
            continue
    return max(1, same)
