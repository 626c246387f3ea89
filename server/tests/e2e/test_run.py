"""``watchpost run`` against a real installation: a job that is killed is down in its own words, and up again."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.installation import Installation, wait_for


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    installation = Installation(tmp_path_factory.mktemp("run"), 9)
    try:
        installation.sign_in_link()
        yield installation
    finally:
        installation.close()


def test_a_job_killed_by_a_signal_and_its_next_run(running: Installation) -> None:
    key = json.loads(running.command("project", "create", "Shop", "--json").stdout)["ping_key"]
    environment = {
        "PATH": os.environ["PATH"],
        "WATCHPOST_PING_URL": f"http://127.0.0.1:{running.port}/ping/{key}",
    }

    def run(text: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "watchpost.cli.main", "run", "--slug", "backup", "--create"]
        ran = subprocess.run(
            [*command, "--", "sh", "-c", text], env=environment, capture_output=True, text=True, timeout=60
        )
        return ran.returncode, ran.stdout, ran.stderr

    def explained() -> str:
        return running.command("explain", "backup").stdout

    assert run("echo copying; sleep 0.3; kill -KILL $$") == (137, "copying\n", "")
    wait_for(lambda: "exit code 137: copying Killed by signal 9 (SIGKILL)" in explained(), 20)
    assert run("sleep 0.3; echo copied") == (0, "copied\n", "")
    wait_for(lambda: "is up" in explained(), 20)
    with sqlite3.connect(Path(running.folder) / "data" / "watchpost.sqlite3") as database:
        rows = database.execute(
            "SELECT sign, exit_code, took_s, body FROM heartbeats_ping ORDER BY n"
        ).fetchall()
    assert [row[:2] for row in rows] == [("start", None), ("fail", 137), ("start", None), ("success", 0)]
    assert all(0.3 <= row[2] < 5 for row in rows[1::2])
    assert rows[3][3] == b"copied\n"
