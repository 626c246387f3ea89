from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchpost.incidents.models import Channel, Incident, IncidentMember
from watchpost.monitors import edit, edit_channel, spec
from watchpost.monitors.models import Change, MaintenanceWindow, Monitor, Project

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOME: dict[str, Any] = {"name": "Home page", "kind": "page", "url": "https://shop.example.com/"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Project:
    return edit.create_project("Shop", NOW)


def refusal(project: Project, **changes: Any) -> dict[str, str]:
    with pytest.raises(edit.Invalid) as caught:
        edit.create_monitor(project, HOME | changes, NOW)
    return dict(caught.value.errors)


def test_a_monitor_gets_a_slug_a_state_and_a_change(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME, NOW)
    assert (monitor.slug, monitor.state.shown, monitor.revision) == ("home-page", "new", 1)
    assert Change.objects.filter(topic="monitor", key=str(monitor.pk)).count() == 1
    assert len(shop.ping_key) == 22
    assert len(shop.dsn_key) == 32


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"intervall": "60s"}, "intervall", "did you mean interval?"),
        ({"expect": {"statuss": [200]}}, "expect.statuss", "did you mean status?"),
        ({"kind": "pagge"}, "kind", "did you mean page?"),
        ({"interval": "1s"}, "interval", "write 5s to 7d"),
        ({"interval": "soon"}, "interval", "write 30s, 5m, 25h or 7d"),
        ({"interval": "10s", "timeout": "20s"}, "timeout", "set timeout to at most 10s"),
        ({"timeout": "61s"}, "timeout", "write 1s to 60s"),
        ({"confirm": 0}, "confirm", "whole number from 1 to 20"),
        ({"confirm": True}, "confirm", "whole number"),
        ({"slug": "Home Page"}, "slug", "not a slug"),
        ({"depends_on": ["nobody"]}, "depends_on", "there is no monitor nobody"),
        ({"depends_on": ["home-page"]}, "depends_on", "itself"),
        ({"paused": "no"}, "paused", "neither true nor false"),
        ({"name": ""}, "name", "1 to 100"),
        ({"url": None}, "url", "is not a text"),
    ],
)
def test_impossible_values_name_the_field_and_the_fix(
    shop: Project, changes: dict[str, Any], field: str, words: str
) -> None:
    assert words in refusal(shop, **changes)[field]
    assert not Monitor.objects.exists()


def test_everything_wrong_is_told_at_once(shop: Project) -> None:
    assert refusal(shop, interval="1s", confirm=99, urll="x").keys() == {"interval", "confirm", "urll"}


def test_twin_names_are_refused(shop: Project) -> None:
    edit.create_monitor(shop, HOME, NOW)
    assert "another name or slug" in refusal(shop, name="Home  Page!")["slug"]
    with pytest.raises(edit.Invalid, match="a project shop already"):
        edit.create_project("SHOP", NOW)


def test_an_unchanged_update_changes_nothing(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME, NOW)
    Change.objects.all().delete()
    assert not edit.update_monitor(monitor, HOME | {"interval": "1m"}, NOW)
    assert not Change.objects.exists()
    assert not edit.update_monitor(
        monitor, HOME | {"expect": {"status": [200]}}, NOW
    )  # the default, written out
    assert monitor.revision == 1


def test_the_revision_rises_only_when_something_else_is_asked(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME, NOW)
    assert edit.update_monitor(monitor, HOME | {"name": "Front", "tags": ["a"]}, NOW)
    assert (monitor.revision, monitor.slug) == (1, "home-page")
    assert edit.update_monitor(monitor, HOME | {"expect": {"text": "Basket"}}, NOW)
    assert monitor.revision == 2


def test_secrets_are_sealed_and_come_back_as_the_name_they_were_written_with(shop: Project) -> None:
    asked = HOME | {"token": "${TOKEN}", "headers": {"X-Key": "abc-secret"}, "expect": {"text": "a ${WORD}"}}
    environ = {"TOKEN": "t-secret", "WORD": "w-secret"}
    monitor = edit.create_monitor(shop, asked, NOW, environ=environ)
    monitor.refresh_from_db()
    assert "secret" not in json.dumps(monitor.config)
    assert edit.config_of(monitor).expect.text == "a w-secret"
    shown = edit.spec_of(monitor)
    assert shown["token"] == "${TOKEN}"
    assert shown["headers"] == {"X-Key": "${SHOP_HOME_PAGE_HEADERS_X_KEY}"}
    assert shown["expect"] == {"text": "a ${WORD}"}
    assert "secret" not in json.dumps(shown)


def test_what_was_exported_keeps_its_secrets_without_the_environment(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME | {"token": "t-secret"}, NOW)
    assert not edit.update_monitor(monitor, edit.spec_of(monitor), NOW)
    assert edit.update_monitor(monitor, edit.spec_of(monitor) | {"interval": "5m"}, NOW)
    monitor.refresh_from_db()
    assert edit.config_of(monitor).token == "t-secret"


def test_a_changed_environment_is_a_change_that_shows_no_secret(shop: Project) -> None:
    asked = HOME | {"token": "${TOKEN}"}
    monitor = edit.create_monitor(shop, asked, NOW, environ={"TOKEN": "old-secret"})
    wanted = edit.read_monitor(shop, asked, {"TOKEN": "new-secret"}, monitor)
    assert "secret" not in str(edit.differences(monitor, wanted))
    assert edit.update_monitor(monitor, asked, NOW, {"TOKEN": "new-secret"})
    assert edit.config_of(monitor).token == "new-secret"
    assert monitor.revision == 2


def test_only_the_operator_reads_the_environment(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "leak")
    assert "only by `watchpost apply`" in refusal(shop, token="${TOKEN}")["token"]
    with pytest.raises(edit.Invalid, match="TOKEN is not set"):
        edit.create_monitor(shop, HOME | {"token": "${TOKEN}"}, NOW, environ={})


def test_a_refusal_never_quotes_the_environment(shop: Project) -> None:
    with pytest.raises(edit.Invalid) as caught:
        edit.create_monitor(shop, HOME | {"url": "https://${PART}"}, NOW, environ={"PART": "u-secret x"})
    assert caught.value.errors == [("url", "'https://${PART}' contains a blank; remove it")]


def test_circles_are_refused(shop: Project) -> None:
    first = edit.create_monitor(shop, HOME, NOW)
    edit.create_monitor(shop, HOME | {"name": "Second", "depends_on": ["home-page"]}, NOW)
    with pytest.raises(edit.Invalid, match="home-page -> second -> home-page is a circle"):
        edit.update_monitor(first, HOME | {"depends_on": ["second"]}, NOW)


def test_pause_and_delete(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME, NOW)
    assert edit.set_paused(monitor, True, NOW)
    assert not edit.set_paused(monitor, True, NOW)
    edit.delete_monitor(monitor, NOW, "Ana")
    assert not Monitor.objects.exists()


def test_deleting_the_last_member_resolves_the_incident(shop: Project) -> None:
    first, second = (edit.create_monitor(shop, HOME | {"name": name}, NOW) for name in ("a", "b"))
    incident = Incident.objects.create(
        project=shop, environment="production", title="x", severity=2, began_at=NOW, detected_at=NOW
    )
    for monitor in (first, second):
        IncidentMember.objects.create(
            incident=incident, monitor=monitor, code="site.error_status", subject="x", severity=2, rank=1,
            sentence="", fix="", began_at=NOW, joined_at=NOW,
        )  # fmt: skip
    edit.delete_monitor(first, NOW, "Ana")
    incident.refresh_from_db()
    assert incident.state == "open"
    edit.delete_monitor(second, NOW, "Ana")
    incident.refresh_from_db()
    assert incident.state == "resolved"
    said = [row.sentence for row in incident.timeline.all()]
    assert said == ["The monitor a was deleted by Ana.", "The monitor b was deleted by Ana."]
    assert incident.timeline.last().kind == "resolved"
    assert not IncidentMember.objects.filter(incident=incident, left_at=None).exists()


def test_channels(shop: Project) -> None:
    asked = {
        "name": "ops",
        "kind": "hook",
        "url": "https://h.example.com",
        "secret": "s3cret",
        "projects": ["shop"],
    }
    channel = edit.create_channel(asked, NOW)
    assert channel.min_severity == 2  # it pages
    assert "s3cret" not in json.dumps(channel.config)
    assert edit.channel_spec_of(channel) == asked | {"secret": "${OPS_SECRET}"}
    assert not edit.update_channel(channel, edit.channel_spec_of(channel), NOW)
    assert edit.update_channel(channel, asked | {"min_severity": "warning"}, NOW)
    for wrong, words in [
        ({"name": "Ops Mail"}, "write ops-mail"),
        ({"kind": "hok"}, "did you mean hook?"),
        ({"min_severity": "bad"}, "one of info, warning"),
        ({"projects": ["shopp"]}, "did you mean shop?"),
        ({"ulr": 1}, "did you mean url?"),
        ({}, "another name"),
    ]:
        with pytest.raises(edit.Invalid, match=words.replace("?", r"\?")):
            edit.create_channel(asked | wrong, NOW)
    edit.delete_channel(channel, NOW)
    assert not Channel.objects.exists()


def test_windows(shop: Project) -> None:
    hour = timedelta(hours=1)
    with pytest.raises(edit.Invalid, match="later time"):
        edit.create_window(shop, [], NOW, NOW - hour, "", "me", NOW)
    running = edit.create_window(shop, [], NOW - hour, NOW + hour, "deploy", "me", NOW)
    edit.cancel_window(running, NOW)
    assert running.ends_at == NOW
    edit.cancel_window(edit.create_window(shop, [], NOW + hour, NOW + 2 * hour, "", "me", NOW), NOW)
    assert MaintenanceWindow.objects.count() == 1


PIECES = st.lists(st.sampled_from(["a", "$", "{", "}", "ENV", "${ENV}", "$${ENV}"]), max_size=6)
# Of the names that may come out, such as ${a} or ${ENVa}, only ENV is set.
TEXT = PIECES.map("".join).filter(lambda text: set(spec.variables_in(text)) <= {"ENV"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "interval": st.sampled_from(["5s", "60s", "90s", "5m", "1h", "1.5h", 3600]),
            "timeout": st.sampled_from(["1s", "5s"]),
            "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
            "token": st.sampled_from(["", "x", "${ENV}", "Bearer ${ENV}", "$${ENV}"]),
            "headers": st.dictionaries(st.sampled_from(["A", "B-c"]), st.sampled_from(["v", "${ENV}"])),
            "expect": st.fixed_dictionaries(
                {}, optional={"text": TEXT, "status": st.sampled_from([[200], [204, 301]])}
            ),
        },
    )
)
def test_what_is_exported_and_applied_again_is_no_change(shop: Project, changes: dict[str, Any]) -> None:
    Monitor.objects.all().delete()
    environ = {"ENV": "e"}
    monitor = edit.create_monitor(shop, HOME | changes, NOW, environ=environ)
    monitor.refresh_from_db()
    exported = json.loads(json.dumps(edit.spec_of(monitor)))
    for world in (environ, {}, None):
        assert not edit.update_monitor(monitor, exported, NOW, world)
    assert edit.spec_of(monitor) == exported
    assert not edit.update_monitor(monitor, HOME | {"name": "Home page"} | changes, NOW, environ)


@pytest.mark.parametrize("seconds", [1, 5, 60, 90, 120, 3600, 5400, 86400, 90000, 7 * 86400, 1.5])
def test_durations_are_written_as_they_are_read(seconds: float) -> None:
    assert spec.parse_duration(spec.write_duration(seconds)) == seconds


def test_who_is_faster_wins_and_the_other_reads_a_field_error(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process writes between the check and the write."""
    first, second = (edit.create_monitor(shop, HOME | {"name": name}, NOW) for name in ("a", "b"))
    real, racing = edit._refuse_twin, [True]

    def check_and_be_overtaken(*args: Any) -> None:
        real(*args)
        if racing:
            racing.pop()
            Monitor.objects.filter(pk=first.pk).update(slug="wanted")

    monkeypatch.setattr(edit, "_refuse_twin", check_and_be_overtaken)
    with pytest.raises(edit.Invalid, match="slug: this project has a monitor wanted already"):
        edit.update_monitor(second, HOME | {"name": "b", "slug": "wanted"}, NOW)
    racing.append(True)
    Monitor.objects.filter(pk=first.pk).update(slug="a")
    with pytest.raises(edit.Invalid, match="slug: this project has a monitor wanted already"):
        edit.create_monitor(shop, HOME | {"name": "wanted"}, NOW)


def test_a_channel_name_taken_meanwhile_is_a_field_error(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        edit.create_channel({"name": name, "kind": "hook", "url": "https://h.example"}, NOW) for name in "ab"
    )
    real, racing = edit_channel._refuse_twin, [True]

    def check_and_be_overtaken(*args: Any) -> None:
        real(*args)
        if racing:
            racing.pop()
            Channel.objects.filter(pk=first.pk).update(name="wanted")

    monkeypatch.setattr(edit_channel, "_refuse_twin", check_and_be_overtaken)
    with pytest.raises(edit.Invalid, match="name: there is a channel wanted already"):
        edit.update_channel(second, {"name": "wanted", "kind": "hook", "url": "https://h.example"}, NOW)


def test_creating_many_monitors_does_not_read_their_slugs_each_time(
    shop: Project, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(0):
        edit.read_monitor(shop, HOME)


def test_what_hears_one_project_alone_goes_with_it_and_never_hears_all(shop: Project) -> None:
    blog = edit.create_project("blog", NOW)
    for name, hears in (("own", ["shop"]), ("both", ["shop", "blog"]), ("all", [])):
        edit.create_channel({"name": name, "kind": "hook", "url": "x", "projects": hears}, NOW)
    edit.delete_project(shop, NOW)
    left = {channel.name: [one.slug for one in channel.projects.all()] for channel in Channel.objects.all()}
    assert left == {"both": [blog.slug], "all": []}


@pytest.mark.parametrize(
    ("url", "stays"),
    [
        ("https://shop.example/other?page=1", True),
        ("https://SHOP.example:443/", True),
        ("https://evil.example/", False),
        ("https://shop.example:8443/", False),
        ("http://shop.example/", False),
        ("http://[::1", False),
    ],
)
def test_a_secret_does_not_follow_to_another_place_unseen(shop: Project, url: str, stays: bool) -> None:
    """Whoever may edit need not know the secret, and must not be able to have it sent to himself."""
    spec = HOME | {"url": "https://shop.example/", "token": "t-secret"}
    monitor = edit.create_monitor(shop, spec, NOW)
    moved = edit.spec_of(monitor) | {"url": url}
    if stays:
        assert edit.update_monitor(monitor, moved, NOW)
    else:
        with pytest.raises(edit.Invalid, match="enter it again"):
            edit.update_monitor(monitor, moved, NOW)
        assert edit.update_monitor(monitor, moved | {"token": "another"}, NOW)
        edit.update_monitor(monitor, spec, NOW)
        assert edit.update_monitor(monitor, moved, NOW, environ={})  # the operator, at the command line


def test_a_secret_may_follow_from_http_to_https(shop: Project) -> None:
    monitor = edit.create_monitor(shop, HOME | {"url": "http://shop.example/", "token": "t"}, NOW)
    assert edit.update_monitor(monitor, edit.spec_of(monitor) | {"url": "https://shop.example/"}, NOW)


def test_an_edit_that_takes_back_what_another_changed_meanwhile_asks_otherwise(shop: Project) -> None:
    """A revision names one configuration: what was read of the other one counts for it no more."""
    mine = edit.create_monitor(shop, HOME, NOW)
    spec = edit.spec_of(mine)
    theirs = Monitor.objects.get(pk=mine.pk)
    edit.update_monitor(theirs, spec | {"url": "https://shop.example.com/other"}, NOW)
    edit.update_monitor(mine, spec | {"name": "Front"}, NOW)
    assert edit.spec_of(Monitor.objects.get(pk=mine.pk))["url"] == HOME["url"]
    assert Monitor.objects.get(pk=mine.pk).revision == theirs.revision + 1
