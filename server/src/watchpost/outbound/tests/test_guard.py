from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.outbound.guard import Guard

CLOSED = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "169.254.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "2001:0:808:808::f5ff:fffe",
    "::10.0.0.1",
    "::ffff:0:10.0.0.1",
    "4000::1",
    "localhost",
    "1.2.3",
    "",
]
OPEN = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "193.0.6.139",
    "2606:4700::1111",
    "2a00:1450::1",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize("ip", CLOSED)
def test_closed_addresses_are_refused_with_a_reason(ip: str) -> None:
    assert Guard().refusal(ip, 443)


@pytest.mark.parametrize("ip", OPEN)
def test_public_addresses_are_not_refused(ip: str) -> None:
    assert Guard().refusal(ip, 443) is None


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports_that_do_not_exist_are_refused(port: int) -> None:
    assert Guard().refusal("8.8.8.8", port)


@pytest.mark.parametrize("ip", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1"])
def test_a_listed_network_opens_every_form_of_its_addresses(ip: str) -> None:
    assert Guard((ip_network("10.0.0.0/8"),)).refusal(ip, 80) is None
    assert Guard((ip_network("10.9.0.0/16"),)).refusal(ip, 80)


def test_allows_says_what_is_listed() -> None:
    guard = Guard((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    assert guard.allows("10.0.0.1")
    assert guard.allows("::ffff:10.0.0.1")
    assert guard.allows("fd12::1")
    assert not guard.allows("8.8.8.8")
    assert not guard.allows("nonsense")


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_alike_in_every_clothing(number: int) -> None:
    plain, guard = IPv4Address(number), Guard()
    wanted = guard.refusal(str(plain), 80) is None
    for clothing in (f"::ffff:{plain}", f"64:ff9b::{plain}", str(IPv6Address(0x2002 << 112 | number << 80))):
        assert (guard.refusal(clothing, 80) is None) == wanted


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_open(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert Guard().refusal(str(address), 80)
