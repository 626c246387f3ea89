"""Configuration as code: plan, apply, export."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from watchpost.cli.tests.conftest import Cli
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.models import Change, Monitor, Project

SHOP = """\
version: 1
projects:
  - name: shop
    slug: shop
    monitors:
      - { name: Home page, kind: page, url: "https://shop.example.com/", interval: 60s,
          expect: { status: [200], text: "Add to basket" } }
      - name: Health
        kind: page
        url: https://shop.example.com/health/
        token: "${HEALTH_TOKEN}"
        depends_on: [static]
      - { name: Static, kind: page, url: "https://shop.example.com/s/", headers: { X-Key: clear-secret } }
channels:
  - { name: ops, kind: hook, url: "https://hooks.example.com/x", secret: "${HOOK_SECRET}", projects: [shop] }
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEALTH_TOKEN", "health-secret")
    monkeypatch.setenv("HOOK_SECRET", "hook-secret")
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return file


def test_plan_writes_nothing_and_shows_every_step(cli: Cli, shop: Path) -> None:
    ran = cli("plan", str(shop))
    assert ran.code == 0
    assert "+ monitor shop/home-page" in ran.out
    assert "5 to create, 0 to change, 0 to delete." in ran.out
    assert not Project.objects.exists()


def test_apply_twice_changes_nothing(cli: Cli, shop: Path) -> None:
    assert cli("apply", str(shop), "--json").json["created"] == 5
    assert [row.slug for row in Monitor.objects.get(slug="health").depends_on.all()] == ["static"]
    Change.objects.all().delete()
    again = cli("--json", "apply", str(shop))
    assert again.json == {"created": 0, "changed": 0, "deleted": 0, "left_over": 0, "steps": []}
    assert not Change.objects.exists()
    assert "Nothing to change" in cli("plan", str(shop)).out


@pytest.mark.parametrize("environment", ["set", "unset"])
def test_applying_what_was_exported_changes_nothing(
    cli: Cli, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    cli("apply", str(shop))
    exported = cli("export").out
    assert "secret" not in exported.replace("secret:", "").replace("# Secrets", "")
    assert "${HEALTH_TOKEN}" in exported
    assert "#   HOOK_SECRET" in exported
    assert "${SHOP_STATIC_HEADERS_X_KEY}" in exported
    if environment == "unset":
        monkeypatch.delenv("HEALTH_TOKEN")
        monkeypatch.delenv("HOOK_SECRET")
    (tmp_path / "again.yaml").write_text(exported)
    again = cli("apply", "--json", str(tmp_path / "again.yaml"))
    assert (again.code, again.json["steps"]) == (0, [])
    assert edit.config_of(Monitor.objects.get(slug="static")).headers == {"X-Key": "clear-secret"}
    assert cli("export").out == exported


def test_a_change_is_shown_without_secrets_and_keeps_history(
    cli: Cli, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("apply", str(shop))
    before = Monitor.objects.get(slug="health").pk
    monkeypatch.setenv("HEALTH_TOKEN", "another-secret")
    shop.write_text(
        SHOP.replace("interval: 60s", "interval: 5m").replace(
            "name: Health", "name: Healthy\n        slug: health"
        )
    )
    ran = cli("plan", str(shop))
    assert "~ monitor shop/home-page" in ran.out
    assert "    interval: 60s -> 5m" in ran.out
    assert "    token: ${HEALTH_TOKEN}, another value than before" in ran.out
    assert "-secret" not in ran.out
    assert cli("apply", str(shop), "--json").json["changed"] == 2
    assert Monitor.objects.get(slug="health").pk == before


def test_only_what_was_applied_is_deleted_and_only_with_prune(cli: Cli, shop: Path) -> None:
    cli("apply", str(shop))
    project = Project.objects.get()
    edit.create_monitor(project, {"name": "By hand", "kind": "page", "url": "x"}, project.created_at)
    shop.write_text("version: 1\n")
    assert "left over" in cli("plan", str(shop)).out
    assert cli("apply", str(shop), "--json").json["left_over"] == 4
    assert Monitor.objects.count() == 4
    assert cli("apply", str(shop), "--prune", "--json").json["deleted"] == 4
    assert [row.slug for row in Monitor.objects.all()] == ["by-hand"]
    assert not Channel.objects.exists()
    Monitor.objects.all().delete()
    cli("apply", str(shop), "--prune")
    assert not Project.objects.exists()


def test_dependencies_can_be_turned_round(cli: Cli, tmp_path: Path) -> None:
    text = "version: 1\nprojects:\n  - name: p\n    monitors:\n"
    one = "      - {{ name: a, kind: page, url: x{} }}\n      - {{ name: b, kind: page, url: x{} }}\n"
    file = tmp_path / "f.yaml"
    for first, second in ((", depends_on: [b]", ""), ("", ", depends_on: [a]"), (", depends_on: [b]", "")):
        file.write_text(text + one.format(first, second))
        assert cli("apply", str(file)).code == 0
        assert cli("apply", str(file), "--json").json["steps"] == []
    file.write_text(text + one.format(", depends_on: [b]", ", depends_on: [a]"))
    assert "a -> b -> a is a circle" in cli("plan", str(file)).err


MONITOR = """\
version: 1
projects:
  - name: shop
    monitors:
      - name: Home
        kind: page
        url: x
"""


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (MONITOR + "        intervall: 60s\n", 8, "did you mean interval?"),
        (MONITOR + "        expect:\n          statuss: [200]\n", 9, "did you mean status?"),
        (MONITOR + "        interval: 1s\n", 8, "write 5s to 7d"),
        (MONITOR + "        interval: 5s\n        timeout: 20s\n", 9, "at most 5s"),
        (MONITOR + "        token: ${NOT_SET}\n", 8, "the environment variable NOT_SET is not set"),
        (MONITOR + "      - {name: home, kind: page, url: y}\n", 8, "stands twice"),
        (MONITOR + "      - {name: home, kind: page, url: y, interval: 1s}\n", 8, "write 5s to 7d"),
        (MONITOR + "  - {name: shop, monitors: [{name: A, kind: pagee, url: y}]}\n", 8, "did you mean page?"),
        (MONITOR + "    heartbeats: []\n", 8, "there is no key heartbeats"),
        (MONITOR + "escalation_policies: []\n", 8, "there is no key escalation_policies"),
        (MONITOR + "        url: y\n", 8, "url stands twice (first in line 7)"),
        (MONITOR.replace("kind: page", "kind: pagee"), 6, "did you mean page?"),
        (MONITOR.replace("        url: x\n", ""), 5, "is missing"),
        ("version: 2\n", 1, "must be 1"),
        ("projects: []\n", 1, "write version: 1"),
        ("- 1\n", 1, "must begin with version: 1"),
        ("", 1, "must begin with version: 1"),
        ("version: 1\nprojects: [\n", 3, "expected"),
        ("version: 1\nprojects: &a [*a]\n", 2, "leads back to itself"),
        ("version: 1\nchanels: []\n", 2, "did you mean channels?"),
        (
            "version: 1\nchannels:\n  - name: ops\n    kind: hook\n    url: x\n    projects: [shopp]\n",
            6,
            "no project",
        ),
        ("version: 1\nprojects: 7\n", 2, "must be a list"),
        ("version: 1\nprojects: [7]\n", 2, "must be a mapping"),
    ],
)
def test_refusals_name_file_line_and_fix(cli: Cli, tmp_path: Path, text: str, place: int, words: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    for command in ("plan", "apply"):
        ran = cli(command, str(file))
        assert ran.code == 2
        assert ran.out == ""
        assert any(
            line.startswith(f"watchpost: {file}:{place}: ") and words in line for line in ran.err.splitlines()
        ), ran.err
    assert not Project.objects.exists()


def test_a_file_that_cannot_be_read(cli: Cli, tmp_path: Path) -> None:
    assert "check the path" in cli("plan", str(tmp_path / "none.yaml")).err
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert cli("apply", str(tmp_path / "bytes")).code == 2


def test_pruning_at_a_terminal_asks_first(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = tmp_path / "ours.yaml", tmp_path / "theirs.yaml"
    ours.write_text("version: 1\nprojects: [{name: ours}]\n")
    theirs.write_text("version: 1\nprojects: [{name: theirs}]\n")
    cli("apply", str(ours))

    def typed(text: str) -> None:
        terminal = io.StringIO(text)
        monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stdin", terminal)

    typed("\n")
    asked = cli("apply", str(theirs), "--prune")
    assert (asked.code, "- project ours" in asked.err, "nothing was changed" in asked.err) == (2, True, True)
    assert Project.objects.filter(slug="ours").exists()
    typed("y\n")
    assert cli("apply", str(theirs), "--prune").code == 0
    assert not Project.objects.filter(slug="ours").exists()
    typed("")
    assert cli("apply", str(ours), "--prune", "--yes").code == 0  # nobody is asked
