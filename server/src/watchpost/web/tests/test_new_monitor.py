"""A monitor of every kind there is can be made on the pages, from the fields alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.e2e.seed import Seeded, seed

from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, MonitorLast, MonitorState
from watchpost.registry import Kind, doc_of, kinds
from watchpost.web.tests.test_access import enter
from watchpost.web.tests.test_forms import error_at
from watchpost.web.tests.test_project import words

pytestmark = pytest.mark.django_db
EVERY = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)


@pytest.fixture
def seeded(db: Any) -> Seeded:
    return seed(datetime.now(UTC))


def example(kind: Kind) -> dict[str, Any]:
    text = doc_of("kinds", kind.name).read_text("utf-8")
    block = text[text.index("```yaml") + 7 :].partition("```")[0]
    spec: dict[str, Any] = yaml.safe_load(block)[0]
    return {key: value for key, value in spec.items() if "${" not in str(value)}


@EVERY
def test_the_example_of_a_kind_can_be_typed(seeded: Seeded, kind: Kind) -> None:
    admin = enter(seeded.admin)
    path = f"/monitors/new/{kind.name}/"
    page = admin.get(path)
    assert page.status_code == 200
    ticked = dict.fromkeys(re.findall(r'name="([\w.]+)" value="on" checked', page.content.decode()), "on")
    spec = example(kind)
    own = {key: value for key, value in spec.items() if key not in edit.MONITOR_KEYS}
    for name in kind.past(kind.config.model_validate(own)).names:  # what it counts must be there
        edit.create_monitor(
            seeded.shop, {"name": name, "kind": "http", "url": "https://x.example/"}, datetime.now(UTC)
        )
    rest = {key: value for key, value in spec.items() if key not in ("name", "kind", "interval")}
    typed = {
        "project": "shop",
        "name": spec["name"],
        "interval": spec.get("interval", "60s"),
        "timeout": "10s",
    }
    simple = {key: str(value) for key, value in rest.items() if isinstance(value, str | int | float)}
    left = {key: value for key, value in rest.items() if key not in simple}
    answer = admin.post(path, ticked | typed | simple | {"rest": yaml.safe_dump(left) if left else ""})
    assert answer.status_code == 302, words(answer)
    made = Monitor.objects.latest("pk")
    assert (made.kind, made.project.slug, made.name) == (kind.name, "shop", spec["name"])
    page = admin.get(answer["Location"])
    assert page.status_code == 200
    assert ("Response time by phase" in words(page)) == (kind.probe is not None)


def test_all_kinds_are_listed_with_what_they_do(seeded: Seeded) -> None:
    said = words(enter(seeded.admin).get("/monitors/new/?project=shop"))
    for kind in kinds().values():
        assert kind.title in said
    assert "Shakes hands by TLS at every address behind a name" in said


def test_what_is_missing_is_said_at_its_field(seeded: Seeded) -> None:
    answer = enter(seeded.admin).post("/monitors/new/tls/", {"project": "shop", "name": "x", "rest": ""})
    assert answer.status_code == 422
    assert error_at(answer, "host")


def test_nobody_makes_them_in_a_project_of_others(seeded: Seeded) -> None:
    typed = {"project": "shop", "name": "x", "host": "shop.example", "rest": ""}
    assert enter(seeded.viewer).post("/monitors/new/tls/", typed).status_code == 403
    assert enter(seeded.viewer).get("/monitors/new/").status_code == 403
    assert enter(seeded.admin).get("/monitors/new/nonsense/").status_code == 404


def wrong_at_ticks(page: Any) -> str:
    """What is wrong with the ticks, if the group of them is tied to it."""
    text = page.content.decode()
    assert 'aria-describedby="h-of e-of"' in text
    return re.findall(r'<span id="e-of">(.*?)</div>', text)[0]


def test_what_means_nothing_to_a_kind_that_asks_nobody_is_not_asked_for(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    meant = ("Looks every", "Gives up after", "Looks before trouble counts", "Good looks before it is over")
    composite, page = words(admin.get("/monitors/new/composite/")), words(admin.get("/monitors/new/http/"))
    assert all(one in page and one not in composite for one in meant)
    assert "Tells again every" in composite
    made = edit.create_monitor(
        seeded.shop, {"name": "Both", "kind": "composite", "of": ["home-page"]}, datetime.now(UTC)
    )
    said = words(admin.get(f"/monitors/{made.pk}/"))
    assert "judged whenever one of them changes" in said
    assert "Confirms" not in said
    assert "Gives up" not in said
    assert "Gives up" in words(admin.get(f"/monitors/{seeded.home.pk}/"))


def test_monitors_of_the_project_are_ticked_and_weighed(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    path = "/monitors/new/composite/?project=shop"
    page = admin.get(path).content.decode()
    assert re.findall(r'name="of" value="([^"]+)"', page) == ["basket", "home-page"]
    assert "data-reloads" in page
    typed = {
        "project": "shop",
        "name": "Shop",
        "need": "60%",
        "rest": "",
        "of/home-page": "2.5",
        "of/basket": "1",
    }
    answer = admin.post(path, typed | {"of": ["home-page", "basket"]})
    assert answer.status_code == 302, words(answer)
    made = Monitor.objects.latest("pk")
    assert edit.spec_of(made)["of"] == [{"monitor": "home-page", "weight": 2.5}, "basket"]
    page = admin.get(f"/monitors/{made.pk}/edit/").content.decode()
    assert re.findall(r'name="of" value="([^"]+)" checked', page) == ["home-page", "basket"]
    assert 'value="shop"' not in page, "it would count itself"


def test_the_ticks_are_those_of_the_project_that_was_chosen(seeded: Seeded) -> None:
    admin = enter(seeded.admin)
    typed = {"project": "billing", "name": "All", "of": ["home-page"], "rest": ""}
    answer = admin.post("/monitors/new/composite/?project=shop", typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'name="of" value="invoices"' in page
    assert "there is no monitor home-page in this project" in words(answer)
    assert "does not exist any more" in words(answer)


@pytest.mark.parametrize("weight", ["much", "0", "-1"])
def test_a_weight_that_is_none_is_told_at_its_field(seeded: Seeded, weight: str) -> None:
    typed = {"project": "shop", "name": "All", "of": ["basket"], "of/basket": weight, "rest": ""}
    answer = enter(seeded.admin).post("/monitors/new/composite/", typed)
    assert answer.status_code == 422
    assert wrong_at_ticks(answer).count("wrong") == 1, "one thing is wrong, and it is said once"
    assert f'value="{weight}"' in answer.content.decode()


def test_nothing_ticked_is_told_at_its_field(seeded: Seeded) -> None:
    answer = enter(seeded.admin).post(
        "/monitors/new/composite/", {"project": "shop", "name": "x", "rest": ""}
    )
    assert wrong_at_ticks(answer)


def test_where_there_are_too_many_to_tick_they_are_typed(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchpost.web.monitor_forms.MOST_TICKED", 1)
    admin = enter(seeded.admin)
    assert "a weight goes behind it" in words(admin.get("/monitors/new/composite/?project=shop"))
    typed = {"project": "shop", "name": "All", "of": "home-page 2\r\n\r\n basket\r\n", "rest": ""}
    answer = admin.post("/monitors/new/composite/", typed)
    assert answer.status_code == 302, words(answer)
    assert edit.spec_of(Monitor.objects.latest("pk"))["of"] == [
        {"monitor": "home-page", "weight": 2},
        "basket",
    ]


def test_the_page_leads_to_those_that_are_counted_and_remarks_are_of_the_last_look(seeded: Seeded) -> None:
    now = datetime.now(UTC)
    made = edit.create_monitor(seeded.shop, {"name": "All", "kind": "composite", "of": ["home-page"]}, now)
    old, new = (
        {
            "code": "composite.some_down",
            "subject": "need",
            "severity": "info",
            "sentence": said,
            "fix": "Mend it.",
        }
        for said in ("Long ago.", "Just now.")
    )
    facts = {"children": [{"slug": "home-page", "name": "Home page", "state": "down"}]}
    state = {"shown": "up", "health": "up", "since": now, "reason": "Fine.", "findings": [old]}
    MonitorState.objects.update_or_create(monitor=made, defaults=state)
    last = MonitorLast.objects.create(
        monitor=made, at=1, outcome="ok", total_ms=0.0, phases={}, findings=[new], facts=facts
    )
    admin = enter(seeded.admin)
    page = admin.get(f"/monitors/{made.pk}/")
    assert (
        f'<i class="mark down" aria-hidden="true"></i> <a class="link" href="/monitors/{seeded.home.pk}/">'
        in (page.content.decode())
    )
    assert "Just now." in words(page)
    assert "Long ago." not in words(page)
    last.findings = None
    last.save()
    assert "Long ago." not in words(admin.get(f"/monitors/{made.pk}/"))
