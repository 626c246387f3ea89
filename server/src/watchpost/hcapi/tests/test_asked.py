"""What a client may ask for, and the words in which it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from watchpost.hcapi.asked import Refused, pick_channels, read_check, read_json, to_spec

TEXTS = ("channels", "desc", "failure_kw", "name", "slug", "start_kw", "subject", "subject_fail", "success_kw",
         "tags")  # fmt: skip
FLAGS = ("filter_subject", "filter_body", "filter_http_body", "filter_default_fail", "manual_resume")
BAD_SCHEDULES = ["bad-expression", "* * * * * *", "* invalid *", "1,2 61 * * *", "0 0 31 2 *", "Surprise 12:34",
                 "12:34 Europe/surprise", "12:34\nsurprise", "", " ", "1999-01-01"]  # fmt: skip


def refusal(field: str, value: Any) -> str:
    with pytest.raises(Refused) as caught:
        read_check({field: value})
    assert caught.value.status == 400
    return caught.value.words.removeprefix("json validation error: ")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("value", [None, 123, False, ["a"], {}, "\ud800"])
def test_what_is_no_text(field: str, value: Any) -> None:
    assert refusal(field, value) == f"{field} is not a string"


@pytest.mark.parametrize("field", FLAGS)
@pytest.mark.parametrize("value", [None, "surprise", 1, 0])
def test_what_is_no_flag(field: str, value: Any) -> None:
    assert refusal(field, value) == f"{field} is not a boolean"


@pytest.mark.parametrize("field", ["timeout", "grace"])
@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "is not a number"), ("oops", "is not a number"), ("60", "is not a number"), (60.0, "is not a number"),
     ([], "is not a number"), (True, "is too small"), (0, "is too small"), (59, "is too small"),
     (-1, "is too small"), (31_536_001, "is too large"), (10**30, "is too large")],
)  # fmt: skip
def test_what_is_no_time(field: str, value: Any, words: str) -> None:
    assert refusal(field, value) == f"{field} {words}"
    assert read_check({field: 60}) == {field: 60}
    assert read_check({field: 31_536_000}) == {field: 31_536_000}


@pytest.mark.parametrize(
    ("field", "most"),
    [("name", 100), ("slug", 100), ("start_kw", 200), ("success_kw", 200), ("failure_kw", 200), ("subject", 200),
     ("subject_fail", 200), ("tags", 500), ("desc", 10_000)],
)  # fmt: skip
def test_how_long_a_text_may_be(field: str, most: int) -> None:
    assert read_check({field: "a" * most}) == {field: "a" * most}
    assert refusal(field, "a" * (most + 1)) == f"{field} is too long"


@pytest.mark.parametrize("slug", ["Uppercase", "special!", "look spaces", "ä", "a\n"])
def test_slugs(slug: str) -> None:
    assert refusal("slug", slug) == "slug does not match pattern"
    assert read_check({"slug": "a-b_c0"}) == {"slug": "a-b_c0"}


@pytest.mark.parametrize("schedule", BAD_SCHEDULES)
def test_schedules_that_are_none(schedule: str) -> None:
    assert refusal("schedule", schedule) == "schedule is not a valid cron or OnCalendar expression"


@pytest.mark.parametrize("schedule", ["5 * * * *", "12:34", "Mon 12:34\nFri 1:00", "daily"])
def test_schedules(schedule: str) -> None:
    assert read_check({"schedule": schedule}) == {"schedule": schedule}


def test_a_schedule_is_a_short_text() -> None:
    assert refusal("schedule", "1," * 100 + "1 * * * *") == "schedule is too long"
    assert refusal("schedule", 5) == "schedule is not a string"


@pytest.mark.parametrize(
    ("zone", "stored"),
    [("UTC", "UTC"), ("Europe/Riga", "Europe/Riga"), ("Europe/Kiev", "Europe/Kyiv"), ("UCT", "Etc/UTC"),
     ("US/Eastern", "America/New_York")],
)  # fmt: skip
def test_zones(zone: str, stored: str) -> None:
    assert read_check({"tz": zone}) == {"tz": stored}


@pytest.mark.parametrize(("zone", "words"), [
    ("not-a-timezone", "is not a valid timezone"), ("", "is not a valid timezone"),
    ("../etc", "is not a valid timezone"), ("x" * 201, "is not a valid timezone"), (None, "is not a string"), (0, "is not a string"),
])  # fmt: skip
def test_zones_that_are_none(zone: Any, words: str) -> None:
    assert refusal("tz", zone) == f"tz {words}"


@pytest.mark.parametrize("value", ["bad-value", "GET", "post", None, 0, True])
def test_methods(value: Any) -> None:
    assert refusal("methods", value) == "methods has unexpected value"
    assert read_check({"methods": "POST"}) == {"methods": "POST"}


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "unique is not an array"), ("name", "unique is not an array"), ({}, "unique is not an array"),
     (["status"], "an item in 'unique' has unexpected value"), ([None], "an item in 'unique' has unexpected value"),
     (["name", []], "an item in 'unique' has unexpected value")],
)  # fmt: skip
def test_unique(value: Any, words: str) -> None:
    assert refusal("unique", value) == words
    assert read_check({"unique": ["name", "grace"]}) == {"unique": ("name", "grace")}


@pytest.mark.parametrize(
    ("value", "words"),
    [("health", "depends_on is not an array"), (None, "depends_on is not an array"),
     (["health", 1], "an item in 'depends_on' is not a string"),
     (["\ud800"], "an item in 'depends_on' is not a string")],
)  # fmt: skip
def test_what_stands_on_nothing(value: Any, words: str) -> None:
    assert refusal("depends_on", value) == words
    assert read_check({"depends_on": ["health"]}) == {"depends_on": ("health",)}


def test_the_first_in_their_order_is_told() -> None:
    with pytest.raises(Refused, match="channels is not a string"):
        read_check({"tz": 1, "name": 1, "grace": 1, "channels": 1})
    assert read_check({"surprise": None, "api_key": "x"}) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"this is not json", "could not parse request body"), (b"\xff", "could not parse request body"),
     (b"[" * 100_000, "could not parse request body"), (b"[]", "json validation error: value is not an object"),
     (b"null", "json validation error: value is not an object")],
)  # fmt: skip
def test_bodies(body: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_json(body)
    assert read_json(b"") == {}
    assert read_json(b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("asked", "ids"),
    [("*", {"1", "2", "3"}), ("", set()), ("1", {"1"}), ("ops", {"1"}), ("ops,2,ops", {"1", "2"})],
)
def test_channels(asked: str, ids: set[str]) -> None:
    assert pick_channels(asked, {"1": "ops", "2": "boss", "3": "2x"}) == ids


@pytest.mark.parametrize(
    ("asked", "words"),
    [("x", "invalid channel identifier: x"), (",", "empty channel identifier"),
     (" ops", "invalid channel identifier:  ops"), ("2", "non-unique channel identifier: 2")],
)  # fmt: skip
def test_channels_that_are_none(asked: str, words: str) -> None:
    with pytest.raises(Refused) as caught:
        pick_channels(asked, {"1": "ops", "2": "boss", "3": "2"})
    assert caught.value.words == words


@pytest.mark.parametrize(
    ("asked", "before", "spec"),
    [
        ({}, {}, {}),
        ({"name": "A", "desc": "B", "slug": ""}, {}, {"name": "A", "description": "B", "ping_slug": ""}),
        ({"tags": " a  b a "}, {}, {"tags": ["a", "b"]}),
        ({"depends_on": ("health",)}, {}, {"depends_on": ["health"]}),
        ({"depends_on": ()}, {}, {"depends_on": []}),
        ({"timeout": 90, "grace": 60}, {}, {"period": "90s", "schedule": "", "grace": "60s"}),
        ({"timeout": 90, "schedule": "12:34", "tz": "UTC"}, {}, {"schedule": "12:34", "timezone": "UTC"}),
        ({"subject": "OK"}, {}, {"success_words": "OK", "read_subject": True}),
        ({"subject": ""}, {}, {"success_words": "", "read_subject": False}),
        ({"subject": ""}, {"failure_words": "X"}, {"success_words": "", "read_subject": True}),
        ({"subject_fail": "X"}, {}, {"failure_words": "X", "read_subject": True}),
        ({"subject": "A", "success_kw": "B"}, {}, {"success_words": "B", "read_subject": True}),
        ({"subject": "A", "filter_subject": False}, {}, {"success_words": "A", "read_subject": False}),
        ({"filter_body": True, "filter_http_body": True}, {}, {"read_mail": True, "read_body": True}),
        ({"channels": "*", "unique": ("name",)}, {}, {}),
    ],
)
def test_in_our_words(asked: dict[str, Any], before: dict[str, Any], spec: dict[str, Any]) -> None:
    assert to_spec(asked, before) == spec
