"""What people write, what is made of it, and what they are told when it cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.config import ALL, DnsConfig, plain, read_server, shortened


def config(**more: Any) -> DnsConfig:
    return DnsConfig.model_validate({"domain": "shop.example"} | more)


def test_the_line_of_the_reference_is_enough() -> None:
    read = config(records=["NS", "A", "AAAA", "MX", "CAA"])
    assert read.records == ("NS", "A", "AAAA", "MX", "CAA")
    assert read.watched == (
        "NS",
        "A",
        "AAAA",
        "CNAME",
        "MX",
        "CAA",
    )  # a CNAME would take the place of addresses
    assert config().records == ALL
    assert KIND.target(read) == ("shop.example", 53)
    assert (
        KIND.describe(read) == "NS, A, AAAA, MX, CAA of shop.example at every name server: tells what changes"
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Shop.Example.", "shop.example"),
        ("café.example", "xn--caf-dma.example"),
        ("_dmarc.shop.example", "_dmarc.shop.example"),
    ],
)
def test_names_as_people_write_them(written: str, name: str) -> None:
    assert config(domain=written).name == name


@pytest.mark.parametrize(
    ("rdtype", "written", "compared"),
    [
        ("A", " 192.0.2.1 ", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("MX", "10  Mail.Example.COM.", "10 mail.example.com"),
        ("MX", "0 .", "0 ."),
        ("NS", "NS1.example.com.", "ns1.example.com"),
        ("CAA", '0 issue "ca.example; a=b"', "0 issue ca.example; a=b"),
        ("TXT", '"v=spf1 -all"', "v=spf1 -all"),
        ("TXT", 'say "hi" twice "ho"', 'say "hi" twice "ho"'),
        ("DS", "12345 13 2 49FD 46E6", "12345 13 2 49fd46e6"),
    ],
)
def test_values_are_compared_whatever_their_spelling(rdtype: str, written: str, compared: str) -> None:
    assert plain(rdtype, written) == compared


def test_types_and_values_in_a_hurry() -> None:
    read = config(records="mx, a", expect={"mx": "10 mail.example.com", "AAAA": None})
    assert read.records == ("A", "MX")
    assert read.expect == {"MX": ("10 mail.example.com",), "AAAA": ()}
    assert read.asked == ("A", "AAAA", "CNAME", "MX")  # what is expected is asked for, whatever is watched


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"domain": "https://shop.example/"}, "give the name alone"),
        ({"domain": "192.0.2.1"}, "is an address; give a name"),
        ({"domain": "shop..example"}, "not a valid host name"),
        ({"records": []}, "at least 1"),
        ({"records": ["NS", "SRV"]}, "'SRV' is not watched; choose from NS, DS, A"),
        ({"records": 5}, "records"),
        ({"expect": {"SOA": ["1"]}}, "'SOA' is not watched"),
        ({"expect": {"A": ["shop.example"]}}, "is no value of A; write it like 192.0.2.1"),
        ({"expect": {"MX": ["mail.example.com"]}}, "is no value of MX; write it like 10 mail.example.com"),
        ({"expect": {"TXT": ["x"] * 41}}, "at most 40 values"),
        (
            {"expect": {"A": []}, "must_include": {"A": ["192.0.2.1"]}},
            "A stands in expect and in must_include",
        ),
        ({"servers": ["ns1.example:0"]}, "'0' is no port"),
        ({"servers": ["ns1.example"] * 9}, "at most 8"),
        ({"port": 70000}, "65535"),
        ({"grace": "8d"}, "at most 7d"),
        ({"pool": True}, "'auto', 'always' or 'never'"),
        ({"nameservers": []}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_fix(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as problem:
        config(**more)
    assert says in str(problem.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ns1.example", ("ns1.example", 0)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 0)),
    ],
)
def test_servers(written: str, read: tuple[str, int]) -> None:
    assert read_server(written) == read


def test_long_values_end_in_their_hash() -> None:
    key = "v=DKIM1; p=" + "A" * 400
    assert len(shortened(key)) < 160
    assert shortened(key) != shortened(key + "B")
    assert shortened("v=spf1 -all") == "v=spf1 -all"
    assert "\n" not in shortened("a\nb")
    assert shortened("a\nb") != shortened("a\rb")
