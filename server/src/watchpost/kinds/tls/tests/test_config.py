from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig, limit_s

DAY = 86_400.0


def config(**more: Any) -> TlsConfig:
    return TlsConfig.model_validate({"host": "shop.example"} | more)


@pytest.mark.parametrize(
    ("days", "warn", "critical"),
    [(398, 21, 7), (90, 21, 7), (64, 16, 6.4), (47, 11.75, 4.7), (6.7, 1.675, 0.67), (1, 0.25, 0.1)],
)
def test_the_limits_scale_with_the_lifetime(days: float, warn: float, critical: float) -> None:
    plain = config()
    assert limit_s(plain.warn, days * DAY) == pytest.approx(warn * DAY)
    assert limit_s(plain.critical, days * DAY) == pytest.approx(critical * DAY)


@given(st.floats(60, 10_000 * DAY))
def test_critical_never_comes_before_the_warning(lifetime_s: float) -> None:
    plain = config()
    assert 0 < limit_s(plain.critical, lifetime_s) <= limit_s(plain.warn, lifetime_s) < lifetime_s


def test_limits_as_people_write_them() -> None:
    assert limit_s(config(warn="30d").warn, 90 * DAY) == 30 * DAY
    assert limit_s(config(warn="50%", critical="1 %").critical, 90 * DAY) == 0.9 * DAY
    assert limit_s(config(warn="72h", critical="1d").warn, 90 * DAY) == 3 * DAY


@pytest.mark.parametrize(
    ("host", "read"),
    [
        ("Shop.Example.", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("localhost", "localhost"),
    ],
)
def test_hosts(host: str, read: str) -> None:
    assert config(host=host).where == config(host=host).name == read


def test_the_name_that_is_asked_for_may_be_another() -> None:
    found = config(host="192.0.2.1", sni="Shop.example", port=8443)
    assert (found.where, found.name, found.door) == ("192.0.2.1", "shop.example", 8443)
    assert found.shown == "shop.example at 192.0.2.1 (port 8443)"
    assert KIND.target(found) == ("192.0.2.1", 8443)


def test_ports_follow_starttls() -> None:
    found = {name: config(starttls=name).door for name in ("none", "smtp", "imap", "postgres")}
    assert found == {"none": 443, "smtp": 587, "imap": 143, "postgres": 5432}
    assert config(starttls="smtp", port=25).door == 25


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"host": "https://shop.example/"}, "without https://"),
        ({"host": "shop example"}, "check the spelling"),
        ({"host": ""}, "check the spelling"),
        ({"host": "1.2.3"}, "IPv4 address"),
        ({"host": "shop.example:443"}, "write the port in port"),
        ({"host": "2001:db8::zz"}, "IPv6 address; write it like 2001:db8::1"),
        ({"sni": "a..b"}, "check the spelling"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"warn": "soon"}, "write it like 21d, 25% or 21d or 25%"),
        ({"warn": 30}, "30 of what"),
        ({"critical": "7d or 10"}, "10 of what"),
        ({"warn": ""}, "write it like 21d"),
        ({"warn": "0d"}, "more than nothing"),
        ({"critical": "30d"}, "exchange them"),
        ({"grace": "31d"}, "same_everywhere"),
        ({"ca_pem": "hello"}, "BEGIN CERTIFICATE"),
        ({"starttls": "ftp"}, "'smtp'"),
    ],
)
def test_wrong_ones_say_what_to_write(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**wrong)


def test_what_is_asked_aside() -> None:
    """A version without quotes is a number in YAML."""
    assert TlsConfig.model_validate({"host": "shop.example", "min_protocol": 1.2}).min_protocol == "1.2"
    for name, value, says in (
        ("acme_directory", "ca.example/directory", "must begin with http:// or https://"),
        ("min_protocol", 1.4, "'1.1', '1.2' or '1.3'"),
        ("revocation", "yes", "'auto' or 'off'"),
    ):
        with pytest.raises(ValidationError) as wrong:
            TlsConfig.model_validate({"host": "shop.example", name: value})
        assert says in str(wrong.value)
