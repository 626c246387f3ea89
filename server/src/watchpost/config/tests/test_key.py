"""The key of an installation: made once, whoever asks for it at the same moment."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from watchpost.config.key import load_secret_key
from watchpost.config.table import WrongSetting

FOLDERS = 400


def _load(folder: Path, barrier: Barrier, out: multiprocessing.SimpleQueue[list[str]]) -> None:
    keys = []
    for number in range(FOLDERS):
        barrier.wait(30)
        try:
            keys.append(load_secret_key(folder / str(number)))
        except WrongSetting as error:
            keys.append(str(error))
    out.put(keys)


def test_two_processes_of_a_first_start_get_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier, out = context.Barrier(2), context.SimpleQueue()
    both = [context.Process(target=_load, args=(tmp_path, barrier, out)) for _ in range(2)]
    for one in both:
        one.start()
    found = [out.get() for _ in both]
    for one in both:
        one.join(30)
    assert found[0] == found[1]
    assert len({*found[0]}) == FOLDERS
    assert min(len(key) for key in found[0]) == 64
    assert {path.name for path in tmp_path.glob("*/*")} == {"secret_key"}


def test_the_key_is_its_owners_alone_and_stays(tmp_path: Path) -> None:
    key = load_secret_key(tmp_path / "data")
    assert os.stat(tmp_path / "data" / "secret_key").st_mode & 0o777 == 0o600
    assert load_secret_key(tmp_path / "data") == key


def test_an_empty_key_is_named_and_never_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(WrongSetting, match="secret_key is empty: bring it back from a backup"):
        load_secret_key(tmp_path)


def test_a_file_system_without_hard_links_holds_a_key_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # what Linux says of one on FAT

    monkeypatch.setattr(os, "link", refuse)
    key = load_secret_key(tmp_path)
    assert (tmp_path / "secret_key").read_text() == key == load_secret_key(tmp_path)
    assert os.stat(tmp_path / "secret_key").st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
