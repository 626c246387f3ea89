"""Whatever stands on a host stands on what carries that host, without a word of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.architecture.dummies import installed, write_kind
from tests.stories.telling import Story
from tests.stories.test_parents import fails, mail, members, queued
from watchpost.accounts.models import User
from watchpost.api.shapes import monitor_object
from watchpost.cli.commands.explain import collect
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor

ZONE = '''
"""A dummy kind that others stand on: a zone of names that answers or is silent."""

from watchpost.core.types import Finding, Severity, Verdict
from watchpost.registry import Config, Kind


class ZoneConfig(Config):
    """Which zone."""

    zone: str
    depth: int = 1


async def probe(look, outbound, at):
    raise AssertionError("the story says what was seen")


def judge(config, seen, baseline, past, now):
    severity = {200: None, 300: Severity.WARNING}.get(seen.facts["status"], Severity.ERROR)
    if severity is None:
        return Verdict()
    sentence = f"The zone {config.zone} answers {seen.facts['status']}."
    return Verdict((Finding("zone.silent", config.zone, sentence, "Ask it what is wrong.", severity),))


KIND = Kind(
    name="zone",
    title="Zone",
    layer="uptime",
    config=ZoneConfig,
    probe=probe,
    judge=judge,
    codes=frozenset({"zone.silent"}),
    describe=lambda config: f"the zone {config.zone}",
    target=lambda config: (config.zone, 53),
    carries=lambda config: (config.zone,),
    depth=1,
)
'''
CODES = '''
"""The code of the dummy kind."""

from watchpost.codes import Code
from watchpost.core.types import Severity

CODES = (Code("zone.silent", Severity.ERROR, "The zone is silent", rank=60),)
'''


@pytest.fixture
def zones(tmp_path: Path) -> Iterator[None]:
    """Two kinds that carry hosts: a zone, and a registry below it."""
    write_kind(tmp_path, "zone", ZONE)
    (tmp_path / "kinds" / "zone" / "codes.py").write_text(CODES)
    deeper = ZONE.replace('name="zone"', 'name="registry"').replace("depth=1", "depth=2")
    write_kind(tmp_path, "registry", deeper)
    with installed(tmp_path):
        yield


def zone(story: Story, name: str = "Zone", of: str = "shop.example", **spec: Any) -> Monitor:
    row = edit.create_monitor(story.project, {"name": name, "kind": "zone", "zone": of} | spec, story.time)
    story.changed(("monitor", str(row.pk)))
    return row


def test_a_zone_carries_every_host_under_it_without_a_word(story: Story, zones: None) -> None:
    ours = zone(story)
    shop, api = story.monitor("Shop", "shop.example"), story.monitor("API", "api.shop.example")
    stranger, alike = story.monitor("Other", "other.example"), story.monitor("Alike", "myshop.example")
    staging = story.monitor("Trial", "shop.example", environment="staging")
    family = story.engine.family
    watched = story.engine.watched
    for one in (shop, api):
        assert [above.id for above in family.ancestors(watched[one.pk])] == [ours.pk]
    for one in (stranger, alike, staging, ours):
        assert family.ancestors(watched[one.pk]) == []
    assert [one.name for one in family.dependents(watched[ours.pk])] == ["API", "Shop"]
    people = mail(story)
    fails(story, ours)
    assert story.due_s(api) < 1  # an incident opened: what stands on it is looked at
    fails(story, api, under=ours)
    fails(story, shop, under=ours)
    fails(story, staging)
    first, second = story.incidents()
    assert (members(first), members(second)) == (["Zone", "API", "Shop"], ["Trial"])
    assert [event for event, _ in queued(people)] == ["opened", "opened"]
    assert (
        "2 monitors depend on it and are not told apart while it is down: API and Shop."
        in queued(people)[0][1]
    )


def test_a_registry_carries_the_zone_and_both_the_host(story: Story, zones: None) -> None:
    ours, below = zone(story), zone(story, "Registry", kind="registry")
    inner = zone(story, "Inner zone", "eu.shop.example")
    shop = story.monitor("Shop", "www.eu.shop.example")
    ancestors = story.engine.family.ancestors

    def above(one: Monitor) -> set[int]:
        return {each.id for each in ancestors(story.engine.watched[one.pk])}

    assert above(shop) == {inner.pk, ours.pk, below.pk}
    assert above(inner) == {ours.pk, below.pk}
    assert above(ours) == {below.pk}
    assert above(below) == set()


def test_neighbours_under_one_zone_that_is_well_have_an_incident_each(story: Story, zones: None) -> None:
    ours = zone(story)
    shop, api = story.monitor("Shop", "www.shop.example"), story.monitor("API", "api.shop.example")
    for one in (shop, api):
        fails(story, one, 1)
        story.look(ours)
        fails(story, one, 1)
    assert [members(one) for one in story.incidents()] == [["Shop"], ["API"]]


def test_a_zone_that_only_warns_holds_nobody_back(story: Story, zones: None) -> None:
    ours, shop = zone(story), story.monitor("Shop", "shop.example")
    fails(story, ours, status=300)
    assert story.shown(ours) == "degraded"
    fails(story, shop, 1)
    story.look(ours, 300, address="")
    fails(story, shop, 1)
    assert story.engine.watched[shop.pk].track.behind == ()
    assert story.shown(shop) == "down"


def test_a_zone_that_is_slower_than_its_hosts_joins_them_and_is_named_as_the_cause(
    story: Story, zones: None
) -> None:
    ours, shop = zone(story), story.monitor("Shop", "shop.example")
    fails(story, shop)
    story.pass_time(15)
    story.tick()
    assert story.shown(shop) == "down"
    fails(story, ours)
    [incident] = story.incidents()
    assert members(incident) == ["Shop", "Zone"]
    assert incident.title.startswith("Zone: The zone shop.example answers 502.")
    assert [cause["code"] for cause in incident.causes] == ["zone.silent"]


def test_what_somebody_declared_the_other_way_round_is_believed(story: Story, zones: None) -> None:
    shop = story.monitor("Shop", "shop.example")
    ours = zone(story, depends_on=["shop"])
    family, watched = story.engine.family, story.engine.watched
    assert [above.id for above in family.ancestors(watched[ours.pk])] == [shop.pk]
    assert family.ancestors(watched[shop.pk]) == []


def test_a_zone_that_is_added_or_removed_counts_at_once(story: Story, zones: None) -> None:
    shop = story.monitor("Shop", "shop.example")
    ours = zone(story)
    watched, family = story.engine.watched, story.engine.family
    assert family.ancestors(watched[shop.pk]) != []
    edit.delete_monitor(ours, story.time)
    story.take_changes()
    assert family.ancestors(watched[shop.pk]) == []


def test_the_page_the_api_and_explain_say_what_holds_it_back(story: Story, zones: None) -> None:

    ours = zone(story)
    story.monitor("Router", "router.example")
    shop = story.monitor("Shop", "www.shop.example", depends_on=["router"])
    fails(story, ours)
    story.look(story.monitors[0], address="")
    fails(story, shop, under=ours)
    story.look(story.monitors[0], address="")
    story.tick()
    row = Monitor.objects.select_related("project", "state").get(pk=shop.pk)
    data = collect(row, 5)
    assert data["held_back_by"] == ["zone"]
    assert data["parents"] == [
        {"slug": "router", "state": "up", "natural": False},
        {"slug": "zone", "state": "down", "natural": True},
    ]
    assert monitor_object(row)["held_back_by"] == ["zone"]
    client = Client()
    admin = User.objects.create_user("ana@example.com", "x" * 12, is_superuser=True)
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/monitors/{shop.pk}/").content.decode()
    assert f'<b>Held back</b> because <a href="/monitors/{ours.pk}/">Zone</a> is down' in page
    assert ">Router</a>" in page
    assert 'Zone</a> <span class="soft">by its host</span>' in page
    form = client.get(f"/monitors/{shop.pk}/edit/").content.decode()
    assert 'name="depends_on"' in form
