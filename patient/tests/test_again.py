"""A stand is started where another one ran, or runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from patient.desk import Desk
from patient.faults._files import block, bring_all_back, put_away
from patient.stand import ROOT, StandFailed, open_stand


def test_what_was_away_when_it_ended_is_back_when_it_starts_again(tmp_path: Path) -> None:
    """Once broken and left with q, the cache kept the next start from the shop for ever."""
    for name in ("cache", "static/css"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a").write_text("a")
    (tmp_path / "shop.sqlite3").write_text("rows")
    block(tmp_path / "cache")
    block(tmp_path / "shop.sqlite3")
    put_away(tmp_path / "static/css")
    bring_all_back(tmp_path)
    assert (tmp_path / "cache/a").read_text() == (tmp_path / "static/css/a").read_text() == "a"
    assert (tmp_path / "shop.sqlite3").read_text() == "rows"
    assert not list(tmp_path.rglob("*.away"))


def test_what_was_made_anew_stays(tmp_path: Path) -> None:
    for name in ("css.away", "css"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    (tmp_path / "staticfiles.json.away").write_text("old")
    (tmp_path / "staticfiles.json").write_text("new")
    bring_all_back(tmp_path)
    assert (tmp_path / "css/a").read_text() == "css"
    assert (tmp_path / "staticfiles.json").read_text() == "new"
    assert not list(tmp_path.rglob("*.away"))


def test_a_second_one_in_the_same_folder_says_so_and_leaves_the_first_alone(tmp_path: Path) -> None:
    stand = open_stand("light", tmp_path / "shop", 0)
    desk = Desk(stand)
    desk.open_door()
    stand.wedge("site_slow", path="/", sleep_s=3)
    try:
        command = [sys.executable, "-m", "patient", "--data", str(tmp_path), "light", "--shop-port", "0"]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 2
        assert second.stderr.startswith(f"patient: another one runs in {tmp_path}/shop already; make fault")
        assert (tmp_path / "shop/desk").exists()
        assert (tmp_path / "shop/wedge.json").exists()
        with pytest.raises(StandFailed):
            open_stand("light", tmp_path / "shop", 0)
    finally:
        desk.close_door()


def test_a_fault_that_cannot_be_had_does_not_end_the_shop(tmp_path: Path) -> None:
    """The lock of a database that is down: sqlite3 has errors of its own."""
    stand = SimpleNamespace(runs="light", folder=tmp_path, database=tmp_path, kept={}, mind=lambda: None)
    answer = Desk(stand)._carry_out(SimpleNamespace(do="break", name="database_locked"))  # type: ignore[arg-type]
    assert answer == {"ok": False, "said": "database_locked: unable to open database file"}
