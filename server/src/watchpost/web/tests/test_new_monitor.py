"""A monitor of every kind there is can be made on the pages, from the fields alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.e2e.seed import Seeded, seed

from watchpost.monitors import edit
from watchpost.monitors.models import Monitor
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
