"""Addresses in sentences: short, and without what may be secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.registry.shown import MOST, shown, shown_name


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://shop.example/", "https://shop.example/"),
        ("https://shop.example:8443/a/b?token=QSECRET&x=1", "https://shop.example:8443/a/b?…"),
        ("https://ana:pass@shop.example/x", "https://shop.example/x"),
        ("//ana:pass@shop.example/x?y", "//shop.example/x?…"),
        ("http://u:p@[::1/x?secret", "http://[::1/x"),
        ("/just/a/path?q=1", "/just/a/path?…"),
        ("", ""),
    ],
)
def test_shown(address: str, told: str) -> None:
    assert shown(address) == told


@given(st.text(max_size=400))
def test_it_is_short_whatever_it_is(path: str) -> None:
    told = shown(f"https://shop.example/{path}")
    assert len(told) <= MOST
    assert told.startswith("https://")


@given(st.text(st.characters(codec="ascii"), min_size=12, max_size=12))
def test_what_is_asked_for_is_not_told(secret: str) -> None:
    assert shown(f"https://u@shop.example/p?token={'z' * 9}{secret}").count("z") == 0


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("shop.example", "shop.example"),
        ("www.xn--bcher-kva.example", "www.bücher.example (www.xn--bcher-kva.example)"),
        ("xn--a.example", "xn--a.example"),  # no such word
    ],
)
def test_a_name_is_shown_as_its_owner_writes_it_and_as_machines_do(host: str, said: str) -> None:
    assert shown_name(host) == said
