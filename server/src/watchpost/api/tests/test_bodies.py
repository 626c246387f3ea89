"""Bodies that cannot be read are the sender's fault, and said so."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from watchpost import clock
from watchpost.accounts.links import make_token
from watchpost.api.pages import write_cursor
from watchpost.incidents.models import Incident

Call = Callable[..., Any]


def test_a_body_that_is_too_large_is_413_with_the_limit(call: Call) -> None:
    answer = call("POST", "monitors", {"project": "shop", "name": "x" * 3_000_000})
    assert answer.status_code == 413
    assert "larger than 2.6 MB" in json.loads(answer.content)["detail"]


def test_a_missing_body_is_named_as_such(call: Call, home: Any) -> None:
    answer = call("PATCH", f"monitors/{home.pk}")
    assert answer.status_code == 422
    assert json.loads(answer.content)["detail"] == "body: is missing"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"name": "\\ud800x"}', "half a character"),
        (b'{"project": "\\udfff"}', "half a character"),
        (b'{"interval": NaN}', "NaN is not a JSON number"),
        (b'{"interval": -Infinity}', "not a JSON number"),
        (b'{"name": "a", "name": "b"}', "the key name stands twice"),
        (b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}", "more than 50 deep"),
        (b"[" * 100_000 + b"]" * 100_000, "more than 50 deep"),
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON"),
    ],
)
def test_what_a_sender_cannot_have_meant_is_400(client: Client, db: None, body: bytes, says: str) -> None:
    headers = {"Authorization": f"Bearer {make_token('ci', None, False, clock.now())}"}
    answer = client.post("/v1/monitors", body, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_kind_that_is_no_text_is_named(call: Call, home: Any) -> None:
    for kind in (["http"], {"a": 1}, 7):
        answer = call("POST", "monitors", {"project": "shop", "name": "x", "kind": kind})
        assert answer.status_code == 422
        assert "kind: there is no kind" in json.loads(answer.content)["detail"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_moments_outside_of_the_calendar_name_their_field(call: Call, home: Any, moment: str) -> None:
    end = (clock.now() + timedelta(hours=1)).isoformat()
    answers = {
        "ends_at": call("POST", "projects/shop/maintenance", {"ends_at": moment}),
        "starts_at": call("POST", "projects/shop/maintenance", {"starts_at": moment, "ends_at": end}),
        "from": call("GET", f"monitors/{home.pk}/series?from={quote(moment)}"),
    }
    for field, answer in answers.items():
        assert answer.status_code == 422
        assert json.loads(answer.content)["errors"][0]["field"] == field


def test_a_field_of_the_body_is_named_as_it_was_sent(call: Call, home: Any) -> None:
    answer = call("POST", "projects/shop/maintenance", {"ends_at": "soon"})
    assert json.loads(answer.content)["errors"][0]["field"] == "ends_at"


def test_nothing_is_snoozed_for_ever(call: Call, home: Any) -> None:
    incident = Incident.objects.create(
        project=home.project, title="x", severity=3, began_at=clock.now(), detected_at=clock.now()
    )
    answer = call("POST", f"incidents/{incident.pk}/snooze", {"until": "2999-01-01T00:00:00Z"})
    assert answer.status_code == 422
    assert "more than 30 days" in json.loads(answer.content)["detail"]


@pytest.mark.parametrize("name", ["\u202e", "a\u202eb", "\u200b", "a\u2028b"])
def test_a_name_can_be_seen_and_turns_nothing_around(call: Call, home: Any, name: str) -> None:
    answer = call("POST", "monitors", {"project": "shop", "name": name, "kind": "page", "url": "x"})
    assert answer.status_code == 422
    assert "name:" in json.loads(answer.content)["detail"]


@pytest.mark.parametrize("kind", ["", [], {}, 7, "htttp"])
def test_a_change_to_no_kind_is_named(call: Call, home: Any, kind: object) -> None:
    answer = call("PATCH", f"monitors/{home.pk}", {"kind": kind})
    assert answer.status_code == 422
    assert "kind: " in json.loads(answer.content)["detail"]


@pytest.mark.parametrize(
    "values", [(1, 1), (True, 1), ("2026-03-02", 1), ("2026-03-02T12:00:00+00:00", True)]
)
def test_a_cursor_of_another_list_is_named(call: Call, home: Any, values: tuple[object, ...]) -> None:
    answer = call("GET", f"incidents?cursor={write_cursor(*values)}")
    assert answer.status_code == 422
    assert "cursor: is not a cursor of this list" in json.loads(answer.content)["detail"]


def test_a_time_is_no_cursor_of_a_list_by_number(call: Call, home: Any) -> None:
    assert call("GET", f"projects?cursor={write_cursor('2026-03-02T12:00:00+00:00', 1)}").status_code == 422
    assert call("GET", f"projects?cursor={write_cursor(True, 1)}").status_code == 422
