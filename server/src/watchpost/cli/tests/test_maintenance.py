"""``maintenance:`` in the configuration file: planned, applied, exported, pruned."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchpost.cli.tests.conftest import Cli
from watchpost.monitors import edit
from watchpost.monitors.models import Change, MaintenanceWindow, Monitor, Project

SHOP = """\
version: 1
projects:
  - name: shop
    slug: shop
    monitors:
      - { name: Home page, kind: page, url: "https://shop.example.com/" }
      - { name: Basket, kind: page, url: "https://shop.example.com/b/" }
    maintenance:
      - { name: Sunday backup, monitors: [home-page, basket], weekly: { days: [sun], at: "02:00" }, for: 2h,
          timezone: Europe/Lisbon }
      - name: Month's end
        cron: "30 23 L * *"
        for: 90m
        first_day: 2026-12-01
        last_day: 2040-12-31
        reason: "Closing the books; costs $${MONEY}"
        paused: true
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    return file


def test_plan_apply_and_apply_again(cli: Cli, shop: Path) -> None:
    planned = cli("plan", str(shop)).out
    assert "+ maintenance shop/sunday-backup" in planned
    assert "+ maintenance shop/months-end" in planned
    assert "5 to create" in planned
    assert not MaintenanceWindow.objects.exists()
    assert cli("--json", "apply", str(shop)).json["created"] == 5
    backup = MaintenanceWindow.objects.get(slug="sunday-backup")
    assert (backup.applied, backup.zone, backup.lasts_s) == (True, "Europe/Lisbon", 7200)
    assert [one.slug for one in backup.monitors.order_by("pk")] == ["home-page", "basket"]
    books = MaintenanceWindow.objects.get(slug="months-end")
    assert (books.zone, books.paused, books.monitors.count()) == ("UTC", True, 0)
    assert books.reason == "Closing the books; costs ${MONEY}"
    Change.objects.all().delete()
    again = cli("--json", "apply", str(shop)).json
    assert again == {"created": 0, "changed": 0, "deleted": 0, "left_over": 0, "steps": []}
    assert not Change.objects.exists()


def test_what_is_exported_is_applied_without_a_change(cli: Cli, shop: Path, tmp_path: Path) -> None:
    cli("apply", str(shop))
    project = Project.objects.get()
    spec = {"weekly": {"days": ["mon", "fri"], "at": "12:30"}, "for": "20m", "timezone": "Asia/Kathmandu"}
    edit.create_series(project, spec, "ana", datetime(2026, 1, 1, tzinfo=UTC))
    out = cli("export").out
    assert "Every Monday and Friday 12:30 to 12:50 Asia/Kathmandu" in out
    exported = tmp_path / "exported.yaml"
    exported.write_text(out)
    assert "Nothing to change" in cli("plan", str(exported)).out
    project.windows.all().delete()
    Monitor.objects.all().delete()
    project.delete()
    assert cli("--json", "apply", str(exported)).json["created"] == 6
    assert cli("export").out == out


def test_a_change_is_shown_in_the_words_of_the_file(cli: Cli, shop: Path) -> None:
    cli("apply", str(shop))
    pk = MaintenanceWindow.objects.get(slug="sunday-backup").pk
    for old, new in (
        ("[sun], at", "[sat, sun], at"),
        ("[home-page, basket]", "[basket]"),
        ("for: 2h", "for: 3h"),
    ):
        shop.write_text(shop.read_text().replace(old, new))
    shown = cli("plan", str(shop)).out
    for line in (
        "weekly: sun 02:00 -> sat, sun 02:00",
        "for: 2h -> 3h",
        "monitors: basket, home-page -> basket",
    ):
        assert f"    {line}" in shown
    assert "0 to create, 1 to change" in shown
    cli("apply", str(shop))
    row = MaintenanceWindow.objects.get(pk=pk)
    assert (row.days, row.lasts_s, row.monitors.get().slug) == (["sat", "sun"], 10800, "basket")
    assert "Nothing to change" in cli("plan", str(shop)).out


def test_prune_deletes_what_was_applied_and_nothing_else(cli: Cli, shop: Path) -> None:
    cli("apply", str(shop))
    project = Project.objects.get()
    by_hand = edit.create_series(
        project, {"cron": "0 2 * * *", "for": "1h"}, "ana", datetime(2026, 1, 1, tzinfo=UTC)
    )
    shop.write_text(SHOP[: SHOP.index("    maintenance:")])
    assert "- maintenance shop/sunday-backup  (left over" in cli("plan", str(shop)).out
    assert MaintenanceWindow.objects.count() == 3
    cli("apply", str(shop), "--prune", "--yes")
    assert list(MaintenanceWindow.objects.all()) == [by_hand]
    # With its project and all of its monitors, too.
    shop.write_text(SHOP)
    cli("apply", str(shop))
    by_hand.delete()
    shop.write_text("version: 1\n")
    assert cli("--json", "apply", str(shop), "--prune", "--yes").json["deleted"] == 5
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "days: [sun]",
            "days: [sudnay]",
            ":9: projects.0.maintenance.0.weekly.days: 'sudnay' is no day of the week",
        ),
        (
            'at: "02:00"',
            "at: 12:30",
            ':9: projects.0.maintenance.0.weekly.at: is not a text; put it in quotes: "12:30"',
        ),
        (
            "Europe/Lisbon",
            "Europe/Lisabon",
            ":10: projects.0.maintenance.0.timezone: there is no zone Europe/Lisabon; did",
        ),
        ("30 23 L * *", "0 0 30 2 *", ":12: projects.0.maintenance.1.cron: 0 0 30 2 * never comes"),
        ("for: 90m", "for: 0", ":13: projects.0.maintenance.1.for: 0s is not possible"),
        ("for: 90m", "for: 29d", "hardly ever end"),
        ("for: 90m", "fro: 90m", ":13: projects.0.maintenance.1.fro: there is no key fro; did you mean for?"),
        ("for: 90m", "ends_at: 2027-01-01", "a window that comes once is set on the page or by the API"),
        ("[home-page, basket]", "[home]", "there is no monitor home; did you mean home-page?"),
        ("name: Month's end", "name: Sunday backup", "the maintenance sunday-backup stands twice"),
        ("name: Month's end", "slug: months", "1 to 100 characters"),
        ("2040-12-31", "2026-12-01", "before the window would begin once"),
        ("maintenance:", "maintainance:", "there is no key maintainance; did you mean maintenance?"),
        ("      - name: Month's end", "      - Month", "must be a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(cli: Cli, shop: Path, old: str, new: str, says: str) -> None:
    text = SHOP.replace(old, new)
    assert text != SHOP
    if new.endswith("- Month"):
        text = text[: text.index(new) + len(new)] + "\n"
    shop.write_text(text)
    ran = cli("apply", str(shop))
    assert ran.code == 2
    assert says in ran.err
    assert not Project.objects.exists()
