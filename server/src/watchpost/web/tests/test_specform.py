"""A Config as a form, and what was typed as a spec."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from watchpost.kinds.http import KIND
from watchpost.web.specform import Input, fill, gather, inputs_of, spread


def form(spec: dict[str, Any]) -> tuple[list[Input], str]:
    inputs = inputs_of(KIND.config, KIND.secrets)
    return inputs, fill(inputs, spec)


def typed(inputs: list[Input], rest: str, **changes: str) -> QueryDict:
    values = {one.name: "on" if one.type == "flag" and one.value else one.text for one in inputs}
    return QueryDict(urlencode(values | {"rest": rest} | changes))


def by_name(inputs: list[Input]) -> dict[str, Input]:
    return {one.name: one for one in inputs}


SPEC = {
    "url": "https://shop.example/",
    "expect": {"body_contains": ["Hello, world"], "json": [{"path": "ok", "value": True}]},
    "headers": {"Accept": "text/html"},
}


def test_what_is_shown_and_sent_back_unchanged_is_the_same_spec() -> None:
    inputs, rest = form(SPEC)
    spec, errors = gather(inputs, typed(inputs, rest))
    assert errors == []
    assert spec["expect"] == SPEC["expect"]
    assert spec["headers"] == SPEC["headers"]


def test_a_nested_field_has_an_input_and_the_rest_of_it_stays_yaml() -> None:
    inputs, rest = form(SPEC)
    assert by_name(inputs)["expect.body_contains"].text == "Hello, world"
    assert "body_contains" not in rest
    assert "path: ok" in rest


def test_nothing_nested_is_there_for_its_own_sake() -> None:
    inputs, rest = form({"url": "https://shop.example/"})
    spec, _ = gather(inputs, typed(inputs, rest))
    assert "expect" not in spec
    assert "basic_auth" not in spec


def test_words_of_a_page_may_hold_a_comma_and_each_line_is_a_text() -> None:
    inputs, rest = form({"url": "https://shop.example/"})
    spec, _ = gather(inputs, typed(inputs, rest, **{"expect.body_contains": "One, two\nThree"}))
    assert spec["expect"] == {"body_contains": ["One, two", "Three"]}


def test_an_error_stands_at_the_input_it_is_about() -> None:
    inputs, _ = form({})
    left = spread(
        inputs, [("expect.status.0", "no status"), ("expect.json.0.path", "no path"), ("url", "no url")]
    )
    named = by_name(inputs)
    assert named["expect.status"].errors == ["no status"]
    assert named["url"].errors == ["no url"]
    assert left == ["expect.json.0.path: no path"]


def test_what_is_inside_something_optional_is_not_demanded() -> None:
    inputs, _ = form({})
    assert [one.name for one in inputs if one.required] == ["url"]
    shown = [one.name for one in inputs if not one.rare]
    assert shown == ["url", "expect.status", "expect.body_contains", "expect.max_ms"]


def test_a_length_of_time_is_shown_as_people_write_it() -> None:
    inputs, _ = form({})
    assert by_name(inputs)["expect.p95_window"].value == "1h"


def test_riddles_in_the_yaml_field_are_refused() -> None:
    for riddle in ("a: &a [1, 1]\nb: [*a, *a]", "a: " + "[" * 1000, "\x00"):
        inputs, _ = form({})
        _, errors = gather(inputs, typed(inputs, riddle))
        assert errors, riddle[:20]
        assert errors[0][0] == "rest"


def test_what_has_a_field_of_its_own_is_refused_among_everything_else() -> None:
    """Whichever of the two were taken, somebody would wonder about the other."""
    for rest, name in (("method: HEAD", "method"), ("expect: {status: [500]}", "expect.status")):
        inputs, _ = form({"url": "https://shop.example/"})
        _, errors = gather(inputs, typed(inputs, rest))
        assert errors == [("rest", f"{name} has a field of its own; write it there")]
    inputs, rest = form(SPEC)
    assert gather(inputs, typed(inputs, rest))[1] == []
