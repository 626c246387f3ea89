"""Words that were not understood: one line, the nearest name, where to read on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchpost.cli.main import main

PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(("WATCHPOST_", "DJANGO_"))}
PROGRAM = [sys.executable, "-m", "watchpost.cli.main"]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("stat", "unknown command stat; did you mean status?"),
        ("zzz", "unknown command zzz"),
        ("status --proj x", "status: unknown option --proj; did you mean --project?"),
        ("status --jsn", "status: unknown option --jsn; did you mean --json?"),
        ("status extra", "status: 'extra' is one argument too many"),
        ("user creat", "user: unknown command creat; did you mean create?"),
        ("add", "add: URL is missing"),
        ("explain home --last 0", "explain: argument --last: '0' is not possible; write a whole number from 1 to 100"),
    ],
)  # fmt: skip
def test_what_was_not_understood(typed: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert said[0] == f"watchpost: {line}"
    assert said[1].endswith(" --help lists what there is")


def test_nothing_typed_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "explain" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*PROGRAM, "doctor", "--data-dir", "/nowhere"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=PLAIN,
        )
    assert ran.returncode == 2
    assert ran.stderr == "watchpost: the output could not be written (No space left on device)\n"


def test_names_of_any_script_go_out_whatever_the_locale_is(tmp_path: Path) -> None:
    plain = PLAIN | {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [*PROGRAM, "status", "--data-dir", str(tmp_path / "ö")]
    ran = subprocess.run(command, env=plain, capture_output=True, check=False)
    assert "/ö" in ran.stderr.decode()
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command], capture_output=True, env=PLAIN, check=False
    )
    assert closed.stderr.decode().count("\n") == 1
