"""The registered domain of names of every shape."""

from __future__ import annotations

import pytest

from watchpost.registry.suffix import registered_domain, site_of


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("www.shop.example.co.uk", "example.co.uk"),
        ("shop.example", "shop.example"),
        ("Shop.Example.", "shop.example"),
        ("a.b.c.example.com", "example.com"),
        ("me.github.io", "github.io"),  # a private suffix: the registry knows github.io
        ("www.müller.de", "xn--mller-kva.de"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),  # an exception of a wildcard
        ("a.b.ck", "a.b.ck"),  # a wildcard
        ("co.uk", None),
        ("localhost", None),
        ("192.0.2.1", None),
        ("2001:db8::1", None),
    ],
)
def test_what_somebody_registered(name: str, registered: str | None) -> None:
    assert registered_domain(name) == registered


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid host name"):
        registered_domain("a..b")


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("static.shop.example.co.uk", "example.co.uk"),
        ("Shop.Example.", "shop.example"),
        ("me.github.io", "me.github.io"),
        ("www.me.github.io", "me.github.io"),
        ("github.io", None),
        ("192.0.2.1", None),
        ("localhost", None),
        ("a..b", None),
    ],
)
def test_what_belongs_to_one_owner(name: str, site: str | None) -> None:
    assert site_of(name) == site
