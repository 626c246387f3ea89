"""Files nobody would write on purpose: one line each, in the order of the file, and never a traceback."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from watchpost.cli.tests.conftest import Cli


def plan(cli: Cli, folder: Path, text: str) -> tuple[int, list[str]]:
    file = folder / "t.yaml"
    file.write_text(text)
    ran = cli("plan", str(file))
    return ran.code, ran.err.splitlines()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\n\x00", "t.yaml:2: holds a control character"),
        ("version: 1\nprojects: " + "[" * 100_000, "nested too deeply"),
        ("#" * 4_000_001, "larger than 4 MB"),
        ('version: 1\nprojects:\n  - {name: "a\\0b"}\n', "t.yaml:3"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(cli: Cli, tmp_path: Path, text: str, says: str) -> None:
    code, lines = plan(cli, tmp_path, text)
    assert code == 2
    assert len(lines) == 1
    assert says in lines[0]


MONITORS = """\
version: 1
projects:
  - name: shop
    monitors:
      - { name: "日本", kind: page, url: "https://a.example/" }
      - { name: "***", kind: page, url: "https://b.example/" }
      - { name: "a\\u0007", slug: a, kind: page, url: "https://c.example/" }
      - { name: B, kind: page, url: "https://d.example/", interval: -5 }
"""


def test_every_problem_is_told_in_the_order_of_the_file(cli: Cli, tmp_path: Path) -> None:
    code, lines = plan(cli, tmp_path, MONITORS)
    assert code == 2
    assert [int(line.split("t.yaml:")[1].split(":")[0]) for line in lines] == [5, 6, 7, 8]
    assert "slug: none can be made of this name" in lines[0]
    assert "control character" in lines[2]


def test_what_yaml_read_otherwise_is_named_by_its_place(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(
        "version: 1\nprojects:\n  - name: shop\n    monitors:\n"
        "      - {name: Home, kind: page, url: x, tags: [on, ok, 012]}\n"
    )
    said = cli("plan", str(file)).err.splitlines()
    assert [line.split(": ")[2] for line in said] == [f"projects.0.monitors.0.tags.{n}" for n in (0, 2)]
    assert all("quotes" in line for line in said)


def test_a_file_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"version: 1\nprojects: [{name: shop}]\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert "1 to create" in cli("plan", "-").out
