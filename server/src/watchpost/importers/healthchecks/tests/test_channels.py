"""Rows of ``api_channel``, read: no database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.importers import Left, WantedChannel
from watchpost.importers.healthchecks.channels import read_channel

HOOK = {
    "method_down": "POST", "url_down": "https://h.example/x", "body_down": "$NAME", "headers_down": {},
    "method_up": "POST", "url_up": "https://h.example/x", "body_up": "", "headers_up": {},
}  # fmt: skip


def read(kind: str, value: Any, **more: Any) -> WantedChannel | Left:
    text = value if isinstance(value, str) else json.dumps(value)
    row = {
        "id": 7,
        "code": "07C2F548-9850",
        "name": "Ops",
        "kind": kind,
        "value": text,
        "email_verified": True,
        "disabled": False,
    }
    return read_channel(row | more, ("email", "webhook"))


@pytest.mark.parametrize("value", ["ops@example.com", {"value": "ops@example.com", "up": True, "down": True}])
def test_an_address_is_bare_or_json(value: Any) -> None:
    assert read("email", value) == WantedChannel(
        "07c2f5489850", "Ops", "email", {"to": ["ops@example.com"]}, []
    )


def test_one_without_a_name_goes_by_its_address() -> None:
    one = read("email", "ops@example.com", name="")
    assert isinstance(one, WantedChannel)
    assert one.label == "ops@example.com"


def test_what_will_differ_is_said() -> None:
    one = read("email", {"value": "a@b.example", "up": False, "down": True})
    assert isinstance(one, WantedChannel)
    assert [remark.what for remark in one.remarks] == ["recoveries of channel Ops (email)"]
    hook = read("webhook", HOOK | {"url_up": ""})
    assert isinstance(hook, WantedChannel)
    assert [remark.what.split(" of ")[0] for remark in hook.remarks] == ["body", "recoveries"]


def test_a_dollar_that_stands_for_nothing_comes() -> None:
    assert isinstance(read("webhook", HOOK | {"url_down": "https://h.example/?price=$5"}), WantedChannel)


@pytest.mark.parametrize("host", ["10.0.0.5", "localhost:9000", "[::1]", "ntfy", "chat.internal"])
def test_a_private_receiver_needs_leave(host: str) -> None:
    one = read("webhook", HOOK | {"url_down": f"http://{host}/", "url_up": f"http://{host}/"})
    assert isinstance(one, WantedChannel)
    assert "WATCHPOST_ALLOW_NETWORKS" in one.remarks[-1].fix


def test_names_hold_no_lines_of_their_own() -> None:
    one = read("pd\n! fake", "x", name="x\n! Fake\x1b[31m")
    assert isinstance(one, Left)
    assert not set(one.what) & set("\n\x1b")


def test_headers_come_but_for_those_that_we_set() -> None:
    given = {"Authorization": "Bearer x", "Content-Type": "text/plain", "user-agent": "hc"}
    one = read("webhook", HOOK | {"headers_down": given})
    assert isinstance(one, WantedChannel)
    assert one.spec == {"url": "https://h.example/x", "headers": {"Authorization": "Bearer x"}}


@pytest.mark.parametrize(
    ("kind", "value", "more", "says"),
    [
        ("email", "a@b.example", {"email_verified": False}, "nobody has confirmed"),
        ("email", "a@b.example", {"disabled": True}, "switched off there"),
        ("email", {"value": "a@b.example", "up": True, "down": False}, {}, "recoveries alone"),
        ("email", "{", {}, "cannot be read"),
        ("webhook", HOOK | {"method_down": "GET"}, {}, "sends 'GET'"),
        ("webhook", HOOK | {"url_down": "https://h.example/$CODE"}, {}, "fills in"),
        ("webhook", HOOK | {"headers_down": {"X-Name": "$NAME"}}, {}, "fills in"),
        ("webhook", HOOK | {"url_down": ""}, {}, "no address"),
        ("webhook", HOOK | {"headers_down": ["x"]}, {}, "no address"),
        ("webhook", "https://h.example/old", {}, "no address"),
        ("email", {"value": None}, {}, "holds no address"),
        ("email", '{"a":' * 100_000, {}, "cannot be read"),
        ("pagerduty", "key", {}, "no such kind here; "),
    ],
)
def test_what_does_not_come_says_why(kind: str, value: Any, more: dict[str, Any], says: str) -> None:
    one = read(kind, value, **more)
    assert isinstance(one, Left)
    assert says in f"{one.why}; {one.fix}"
    assert not one.whole


@given(st.sampled_from(["email", "webhook"]), st.text(max_size=40) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(["value", "up", "down", *HOOK]), inner, max_size=6)))  # fmt: skip
def test_no_value_breaks_the_import(kind: str, value: Any) -> None:
    assert isinstance(read(kind, value, name="\0\u202e"), WantedChannel | Left)
