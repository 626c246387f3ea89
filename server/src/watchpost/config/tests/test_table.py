"""A wrong setting stops the start with one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchpost.config.table import WrongSetting, read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESOLVERS", "999"),
        ("RESOLVERS", "dns.example"),
        ("RESOLVERS", "192.0.2.53:0"),
        ("RESOLVERS", "192.0.2.53,nobody"),
        ("LISTEN", "foo"),
        ("ALLOW_NETWORKS", "10.0.0.0/99"),
        ("RETENTION_RAW", "abc"),
        ("MAX_CONCURRENT", "-1"),
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
