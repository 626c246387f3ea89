"""A wrong setting stops the start with one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchpost.config.settings import database_of
from watchpost.config.table import WrongSetting, read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESOLVERS", "999"),
        ("RESOLVERS", "dns.example"),
        ("RESOLVERS", "192.0.2.53:0"),
        ("RESOLVERS", "192.0.2.53,nobody"),
        ("DATABASE_URL", "mysql://a@b/c"),
        ("DATABASE_URL", "postgresql://db.example"),
        ("DATABASE_URL", "postgresql://db.example/w?sslmod=require"),
        ("LISTEN", "foo"),
        ("ALLOW_NETWORKS", "10.0.0.0/99"),
        ("RETENTION_RAW", "abc"),
        ("MAX_CONCURRENT", "-1"),
        ("PING_MAIL_LISTEN", "2525"),
        ("PING_MAIL_DOMAIN", "a@b.example"),
        ("PING_MAIL_DOMAIN", "-.example"),
    ],
)
def test_a_wrong_value_names_its_setting(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match=f"WATCHPOST_{name}"):
        read_settings({f"WATCHPOST_{name}": value}, tmp_path)


@pytest.mark.parametrize(
    "value", ["", "192.0.2.53", "192.0.2.53:5353,198.51.100.53", "2001:db8::53", "[2001:db8::53]:5353"]
)
def test_resolvers_are_addresses_with_or_without_a_port(value: str, tmp_path: Path) -> None:
    read = read_settings({"WATCHPOST_RESOLVERS": value}, tmp_path)["RESOLVERS"]
    assert ",".join(read) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_FROM", "foo"),
        ("EMAIL_FROM", "a@b.example\nBcc: x@y.z"),
        ("EGRESS_REFERENCES", "foo"),
        ("SITE_URL", "https://x:99999/"),
        ("SITE_URL", "https://[x/"),
        ("RETENTION_RAW", "0d"),
        ("RETENTION_ROLLUP", "23h"),
        ("WEB_THREADS", "10000"),
        ("MAX_CONCURRENT", "²"),
    ],
)
def test_a_value_that_would_only_fail_later_is_refused_now(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match=f"WATCHPOST_{name}: "):
        read_settings({f"WATCHPOST_{name}": value}, tmp_path)


@pytest.mark.parametrize(
    "value", ["ops@example.com", "Watch Post <ops@example.com>", '"O, P" <o@example.com>', ""]
)
def test_senders(value: str, tmp_path: Path) -> None:
    assert read_settings({"WATCHPOST_EMAIL_FROM": value}, tmp_path)["EMAIL_FROM"] == value


def test_a_slip_in_the_name_of_a_variable_is_told_and_a_platforms_own_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="did you mean WATCHPOST_SITE_URL"):
        read_settings({"WATCHPOST_SITE_ULR": "x"}, tmp_path)
    theirs = ["WATCHPOST_SERVICE_HOST", "WATCHPOST_PORT", "WATCHPOST_PORT_8090_TCP", "WATCHPOST_SHOTS"]
    read_settings(dict.fromkeys(theirs, "x"), tmp_path)


def test_what_stands_behind_the_address_of_a_database_is_libpq_s() -> None:
    found = database_of("postgresql://w:a%40b@db.example/w?sslmode=verify-full&sslrootcert=%2Fetc%2Fdb.pem")
    assert (found["HOST"], found["NAME"], found["PASSWORD"]) == ("db.example", "w", "a@b")
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert found["OPTIONS"]["sslrootcert"] == "/etc/db.pem"
    assert database_of("postgresql:///w?host=/run/postgresql")["HOST"] == "/run/postgresql"
