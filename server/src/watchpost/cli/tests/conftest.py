"""``main()`` run in process on the test database, with a small kind and a small channel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import watchpost.config.urls  # noqa: F401  # what is first imported later would keep the small registry
from watchpost import registry
from watchpost.cli.main import main
from watchpost.discovery import offer, scout
from watchpost.monitors import edit, edit_channel, parts
from watchpost.monitors.tests.conftest import HOOK, PAGE
from watchpost.registry.site import Proposal, Site


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ran]
REAL = (registry.kinds, registry.channels)


def _propose(site: Site) -> tuple[Proposal, ...]:
    spec = {"name": "Home page", "kind": "page", "url": site.home.asked}
    beside = {"name": "Beside", "kind": "page", "url": site.beside("/beside/")}
    return (Proposal(spec, "It is the page."), Proposal(beside, "It is beside it."))


@pytest.fixture(autouse=True)
def small_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    page = replace(PAGE, propose=_propose)
    for module in (registry, edit, offer, scout, parts):
        monkeypatch.setattr(module, "kinds", lambda: {"page": page})
    for module in (registry, edit_channel):
        monkeypatch.setattr(module, "channels", lambda: {"hook": HOOK})


@pytest.fixture
def real(small_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own kinds and channels after all."""
    for module in (registry, edit, offer, scout, parts):
        monkeypatch.setattr(module, "kinds", REAL[0])
    for module in (registry, edit_channel):
        monkeypatch.setattr(module, "channels", REAL[1])


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that looks like an installation; the rows are in pytest's database."""
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    (folder / "watchpost.sqlite3").touch()
    monkeypatch.setenv("WATCHPOST_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def cli(db: None, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def run(*argv: str) -> Ran:
        capsys.readouterr()
        code = main(argv)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run
