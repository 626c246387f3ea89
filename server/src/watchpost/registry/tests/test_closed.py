"""The advice names the variable and a network that really opens the refused address."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from watchpost.outbound import Guard
from watchpost.registry.closed import to_open


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.7.9", "::1", "fd12::9", "64:ff9b::a00:1", "2002:a00:1::"]
)
def test_the_network_it_names_opens_the_address(address: str) -> None:
    why = Guard(()).refusal(address, 80)
    assert why is not None
    said = to_open(f"{why}")
    network = said.partition("such as ")[2].partition(", to WATCHPOST_ALLOW_NETWORKS")[0]
    assert Guard((ip_network(network),)).refusal(address, 80) is None


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_nobody_is_advised_to_open_a_metadata_address(address: str) -> None:
    said = to_open(Guard(()).refusal(address, 80) or "")
    assert "stays closed unless WATCHPOST_ALLOW_NETWORKS lists it" in said
    assert address not in said


def test_without_an_address_the_variable_is_named_all_the_same() -> None:
    assert to_open("it is closed").endswith("contains it to WATCHPOST_ALLOW_NETWORKS")
