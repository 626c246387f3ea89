"""Hooks that tell the stand when workers have loaded the shop."""

import os
from typing import Any


def post_worker_init(worker: Any) -> None:
    with open(os.environ["READY_FILE"], "a") as file:
        file.write(f"{worker.pid}\n")
