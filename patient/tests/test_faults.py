"""Faults do no harm: broken twice and healed twice, the shop sells as before."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from patient.desk import ask
from patient.faults import Fault, find_faults
from patient.faults._files import block, put_away, put_back, unblock
from patient.stand import ROOT
from patient.tests.running import await_
from patient.traffic import Visitor, place_order

ALL = find_faults()
LIGHT = find_faults("light")


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        self.problem = ""
        command = [sys.executable, "-m", "patient", "--data", str(folder), "light", "--shop-port", "0"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]

    def order(self, do: str, name: str) -> None:
        answer = ask(self.folder, do, name)
        assert answer["ok"], answer["said"]

    def sells(self) -> bool:
        """Whether its pages come and an order can be placed."""
        try:
            visitor = Visitor(self.url, None)
            assert "Everything for tea" in visitor.get("/")
            style = re.search(r'href="(/static/css/[^"]+)"', visitor.get("/"))
            assert style
            assert "--accent" in visitor.get(style[1])
            place_order(visitor)
        except (AssertionError, OSError, ValueError, IndexError) as problem:
            self.problem = repr(problem)
            return False
        return True

    def cache(self) -> str:
        """What the health endpoint tells strangers of it."""
        try:
            with urllib.request.urlopen(f"{self.url}health/", timeout=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as told:
            body = told.read()
        except OSError as problem:
            return repr(problem)
        try:
            return str(json.loads(body)["checks"]["cache"]["state"])
        except (ValueError, KeyError) as problem:
            return repr(problem)

    def mails(self) -> set[Path]:
        return set((self.folder / "mail").iterdir())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    found = Shop(tmp_path_factory.mktemp("shop"))
    try:
        yield found
    finally:
        found.process.terminate()
        found.process.wait(30)


@pytest.mark.parametrize("fault", LIGHT.values(), ids=list(LIGHT))
def test_it_heals_without_damage(shop: Shop, fault: Fault) -> None:
    for do in ("break", "break", "heal", "heal"):
        shop.order(do, fault.name)
    await_(shop.sells, 20, lambda: f"{fault.name} left something behind: {shop.problem}")


@pytest.mark.parametrize(
    ("stays", "goes", "state"),
    [
        ("cache_down", "cache_swallowing_errors", "error"),
        ("cache_swallowing_errors", "cache_down", "degraded"),
    ],
)
def test_two_faults_of_the_cache_do_not_heal_each_other(
    shop: Shop, stays: str, goes: str, state: str
) -> None:
    """As the menu says: one is healed, the other is still broken."""
    for do, name in (("break", stays), ("break", goes), ("heal", goes)):
        shop.order(do, name)
    shop.order("heal", "health_token_changed")  # its processes begin anew, without results of before
    try:
        await_(lambda: shop.cache() == state, 40, lambda: f"{stays} is healed, too: {shop.cache()}")
    finally:
        shop.order("heal", stays)
    await_(lambda: shop.cache() == "ok", 40, lambda: f"{stays} left something behind: {shop.cache()}")


def test_orders_are_confirmed_after_all_of_that(shop: Shop) -> None:
    before = shop.mails()
    assert shop.sells()
    await_(lambda: shop.mails() - before, 20, lambda: "no mail came")


def test_a_wrong_name_is_told_with_the_nearest(shop: Shop) -> None:
    assert ask(shop.folder, "break", "site_dwn")["said"].endswith("did you mean site_down?")


@pytest.mark.parametrize("fault", ALL.values(), ids=list(ALL))
def test_its_story_names_its_code(fault: Fault) -> None:
    named = set(re.findall(r"[a-z]+(?:\.[a-z_]+)+", fault.story.partition("Watchpost names it:")[2]))
    assert named & set(fault.codes)
    assert fault.title
    assert set(fault.runs) <= {"light", "full"}


def test_files_come_back_as_they_were(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (folder / "kept").write_text("1")
    file.write_text("2")
    for _ in range(2):
        for path in (folder, file):
            block(path)
            block(path)
        assert folder.is_file()
        assert file.is_dir()
        for path in (folder, file):
            unblock(path)
            unblock(path)
        put_away(file)
        put_away(file)
        assert not file.exists()
        put_back(file)
        put_back(file)
    assert (folder / "kept").read_text() == "1"
    assert file.read_text() == "2"
