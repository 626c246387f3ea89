"""Whatever ends the stand, nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patient.stand import ROOT
from patient.tests.running import await_

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "patient", "--data", str(tmp_path), "light", "--shop-port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The shop is at http://127.0.0.1:")
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_processes_end_with_it(shop: subprocess.Popen[str], tmp_path: Path, how: signal.Signals) -> None:
    assert len(_of(tmp_path)) >= 7  # gunicorn and its workers, Celery and its own, Beat, mail, visitors
    shop.send_signal(how)
    code = shop.wait(30)
    await_(lambda: not _of(tmp_path), 20, lambda: "\n".join(_of(tmp_path)))
    assert code == (-how if how is signal.SIGKILL else 0)
    assert how is signal.SIGKILL or not (tmp_path / "shop" / "desk").exists()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-m', 'patient', '--data', {str(tmp_path)!r}, 'light', '--shop-port', '0'])\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        await_(lambda: len(_of(tmp_path)) >= 7, 45, lambda: "\n".join(_of(tmp_path)))
    finally:
        parent.kill()
        parent.wait()
    await_(lambda: not _of(tmp_path), 30, lambda: "\n".join(_of(tmp_path)))


def _of(folder: Path) -> list[str]:
    """The processes of the shop in ``folder``."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            environ, command = (place / "environ").read_bytes(), (place / "cmdline").read_bytes()
        except OSError:  # it is gone, or somebody else's
            continue
        if f"SHOP_DATA={os.fspath(folder)}/".encode() in environ:
            found.append(f"{place.name} {command.replace(bytes(1), b' ').decode(errors='replace')}")
    return found
