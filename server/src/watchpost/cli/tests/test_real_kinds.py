"""The file of the docs, with the real kinds and channels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchpost.cli.tests.conftest import Cli
from watchpost.cli.tests.test_docs import REFERENCE


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="docs are not beside the source")
def test_the_example_of_the_docs_can_be_applied(
    real: None, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "api-secret")
    monkeypatch.setenv("HOOK_SECRET", "hook-secret-that-is-long-enough")
    example = re.search(r"```yaml\n(.*?)```", (REFERENCE / "configuration.md").read_text(), re.DOTALL)
    assert example
    file = tmp_path / "shop.yaml"
    file.write_text(example[1])
    ran = cli("apply", str(file), "--json")
    assert ran.code == 0, ran.err
    assert ran.json["created"] == 7
    assert cli("apply", str(file), "--json").json["steps"] == []
    exported = cli("export").out
    assert "${API_TOKEN}" in exported
    assert "${HOOK_SECRET}" in exported
    assert "api-secret" not in exported
    file.write_text(exported)
    assert cli("apply", str(file), "--json").json["steps"] == []
    file.write_text(example[1].replace("body_contains", "body_contians"))
    assert "did you mean body_contains?" in cli("plan", str(file)).err
