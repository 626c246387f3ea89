"""``heartbeats:`` beside ``monitors:``: a list that holds one kind alone."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from watchpost import clock
from watchpost.cli.tests.conftest import Cli
from watchpost.hcapi.asked import to_spec
from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.spec import write_config

pytestmark = pytest.mark.usefixtures("real")

SHOP = """\
version: 1
projects:
  - name: shop
    monitors:
      - { name: Home page, kind: http, url: "https://shop.example.com/", depends_on: [backup] }
      - { name: Imports, kind: heartbeat, period: 2h }
    heartbeats:
      - { name: Daily reconciliation, slug: daily-reconciliation, period: 25h, grace: 1h }
      - { name: Nightly backup, slug: backup, schedule: "0 3 * * *", timezone: Europe/Lisbon, grace: 30m,
          longest: 2h, alone: true, output: 0 errors, tags: [db], description: "at $${HOME}" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return file


def test_a_heartbeat_is_made_changed_and_pruned(cli: Cli, file: Path) -> None:
    assert "+ monitor shop/backup" in cli("plan", str(file)).out
    assert cli("apply", str(file), "--json").json["created"] == 5
    assert cli("apply", str(file), "--json").json["steps"] == []
    backup = Monitor.objects.get(slug="backup")
    assert backup.kind == "heartbeat"
    assert edit.config_of(backup).longest == 7200
    assert edit.config_of(backup).description == "at ${HOME}"
    assert [one.slug for one in Monitor.objects.get(slug="home-page").depends_on.all()] == ["backup"]
    codes = dict(Heartbeat.objects.values_list("slug", "code"))
    file.write_text(SHOP.replace("period: 25h", "period: 26h").replace("Nightly backup", "Backup"))
    ran = cli("apply", str(file))
    assert "    period: 25h -> 26h" in ran.out
    assert "    name: Nightly backup -> Backup" in ran.out
    assert dict(Heartbeat.objects.values_list("slug", "code")) == codes, "its address changed"
    file.write_text(SHOP[: SHOP.index("    heartbeats:")].replace(", depends_on: [backup]", ""))
    assert cli("apply", str(file), "--json").json["left_over"] == 2
    assert cli("apply", str(file), "--prune", "--json").json["deleted"] == 2
    assert [one.slug for one in Heartbeat.objects.all()] == ["imports"]


def test_it_may_move_between_the_lists(cli: Cli, file: Path) -> None:
    cli("apply", str(file))
    moved = SHOP.replace("{ name: Daily", "{ kind: heartbeat, name: Daily").replace("    heartbeats:\n", "")
    file.write_text(moved)
    assert cli("apply", str(file), "--json").json["steps"] == []
    exported = yaml.safe_load(cli("export").out)["projects"][0]
    assert [one["slug"] for one in exported["monitors"]] == ["home-page"]
    assert [one["slug"] for one in exported["heartbeats"]] == ["backup", "daily-reconciliation", "imports"]
    assert not any("kind" in one for one in exported["heartbeats"])


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("heartbeats:", "heartbeat:", 7, "there is no key heartbeat; did you mean heartbeats?"),
        ("grace: 1h", "grase: 1h", 8, "projects.0.heartbeats.0.grase: there is no key grase; did you mean grace?"),
        ("longest", "longst", 10, "did you mean longest?"),
        ("period: 25h", "period: 0s", 8, "0s is not possible; write 1s to 365d"),
        ("grace: 30m", "grace: soon", 9, "grace: "),
        ("Europe/Lisbon", "Europe/Lisbonn", 9, "Europe/Lisbon"),
        ('"0 3 * * *"', '"0 25 * * *"', 9, "schedule: "),
        ("slug: backup", "slug: Back up", 9, "is not a slug"),
        ("slug: backup", "slug: home-page", 9, "the monitor home-page stands twice in this file"),
        ("period: 25h", "period: 25h, tag: [a]", 8, "did you mean tags?"),
        ("period: 25h", "kind: http", 8, "is http, and heartbeats: holds heartbeat monitors alone"),
        ("period: 25h", "kind: heartbeet", 8, "did you mean heartbeat?"),
        ("period: 25h", "kind: heartbeat", 8, ""),
    ],
)  # fmt: skip
def test_a_refusal_names_line_and_fix(
    cli: Cli, file: Path, right: str, wrong: str, line: int, says: str
) -> None:
    assert right in SHOP
    file.write_text(SHOP.replace(right, wrong))
    ran = cli("plan", str(file))
    if not says:
        assert ran.code == 0, ran.err
        return
    assert ran.code == 2
    assert any(
        said.startswith(f"watchpost: {file}:{line}: ") and says in said for said in ran.err.splitlines()
    ), ran.err


def test_another_kind_of_that_slug_stays_what_it_is(cli: Cli, file: Path) -> None:
    file.write_text(SHOP.replace("kind: heartbeat, period: 2h", "kind: tcp, host: a.example, port: 1"))
    assert cli("apply", str(file)).code == 0
    lines = SHOP.splitlines()
    file.write_text("\n".join([*lines[:5], *lines[6:], "      - { name: Imports, period: 2h }"]))
    ran = cli("apply", str(file))
    assert ran.code == 2
    assert f"{file}:10: " in ran.err
    assert "stays tcp" in ran.err


SPANS = st.integers(1, 400_000).map(lambda seconds: f"{seconds}s")
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=150)
NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "period": SPANS, "grace": SPANS, "schedule": st.sampled_from(["0 3 * * *", "*/7 1-5 L * *", "Mon *-*-* 03:00"]),
        "timezone": st.sampled_from(["UTC", "Europe/Lisbon", "America/St_Johns"]),
        "ping_slug": st.from_regex(r"[a-z0-9_-]{0,20}", fullmatch=True), "description": WORDS, "output": WORDS,
        "methods": st.sampled_from(["", "POST"]), "start_words": WORDS, "success_words": WORDS, "failure_words": WORDS,
        "misses": st.integers(1, 100), "longest": st.integers(90, 900), "shortest": st.floats(1, 80), "early": SPANS,
        "alone": st.booleans(), "manual_resume": st.booleans(), "read_body": st.booleans(),
        "fail_unmatched": st.booleans(),
    },
)  # fmt: skip
AROUND = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "tags": st.lists(NAMES, max_size=3, unique=True), "paused": st.booleans(), "environment": NAMES.map(lambda text: text[:30]),
        "interval": st.integers(5, 604_800), "resend": st.integers(60, 86_400), "confirm": st.integers(1, 20),
    },
)  # fmt: skip


@example([({"name": "0"}, {"description": "a\x85b\u2028c\u2029\ufeffd"})])
@given(st.lists(st.tuples(AROUND, OWN), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_exported_is_applied_without_a_change(
    cli: Cli, tmp_path: Path, wanted: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    with contextlib.suppress(_Undo), transaction.atomic():
        project = edit.create_project("Shop", clock.now())
        for place, (around, own) in enumerate(wanted):
            spec = write_config(around | own, "") | {"kind": "heartbeat", "slug": f"job-{place}"}
            before = f"job-{place - 1}" if place else ""
            edit.create_monitor(project, spec | {"depends_on": [before] if before else []}, clock.now())
        file = tmp_path / "exported.yaml"
        exported = cli("export").out
        file.write_text(exported, "utf-8")
        again = cli("apply", str(file), "--json")
        assert (again.code, again.json["steps"]) == (0, []), again.err
        Project.objects.all().delete()
        made = cli("apply", str(file), "--json")  # and on a server that is new
        assert made.json["created"] == len(wanted) + 1, made.err
        assert cli("export").out == exported
        raise _Undo


class _Undo(Exception):
    """Each example begins with nothing."""


def test_what_an_api_made_is_exported_without_what_goes_without_saying(cli: Cli, file: Path) -> None:
    project = edit.create_project("shop", clock.now())
    for name, said in (
        ("Backup", {"timeout": 90_000, "grace": 3600}),
        ("Report", {"schedule": "5 4 * * 1-5"}),
    ):
        asked = {"start_kw": "", "filter_body": False, "methods": "", "manual_resume": False} | said
        spec = write_config(to_spec(asked, {}), "") | {"name": name, "kind": "heartbeat", "description": ""}
        edit.create_monitor(project, spec, clock.now())
    told = cli("export").out
    assert yaml.safe_load(told)["projects"][0]["heartbeats"] == [
        {"name": "Backup", "slug": "backup", "period": "25h"},
        {"name": "Report", "slug": "report", "schedule": "5 4 * * 1-5"},
    ]
    file.write_text(told)
    assert "nothing to change" in cli("plan", str(file)).out.lower()
