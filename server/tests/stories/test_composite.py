"""A composite moves with the monitors it counts, and makes no second incident beside theirs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stories.telling import Story
from tests.stories.test_parents import fails, mail, members, queued
from watchpost.monitors import edit
from watchpost.monitors.models import Look, Monitor


def composite(story: Story, name: str = "Service", **spec: Any) -> Monitor:
    row = edit.create_monitor(story.project, {"name": name, "kind": "composite"} | spec, story.time)
    story.changed(("monitor", str(row.pk)))
    story.tick()
    return row


def nodes(story: Story, count: int = 3) -> list[Monitor]:
    found = [story.monitor(f"Node {n}", f"n{n}.example", slug=f"n{n}") for n in range(1, count + 1)]
    for number, node in enumerate(found):
        story.look(node, address=f"192.0.2.{number}")
    return found


def test_it_goes_down_and_up_with_its_children_in_their_incident(story: Story) -> None:
    one, two, _ = nodes(story)
    service = composite(story, of=["n1", "n2", "n3"], need=2)
    people = mail(story)
    assert story.shown(service) == "up"  # judged at once, from what is known
    fails(story, one)
    assert story.shown(service) == "up"
    [finding] = edit.Monitor.objects.get(pk=service.pk).last.findings
    assert finding["sentence"] == "Node 1 is down; 2 needed, so nothing more may fail."
    story.pass_time(3600)
    fails(story, two)
    assert story.shown(service) == "down"
    first, second = story.incidents()
    assert members(first) + members(second) == ["Node 1", "Node 2", "Service"]
    service.state.refresh_from_db()
    assert "1 of 3 up, 2 needed: Node 1 and Node 2 are down." in service.state.reason
    assert second.title.startswith("Node 2: ")  # the cause, not the composite
    assert second.title.endswith("Service depends on it and is down, too")
    assert [event for event, _ in queued(people)] == ["opened", "opened", "updated"]
    for node in (one, two):
        story.heals(node)
    assert story.shown(service) == "up"
    assert [incident.state for incident in story.incidents()] == ["resolved", "resolved"]
    assert story.transitions(service) == [("new", "up"), ("up", "down"), ("down", "up")]
    assert Look.objects.filter(monitor_id=service.pk).count() >= 4  # its page has something to show


def test_of_children_nobody_looks_at_it_says_nothing(story: Story) -> None:
    one, _ = nodes(story, 2)
    service = composite(story, of=["n1", "n2"])
    edit.set_paused(one, True, story.time)
    story.take_changes()
    story.tick()
    assert story.shown(service) == "up"
    last = edit.Monitor.objects.get(pk=service.pk).last
    assert "nothing is known of Node 1 (paused)" in last.reason


def test_composites_of_composites_follow_and_circles_are_refused(story: Story) -> None:
    one, two = nodes(story, 2)
    inner = composite(story, "Inner", of=["n1", "n2"])
    outer = composite(story, "Outer", of=["inner"])
    assert story.shown(outer) == "up"
    fails(story, one)
    assert (story.shown(inner), story.shown(outer)) == ("down", "down")
    [incident] = story.incidents()
    assert sorted(members(incident)) == ["Inner", "Node 1", "Outer"]
    assert incident.title.startswith("Node 1: ")
    story.heals(one)
    assert (story.shown(inner), story.shown(outer)) == ("up", "up")
    with pytest.raises(edit.Invalid, match="inner -> outer -> inner is a circle"):
        edit.update_monitor(inner, {"name": "Inner", "kind": "composite", "of": ["outer"]}, story.time)
    with pytest.raises(edit.Invalid, match="n2 -> outer -> inner -> n2 is a circle"):
        edit.update_monitor(two, edit.spec_of(two) | {"depends_on": ["outer"]}, story.time)
    with pytest.raises(edit.Invalid, match="a monitor cannot count itself"):
        edit.update_monitor(inner, {"name": "Inner", "kind": "composite", "of": ["inner"]}, story.time)


def test_a_name_that_does_not_exist_is_refused_with_the_nearest(story: Story) -> None:
    nodes(story, 2)
    with pytest.raises(edit.Invalid) as wrong:
        edit.create_monitor(
            story.project, {"name": "S", "kind": "composite", "of": ["n1", {"monitor": "n22"}]}, story.time
        )
    [(where, what)] = wrong.value.errors
    assert where == "of.1.monitor"
    assert what == "there is no monitor n22 in this project; did you mean n2?"


def test_a_child_that_is_deleted_or_renamed_later_is_named(story: Story) -> None:
    one, two, _ = nodes(story)
    service = composite(story, of=["n1", "n2", "n3"])
    edit.delete_monitor(one, story.time)
    story.take_changes()
    story.tick()
    assert story.shown(service) == "degraded"
    [incident] = story.incidents()
    assert "The monitor n1 does not exist any more" in incident.title
    edit.update_monitor(two, edit.spec_of(two) | {"slug": "second"}, story.time)
    story.take_changes()
    story.tick()
    subjects = [finding["subject"] for finding in edit.Monitor.objects.get(pk=service.pk).last.findings]
    assert subjects == ["n1", "n2"]
    edit.update_monitor(service, {"name": "Service", "kind": "composite", "of": ["second", "n3"]}, story.time)
    story.take_changes()
    story.tick()
    assert story.shown(service) == "up"


def test_it_is_judged_at_start_of_what_happened_meanwhile(story: Story) -> None:
    one, _ = nodes(story, 2)
    service = composite(story, of=["n1", "n2"], need="50%")
    story.restart()
    story.tick()
    fails(story, one)
    story.restart()
    assert story.engine.watched[service.pk].track.health == "up"
    assert set(story.engine.watched[service.pk].states) == {"n1", "n2"}


def test_what_depends_on_a_composite_waits_for_those_it_counts(story: Story) -> None:
    one, two = nodes(story, 2)
    composite(story, "Uplinks", of=["n1", "n2"], need=1)
    shop = story.monitor("Shop", "shop.example", depends_on=["uplinks"])
    people = mail(story)
    story.look(shop, address="198.51.100.1")
    story.pass_time(60)
    for _ in range(2):
        for monitor in (shop, one, two):
            fails(story, monitor, 1)
    story.tick()
    assert story.shown(shop) == "down"
    behind = [story.engine.watched[pk].name for pk in story.engine.watched[shop.pk].track.behind]
    assert behind == ["Uplinks"]
    assert not any("Shop" in reason and "joined" in reason for _, reason in queued(people))
    assert all(
        "Shop" not in members(incident) or len(members(incident)) > 1 for incident in story.incidents()
    )


def test_the_order_in_the_file_does_not_matter(story: Story, tmp_path: Path) -> None:
    from watchpost.cli.document import read_document
    from watchpost.cli.wanted import write_plan

    text = """
version: 1
projects:
  - name: shop
    monitors:
      - { name: All, kind: composite, of: [pair, api], need: 1 }
      - { name: Pair, kind: composite, of: [home, api] }
      - { name: Home, kind: http, url: "https://shop.example/", depends_on: [api] }
      - { name: API, kind: http, url: "https://api.example/" }
"""
    file = tmp_path / "watchpost.yaml"
    file.write_text(text)
    write_plan(read_document(str(file)), {}, False, story.time)
    assert story.project.monitors.count() == 4
    assert not [s for s in write_plan(read_document(str(file)), {}, False, story.time) if s.sign != "="]
    turned = text.replace("of: [pair, api], need: 1", "of: [home]").replace("[home, api]", "[all]")
    file.write_text(turned)
    write_plan(read_document(str(file)), {}, False, story.time)
    file.write_text(text.replace("[home, api]", "[home, al]"))
    with pytest.raises(Exception, match=r"monitors\.1\.of\.1: there is no monitor al .* did you mean all\?"):
        write_plan(read_document(str(file)), {}, False, story.time)
    file.write_text(text.replace("[home, api]", "[all]"))
    with pytest.raises(Exception, match="all -> pair -> all is a circle"):
        write_plan(read_document(str(file)), {}, False, story.time)


def test_a_child_that_fell_inside_a_window_counts_when_the_window_ends(story: Story) -> None:
    one, _, _ = nodes(story)
    service = composite(story, of=["n1", "n2"], need=2)
    end = story.time + timedelta(minutes=10)
    edit.create_window(story.project, [service], story.time, end, "move", "ana", story.time)
    story.take_changes()
    story.tick()
    fails(story, one)
    assert story.shown(service) == "maintenance"
    story.time = end
    story.tick()
    assert story.shown(service) == "down"
