"""What Healthchecks answers, read: no connection, no database."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.importers import Left, Unreadable, importer, tools
from watchpost.importers.healthchecks.answers import read_answers
from watchpost.monitors.edit import read_monitor
from watchpost.monitors.spec import write_config

CODE = UUID("07c2f548-9850-4b27-af5d-6c9dc157ec02")
SIMPLE: dict[str, Any] = {
    "name": "Backup", "slug": "backup", "tags": "prod db", "desc": "of ${HOME}", "grace": 900, "n_pings": 0,
    "status": "up", "started": False, "last_ping": None, "next_ping": None, "manual_resume": False,
    "methods": "", "subject": "", "subject_fail": "", "start_kw": "", "success_kw": "", "failure_kw": "",
    "filter_subject": False, "filter_body": False, "filter_http_body": False, "filter_default_fail": False,
    "badge_url": "https://hc.example/b/2/x.svg", "uuid": str(CODE), "ping_url": f"https://hc.example/ping/{CODE}",
    "update_url": f"https://hc.example/api/v3/checks/{CODE}", "channels": "", "timeout": 3600,
}  # fmt: skip
CRON = {key: value for key, value in SIMPLE.items() if key != "timeout"} | {
    "schedule": "5 4 * * *",
    "tz": "Europe/Kiev",
}


def read(*checks: Any, channels: Any = (), known: Any = None) -> Any:
    told = None if channels is None else {"channels": list(channels)}
    return read_answers({"checks": list(checks)}, told, known or {}, ("email", "webhook"))


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in SIMPLE.items() if key not in names} | more


def lines(left: list[Left]) -> str:
    return "\n".join(f"{one.what}: {one.why}: {one.fix}" for one in left)


def test_a_check_keeps_its_uuid_and_all_its_fields() -> None:
    [one] = read(SIMPLE | {"filter_http_body": True, "failure_kw": "ERROR", "methods": "POST"}).heartbeats
    assert (one.code, one.label, one.paused) == (CODE, "Backup", False)
    wanted = {
        "name": "Backup", "ping_slug": "backup", "tags": ["prod", "db"], "description": "of ${HOME}",
        "period": "1h", "grace": "15m", "schedule": "", "methods": "POST", "failure_words": "ERROR",
        "read_body": True, "manual_resume": False, "read_subject": False,
    }  # fmt: skip
    assert {key: one.spec[key] for key in wanted} == wanted


def test_a_schedule_has_its_zone_as_it_is_called_today() -> None:
    [one] = read(CRON).heartbeats
    assert (one.spec["schedule"], one.spec["timezone"]) == ("5 4 * * *", "Europe/Kyiv")
    assert "period" not in one.spec


ODD = st.text("ab \n\t\x00\x85\u2028\u202e\u200b\ud800$\U0001f600{}", max_size=12) | st.text(max_size=120)


@given(ODD, ODD, ODD)
def test_no_name_tag_or_description_costs_the_check(name: str, desc: str, tags: str) -> None:
    [one] = read(SIMPLE | {"name": name, "desc": desc, "tags": tags}).heartbeats
    assert not set(one.label) & set("\n\t\x00\x85\u2028\u202e\ud800")
    named = {"name": str(CODE), **write_config(one.spec, "")}
    read_monitor(None, {**named, "kind": "heartbeat", "slug": "heartbeat"})


def test_paused_is_told_and_v1s_started_is_not() -> None:
    assert read(SIMPLE | {"status": "paused"}).heartbeats[0].paused
    assert not read(SIMPLE | {"status": "started"}).heartbeats[0].paused


@pytest.mark.parametrize("gone", [("uuid",), ("uuid", "ping_url")])
def test_older_servers_tell_the_uuid_in_addresses(gone: tuple[str, ...]) -> None:
    assert read(without(*gone)).heartbeats[0].code == CODE


def test_older_servers_have_words_for_subjects_alone() -> None:
    old = without("success_kw", "failure_kw", "start_kw", "filter_subject", subject="OK", subject_fail="BAD")
    spec = read(old).heartbeats[0].spec
    assert (spec["success_words"], spec["failure_words"], spec["read_subject"]) == ("OK", "BAD", True)


def test_a_read_only_key_goes_as_far_as_what_is_known() -> None:
    unique = hashlib.sha1(CODE.hex[:16].encode()).hexdigest()
    hidden = without("uuid", "ping_url", "update_url", "channels", unique_key=unique)
    found = read(hidden, hidden | {"unique_key": "0" * 40}, channels=None, known={unique: CODE})
    assert [one.code for one in found.heartbeats] == [CODE]
    [whole] = [one for one in found.left if one.whole]
    assert whole.what == "1 check"
    assert "read-only key" in whole.why
    assert "channels: a read-only key" in lines(found.left)


@pytest.mark.parametrize(
    ("check", "says"),
    [
        (SIMPLE | {"timeout": 5}, "timeout is too small: 5"),
        (SIMPLE | {"grace": "1h"}, "grace is not a number: '1h'"),
        (CRON | {"schedule": "never"}, "not a valid cron or OnCalendar"),
        (CRON | {"tz": "Mars/Base"}, "tz is not a valid timezone"),
        (SIMPLE | {"failure_kw": "x" * 201}, "failure_kw is too long"),
        (without("timeout"), "neither timeout nor schedule"),
        (without("uuid", "ping_url", "update_url"), "uuid cannot be read"),
        (17, "is no check"),
    ],
)
def test_what_cannot_be_judged_rightly_is_not_made(check: Any, says: str) -> None:
    found = read(check)
    assert not found.heartbeats
    assert [one.whole for one in found.left] == [True]
    assert says in lines(found.left)


@pytest.mark.parametrize("field", ["name", "slug", "tags", "desc"])
def test_a_text_that_is_refused_costs_itself_alone(field: str) -> None:
    found = read(SIMPLE | {field: "X" * 20_000})
    [one] = found.heartbeats
    ours = {"slug": "ping_slug", "desc": "description"}.get(field, field)
    assert ours not in one.spec
    assert found.left[0].what.startswith(f"{field} of ")
    assert not any(left.whole for left in found.left)


def test_one_uuid_makes_one() -> None:
    found = read(SIMPLE, SIMPLE | {"name": "Twin"})
    assert [one.label for one in found.heartbeats] == ["Backup"]
    assert "Twin" in found.left[0].what


def test_what_lies_around_is_told() -> None:
    channels = [
        {"id": "a", "name": "Ops", "kind": "email"},
        {"id": "b", "name": "Room", "kind": "slack"},
    ]
    other = SIMPLE | {"uuid": str(UUID(int=1)), "name": "Import", "channels": "a,b"}
    told = lines(
        read(SIMPLE | {"channels": "a", "n_pings": 7, "filter_body": True}, other, channels=channels).left
    )
    assert (
        "channel Ops (email): their API does not tell where it leads: make a channel of the kind email"
        in told
    )
    assert "channel Room (slack): there is no such kind here: make one of email, webhook" in told
    assert "1 check did not tell all of them (Backup)" in told
    nameless = read(SIMPLE | {"channels": "a", "name": ""}, other, channels=channels).left
    assert f"1 check did not tell all of them ({SIMPLE['uuid']})" in lines(nameless)
    assert "pings until now: stay there" in told
    assert "the ping key" in told
    assert "pings by mail of Backup: they are taken here once PING_MAIL_LISTEN is set: set it" in told
    assert not read(without("slug")).left


@pytest.mark.parametrize("answer", [[], {}, {"checks": {}}, None, "x"])
def test_another_answer_is_no_list_of_checks(answer: Any) -> None:
    with pytest.raises(Unreadable, match="--url: the answer holds no list of checks"):
        read_answers(answer, None, {}, ())


def test_ten_thousand_are_read() -> None:
    many = [SIMPLE | {"uuid": str(UUID(int=n))} for n in range(10_000)]
    assert len({one.code for one in read(*many).heartbeats}) == 10_000


def test_a_tool_is_found_by_its_file() -> None:
    assert "healthchecks" in tools()
    assert importer("healthchecks").title == "Healthchecks"
