"""A replaced SECRET_KEY at the command line: sentences, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from watchpost.cli.tests.conftest import Cli
from watchpost.incidents.models import Channel
from watchpost.monitors import edit

FILE = """
version: 1
channels:
  - { name: ops-webhook, kind: hook, url: "https://hooks.example.com/x", secret: "${HOOK_SECRET}" }
"""


@pytest.fixture
def file(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "ops.yaml"
    path.write_text(FILE)
    monkeypatch.setenv("HOOK_SECRET", "first")
    assert cli("apply", str(path)).code == 0
    return str(path)


def test_apply_names_the_secret_and_the_fix(cli: Cli, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET")
    with override_settings(SECRET_KEY="another"):
        refused = cli("apply", file)
        assert refused.code == 2
        assert "ops.yaml:4: channels.0.secret: was encrypted with another SECRET_KEY" in refused.err
        monkeypatch.setenv("HOOK_SECRET", "second")
        planned = cli("plan", file)
        assert "secret: (cannot be read) -> ${HOOK_SECRET}" in planned.out
        assert cli("apply", file).code == 0
        assert edit.channel_config_of(Channel.objects.get()).secret == "second"  # type: ignore[attr-defined]
        assert "Nothing was changed" in cli("apply", file).out


def test_rotate_key(cli: Cli, file: str) -> None:
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another"):
        lost = cli("rotate-key")
        assert lost.code == 1
        assert "channel ops-webhook: secret: cannot be read with any key" in lost.out
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
        assert "rotate-key" in checks["key"]["fix"] or checks["key"]["state"] == "error"
        assert cli("rotate-key", "--json").json == {"encrypted": 1, "left": []}
    with override_settings(SECRET_KEY="another"):
        assert edit.channel_config_of(Channel.objects.get()).secret == "first"  # type: ignore[attr-defined]
