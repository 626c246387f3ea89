"""A demonstration as somebody has it who typed ``make demo``, and what is seen of it from outside."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from patient.desk import ask
from patient.stand import ROOT
from patient.watched import are_green

T = TypeVar("T")


class RunningDemo:
    """``python -m patient demo`` in a folder of its own, on ports that are free."""

    def __init__(self, folder: Path, runs: str) -> None:
        self.folder = folder
        self.log = folder / "demo.log"
        command = [sys.executable, "-m", "patient", "--data", str(folder), "demo"]
        command += ["--full"] if runs == "full" else []
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--shop-port", "0", "--port", "0"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.state: dict[str, str] = {}

    def wait_green(self, within_s: float) -> None:
        """Until every monitor is up (a job may not have run yet) and no incident is open."""
        await_(lambda: self.process.poll() is None and self._is_begun(), within_s, self.tell)
        await_(self.is_green, within_s, self.tell)

    def _is_begun(self) -> bool:
        file = self.folder / "demo.json"
        if file.is_file() and (text := file.read_text()):
            self.state = json.loads(text)
        return bool(self.state)

    def is_green(self) -> bool:
        is_open = any(one["state"] != "resolved" for one in self.incidents())
        return are_green(self.get("monitors")) and not is_open

    def incidents(self) -> list[dict[str, Any]]:
        """All there were, the newest first."""
        return self.get("incidents")

    def get(self, path: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.state['token']}"}
        request = urllib.request.Request(f"{self.state['watchpost']}/v1/{path}?limit=100", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return list(json.load(answer)["items"])

    def order(self, do: str, name: str) -> None:
        answer = ask(self.folder / "shop", do, name)
        assert answer["ok"], answer["said"]

    def tell(self) -> str:
        """Where it stands, for whoever reads a failed test."""
        if not self.state:
            return self.log.read_text()
        monitors = [f"{one['name']}: {one['state']} ({one['reason']})" for one in self.get("monitors")]
        incidents = [
            f"{one['state']}: {[cause['code'] for cause in one['causes']]} {one['title']}"
            for one in self.incidents()[:5]
        ]
        return "\n".join([*monitors, *incidents])

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def await_(condition: Callable[[], T], within_s: float, tell: Callable[[], str]) -> T:
    """The first true value; an AssertionError with what ``tell`` says when time runs out."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if value := condition():
            return value
        time.sleep(0.25)
    raise AssertionError(f"did not come true within {within_s:g} s\n{tell()}")
