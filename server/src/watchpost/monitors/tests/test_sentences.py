"""Refusals in words of people: the field, what is wrong, what to write; none of a library's."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.monitors.sentences import explain
from watchpost.registry import kinds

PAGE = {"url": "https://shop.example/"}
PORT = {"host": "shop.example", "port": 25}
LIBRARY = ("should", "valid dictionary", "instance of", "tuple", "constrained", "Input", "zero time", "sOCKS")


def refused(kind: str, spec: dict[str, Any]) -> list[tuple[str, str]]:
    model = kinds()[kind].config
    with pytest.raises(ValidationError) as caught:
        model.model_validate(spec)
    return explain(caught.value, model)


@pytest.mark.parametrize(
    ("kind", "spec", "where", "words"),
    [
        ("dns", {"domain": "shop.example", "servers": ["a.example"] * 9}, "servers", "write 8 at most"),
        ("http", PAGE | {"expect": 5}, "expect", "is not a mapping; write a key, a colon and its value"),
        ("http", PAGE | {"headers": [1]}, "headers", "is not a mapping"),
        ("http", PAGE | {"proxy": "socks5://a.example:1"}, "proxy", "SOCKS proxies are not spoken to"),
        ("http", PAGE | {"max_body": True}, "max_body", "true is not a number"),
        ("http", {"url": 5}, "url", "is not a text, but 5; put it in quotes"),
        ("composite", {"of": [5]}, "of.0", "is not a text, but 5; put it in quotes"),
        ("composite", {"of": [{"monitor": "a", "weight": "x"}]}, "of.0.weight", "is not a number"),
        ("composite", {"of": [{"monitr": "a"}]}, "of.0.monitr", "did you mean monitor?"),
        ("composite", {"of": [""]}, "of.0", "is empty; write something"),
        ("domain", {"domain": "a.example", "expires": "2027-01-01T05:00:00"}, "expires", "one such as 2027-03-31"),
        ("domain", {"domain": "a.example", "expires": "0001-01-01"}, "expires", "no registration ends in the year 1"),
        ("domain", {"domain": "a.example", "expires": True}, "expires", "is not a day"),
        ("tcp", PORT | {"port": True}, "port", "true is not a number; write one"),
        ("tcp", PORT | {"send": "\\xZZ"}, "send", "\\xZZ is no escape"),
        ("tcp", PORT | {"expect": "a\\q"}, "expect", "\\q is no escape"),
        ("tcp", PORT | {"then": [{"send": "x\\"}], "send": "y"}, "then.0.send", "\\ is no escape"),
        ("tcp", PORT | {"tls": True, "starttls": "smtp"}, "", "take one of them out"),
        ("tcp", PORT | {"host": "x" * 5000}, "host", "…' is not a valid host name; check the spelling"),
        ("tcp", PORT | {"host": "ü" * 5000}, "host", "…' is not a valid host name; check the spelling"),
        ("tls", {"host": "x:" + "y" * 5000}, "host", "…' is no name; write the port in port"),
        ("domain", {"domain": "x" * 5000}, "domain", "…'"),
        ("dns", {"domain": "x" * 5000}, "domain", "…'"),
    ],
)  # fmt: skip
def test_a_refusal_names_field_and_fix(kind: str, spec: dict[str, Any], where: str, words: str) -> None:
    said = dict(refused(kind, spec))
    assert words in said[where]
    assert not [word for word in LIBRARY for one in said.values() if word in one]
    assert all(len(one) < 300 for one in said.values())
    assert not [place for place in said if "slug" in place or "weighed" in place]


def test_what_is_an_escape_and_a_pattern_are_taken() -> None:
    for own in ({"send": r"EHLO a\r\n\t\0\\ \x0f"}, {"expect": r"~^\d+ \w"}):
        kinds()["tcp"].config.model_validate(PORT | own)
