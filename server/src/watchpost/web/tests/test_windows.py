"""Series on the pages: who may do what, what is said at which field, and what the list shows."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.e2e.seed import Seeded, seed

from watchpost import clock
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow
from watchpost.web.tests.test_access import enter

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
WEEKLY = {"how": "weekly", "days": ["sun"], "at": "02:00", "for": "2h", "zone": "Europe/Lisbon"}
SPEC: dict[str, Any] = {"weekly": {"days": ["sun"], "at": "02:00"}, "for": "2h", "timezone": "Asia/Tokyo"}
SUNDAY = datetime(2031, 6, 8, 1, 30, tzinfo=UTC)  # half past two in Lisbon


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(NOW)


@pytest.fixture
def admin(seeded: Seeded) -> Client:
    return enter(seeded.admin)


def words(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def errors(answer: Any) -> dict[str, str]:
    found = re.findall(r'<span class="wrong" id="e-(\w+)">([^<]*)<', answer.content.decode())
    return {name: html.unescape(said) for name, said in found}


def series() -> MaintenanceWindow:
    return MaintenanceWindow.objects.get(starts_at=None)


@pytest.mark.parametrize("over", ["monitor", "project"])
def test_a_series_is_set_over_a_monitor_or_a_project(seeded: Seeded, admin: Client, over: str) -> None:
    page = f"/monitors/{seeded.home.pk}/" if over == "monitor" else "/projects/shop/"
    answer = admin.post(
        f"{page}maintenance/", WEEKLY | {"reason": "Disks", "first_day": "2031-01-01"}, follow=True
    )
    rule = "every Sunday 02:00 to 04:00 Europe/Lisbon, from 1 Jan 2031"
    assert f"The windows are set: {rule}. Nobody is woken" in words(answer)
    row = series()
    assert (row.name, row.created_by) == ("Disks", "ana@example.com")
    assert [one.pk for one in row.monitors.all()] == ([seeded.home.pk] if over == "monitor" else [])
    said = words(admin.get(page))
    assert "Every Sunday 02:00 to 04:00 Europe/Lisbon, from 1 Jan 2031" in said
    assert said.count("02:00 to 04:00") == 4  # the rule and the next three
    assert "Sun 5 Jan 2031 02:00 to 04:00" in said


def test_a_cron_series_is_named_after_its_rule(seeded: Seeded, admin: Client) -> None:
    given = {"how": "cron", "cron": "0 2 * * 0", "for": "2h", "zone": ""}
    assert admin.post("/projects/shop/maintenance/", given).status_code == 302
    assert (series().name, series().zone) == ("At 02:00 on Sunday, for 2 h, UTC (cron 0 2 * * 0)", "UTC")
    changed = {"how": "weekly", "days": ["mon"], "at": "03:00", "for": "1h", "zone": "UTC"}
    assert admin.post(f"/windows/{series().pk}/edit/", changed).status_code == 302
    assert (series().name, series().cron) == ("Every Monday 03:00 to 04:00 UTC", "")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"days": []}, {"days": "Tick at least one day."}),
        ({"at": ""}, {"at": "Write the time it begins."}),
        ({"for": ""}, {"for": "Write how long it lasts, such as 2h."}),
        ({"days": ["x"]}, {"days": "'x' is no day of the week; known: mon, tue, wed, thu, fri, sat, sun."}),
        (
            {"zone": "Europe/Lisabon"},
            {"zone": "There is no zone Europe/Lisabon; did you mean Europe/Lisbon?"},
        ),
        ({"at": "26:00", "for": "x"}, {"at", "for"}),
        ({"for": "7d"}, {"for"}),
        (
            {"last_day": "2001-01-01"},
            {"last_day": "Last day has passed before the window would begin once more; write a later one."},
        ),
        ({"first_day": "soon"}, {"first_day": "'soon' is no day; write one such as 2026-12-31."}),
        ({"how": "cron", "cron": ""}, {"cron": "Write an expression such as 0 2 * * 0."}),
        ({"how": "cron", "cron": "0 2 30 2 *"}, {"cron"}),
        ({"reason": "x" * 201}, {"reason": "Why must be a text of 1 to 200 characters."}),
        ({"reason": "${HOME}"}, {"reason"}),
        ({"how": "nonsense"}, {"starts", "ends"}),
        ({"how": "once", "starts": "2031-01-01T10:00"}, {"ends": "Write a date and a time."}),
    ],
)
@pytest.mark.parametrize("over", ["/monitors/%d/maintenance/", "/projects/shop/maintenance/"])
def test_what_is_wrong_stands_at_its_field(
    seeded: Seeded, admin: Client, change: dict[str, Any], wrong: Any, over: str
) -> None:
    answer = admin.post(over % seeded.home.pk if "%" in over else over, WEEKLY | change)
    assert answer.status_code == 422
    said = errors(answer)
    assert said == wrong if isinstance(wrong, dict) else said.keys() == wrong
    text = answer.content.decode()
    for name in said:
        assert re.search(rf'aria-describedby="(h-{name} )?e-{name}"', text)
    assert '<details open><summary class="btn">Maintenance' in text
    for value in (each for each in change.values() if isinstance(each, str) and each):
        assert f'value="{html.escape(value)}"' in text or change.get("how") == "nonsense"
    assert not MaintenanceWindow.objects.filter(starts_at=None).exists()


def test_trying_shows_the_next_three_and_sets_nothing(seeded: Seeded, admin: Client) -> None:
    given = WEEKLY | {"zone": "Asia/Tokyo", "do": "preview", "first_day": "2031-06-01"}
    answer = admin.post(f"/monitors/{seeded.home.pk}/maintenance/", given)
    assert answer.status_code == 200
    said = words(answer)
    assert "Sun 1 Jun 2031 02:00 to 04:00 (Sat 31 May 2031 18:00 to 20:00 in Lisbon)" in said
    assert said.count("Jun 2031 02:00 to 04:00") == 3
    assert not MaintenanceWindow.objects.filter(starts_at=None).exists()
    late = admin.post(
        f"/monitors/{seeded.home.pk}/maintenance/", given | {"first_day": "", "last_day": "2001-01-01"}
    )
    assert "It would not come any more." in words(late)


def test_the_nights_on_which_clocks_change_are_marked(seeded: Seeded, admin: Client) -> None:
    given = {"how": "cron", "cron": "30 1 29-31 3 *", "for": "2h", "zone": "Europe/Lisbon", "do": "preview",
             "first_day": "2031-03-29"}  # fmt: skip
    said = words(admin.post("/projects/shop/maintenance/", given))
    assert (
        "Sat 29 Mar 2031 01:30 to 03:30 Sun 30 Mar 2031 02:00 to 04:00 the clocks change Mon 31 Mar" in said
    )


def test_ending_pausing_changing_and_deleting(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    row = edit.create_series(seeded.shop, SPEC | {"name": "Backup", "timezone": "Europe/Lisbon"}, "a", NOW)
    page, path = f"/monitors/{seeded.home.pk}/", f"/windows/{row.pk}/"
    back = {"monitor": seeded.home.pk}
    monkeypatch.setattr(clock, "now", lambda: SUNDAY - timedelta(days=1))
    admin = enter(seeded.admin)
    assert "End it now" not in words(admin.get("/projects/shop/"))
    assert "No window of this series is running" in words(admin.post(f"{path}end/", follow=True))
    monkeypatch.setattr(clock, "now", lambda: SUNDAY)
    assert "End it now" in words(enter(seeded.admin).get(page))
    admin = enter(seeded.admin)
    answer = admin.post(f"{path}end/", back, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "The series goes on." in words(answer)
    assert "End it now" not in words(admin.get(page))
    assert "Resume" in words(admin.post(f"{path}pause/", {"paused": "1"}, follow=True))
    assert series().paused
    admin.post(f"{path}pause/", {"paused": "0"})
    form = admin.get(f"{path}edit/?monitor={seeded.home.pk}").content.decode()
    assert 'value="once"' not in form
    assert f'href="{page}"' in form
    changed = WEEKLY | back | {"at": "05:00", "days": ["sat", "sun"]}
    assert "Every Saturday and Sunday 05:00 to 07:00" in words(
        admin.post(f"{path}edit/", changed | {"do": "preview"})
    )
    assert series().at == "02:00"
    assert errors(admin.post(f"{path}edit/", changed | {"for": "25h"})).keys() == {"for"}
    answer = admin.post(f"{path}edit/", changed, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert (series().at, series().name, series().slug) == ("05:00", "Backup", "backup")
    assert "Delete Backup?" in words(admin.get(f"{path}delete/?monitor={seeded.home.pk}"))
    assert admin.post(f"{path}delete/", back)["Location"] == page
    assert not MaintenanceWindow.objects.filter(starts_at=None).exists()


def test_a_change_keeps_the_monitors_and_the_rest(seeded: Seeded, admin: Client) -> None:
    spec = SPEC | {"monitors": ["home-page"], "paused": True, "reason": "Disks"}
    row = edit.create_series(seeded.shop, spec, "a", NOW)
    admin.post(f"/windows/{row.pk}/edit/", WEEKLY | {"reason": "Disks"})
    row = series()
    assert (row.paused, row.reason, row.zone) == (True, "Disks", "Europe/Lisbon")
    assert [one.pk for one in row.monitors.all()] == [seeded.home.pk]
    assert "paused" in words(admin.get("/projects/shop/"))


def test_only_who_may_change_the_project_touches_a_series(seeded: Seeded) -> None:
    row = edit.create_series(seeded.shop, SPEC | {"name": "Backup"}, "a", NOW)
    viewer, stranger = enter(seeded.viewer), enter(seeded.stranger)
    for do in ("end", "pause", "edit", "delete"):
        path = f"/windows/{row.pk}/{do}/"
        assert viewer.post(path, {"paused": "1"}).status_code == 403
        assert stranger.post(path, {"paused": "1"}).status_code == 404
        assert Client().post(path).status_code == 302
    for do in ("edit", "delete"):
        assert viewer.get(f"/windows/{row.pk}/{do}/").status_code == 403
        assert stranger.get(f"/windows/{row.pk}/{do}/").status_code == 404
    page = words(viewer.get("/projects/shop/"))
    assert "Backup" in page
    assert "Pause" not in page
    assert not series().paused


def test_a_window_that_comes_once_is_no_series(seeded: Seeded, admin: Client) -> None:
    once = MaintenanceWindow.objects.get()
    for do in ("pause", "edit", "delete"):
        assert admin.post(f"/windows/{once.pk}/{do}/", {"paused": "1"}).status_code == 404
    odd = {"monitor": "²"}
    assert admin.post(f"/windows/{once.pk}/end/", odd)["Location"] == "/projects/shop/"


def test_a_series_that_is_over_or_unreadable_is_shown_as_such(seeded: Seeded, admin: Client) -> None:
    edit.create_series(seeded.shop, SPEC | {"name": "Old", "last_day": "2026-01-01"}, "a", NOW, applied=True)
    broken = edit.create_series(seeded.shop, SPEC | {"name": "Broken"}, "a", NOW)
    MaintenanceWindow.objects.filter(pk=broken.pk).update(zone="Europe/Atlantis", days=["so"])
    said = words(admin.get("/projects/shop/"))
    assert "Old" in said
    assert "By a rule this version cannot read" in said


def test_windows_of_other_monitors_stand_on_their_pages_alone(seeded: Seeded, admin: Client) -> None:
    edit.create_series(seeded.shop, SPEC | {"name": "For basket", "monitors": ["basket"]}, "a", NOW)
    edit.create_series(seeded.shop, SPEC | {"name": "For all"}, "a", NOW - timedelta(days=1))
    said = words(admin.get(f"/monitors/{seeded.home.pk}/"))
    assert "For all" in said
    assert "For basket" not in said
    assert "For basket" in words(admin.get("/projects/shop/"))
