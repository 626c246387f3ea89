"""What can be typed has a place in the reference."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchpost.cli.main import build_parser, find_commands
from watchpost.config.table import SETTINGS
from watchpost.monitors.edit import MONITOR_KEYS
from watchpost.monitors.edit_channel import CHANNEL_KEYS
from watchpost.monitors.window_spec import WINDOW_KEYS
from watchpost.registry import channels, kinds

REFERENCE = Path(__file__).parents[5] / "docs" / "reference"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="docs are not beside the source")


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from options(inner)
        else:
            yield from (option for option in action.option_strings if option.startswith("--"))


def missing_commands(text: str) -> list[str]:
    return [name for name in find_commands() if f"`watchpost {name}" not in text]


def missing_options(text: str) -> set[str]:
    return {option for option in options(build_parser()) if not re.search(rf"`{option}\b", text)}


def test_every_command_and_option_is_documented() -> None:
    text = (REFERENCE / "cli.md").read_text()
    assert not missing_commands(text)
    assert not missing_options(text)
    assert missing_options(text.replace("`--prune`", "")) == {"--prune"}  # the test can fail
    assert missing_commands(text.replace("`watchpost doctor", "")) == ["doctor"]


@pytest.mark.parametrize("key", [*MONITOR_KEYS, *CHANNEL_KEYS, *WINDOW_KEYS])
def test_every_common_key_is_documented(key: str) -> None:
    assert f"| `{key}` |" in (REFERENCE / "configuration.md").read_text()


def test_the_help_of_the_server_lists_every_setting() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "watchpost.cli.main", "up", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [setting.name for setting in SETTINGS if f"  {setting.name} " not in shown] == []
    assert max(map(len, shown.splitlines())) <= 80


def test_the_reference_of_the_file_leads_to_every_kind_and_channel() -> None:
    text = (REFERENCE / "configuration.md").read_text()
    for name in kinds():
        assert f"server/src/watchpost/kinds/{name}/doc.md" in text
    for name in channels():
        assert f"server/src/watchpost/channels/{name}/doc.md" in text
