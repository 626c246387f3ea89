"""What the page of a dns monitor shows, and how a change is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.kinds.dns import KIND
from watchpost.kinds.dns.config import DnsConfig
from watchpost.kinds.dns.history import contrast
from watchpost.kinds.dns.tests.test_judge import addresses, facts, group, judge, learned
from watchpost.registry import Lead


def test_what_the_page_shows() -> None:
    served = facts(
        records={"A": [group("192.0.2.1")], "MX": [group("10 mail.shop.test")]},
        resolvers=[{"name": "r", "rcode": "NOERROR", "records": {"A": ["192.0.2.1"]}}],
        missing={"ns9.gone.test": "nxdomain"},
    )
    del served["servers"][1]["serial"]
    served["servers"][1]["lame"] = "it refuses to answer (REFUSED)"
    config = DnsConfig(domain="shop.test")
    baseline = judge(served, learned(addresses("192.0.2.9"))).baseline
    shown = {panel.title: dict(panel.rows) for panel in KIND.panels(config, served, baseline or {})}
    same = {"A": "192.0.2.1", "MX": "10 mail.shop.test", "By our resolvers": "the same (r)"}
    assert shown["Records now"] | same == shown["Records now"]
    assert "CNAME" not in shown["Records now"]
    assert shown["Name servers"] == {
        "ns1.shop.test (192.0.2.1)": "version 7, 5 ms",
        "ns2.shop.test (192.0.2.2)": "it refuses to answer (REFUSED)",
        "ns9.gone.test": "does not exist",
    }
    assert list(shown["Changes"].values()) == ["A, waits to be expected or undone:\n− 192.0.2.9\n+ 192.0.2.1"]
    assert KIND.names(config, served) == ("shop.test", "mail.shop.test")
    assert KIND.leads(config, served) == (Lead("tcp:mail.shop.test:25", "takes the mail of"),)
    assert KIND.panels(config, {"name": "shop.test", "zone": ""}, {}) == ()


def test_records_stand_one_a_line_as_people_count() -> None:
    hosts = [f"192.0.2.{number}" for number in range(1, 31)]
    mail = ["100 c.shop.test", "20 b.shop.test", "5 a.shop.test"]
    served = facts(
        records={"MX": [group(*mail)], "A": [group(*sorted(hosts))]},
        resolvers=[{"name": "r", "rcode": "NOERROR", "records": {"A": ["198.51.100.1"]}}],
    )
    rows = dict(KIND.panels(DnsConfig(domain="shop.test"), served, learned(served))[0].rows)
    assert rows["MX"].split("\n") == ["5 a.shop.test", "20 b.shop.test", "100 c.shop.test"]
    assert rows["A"].split("\n") == [*hosts[:24], "and 6 more"]
    assert rows["A by resolver r"] == "198.51.100.1"  # another answer is shown in full


SPF = "v=spf1 include:_spf.mail.example include:_spf.{}.example ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
KEY = "v=DKIM1; k=rsa; p=" + "M" * 60


@pytest.mark.parametrize(
    ("went", "came", "shown"),
    [
        (["a", "b"], ["c"], (["a", "b"], ["c"])),
        ([SPF.format("one")], [], ([SPF.format("one")], [])),
        (
            [SPF.format("one")],
            [SPF.format("evil")],
            (["v=spf1 …include:_spf.one.example…"],
             ["v=spf1 …include:_spf.evil.example…"]),
        ),
        (
            [f"{KEY}… (sha256 aaaaaaaaaaaa)"],
            [f"{KEY}… (sha256 bbbbbbbbbbbb)"],
            (["v=DKIM1; k=rsa; …(sha256 aaaaaaaaaaaa)"],
             ["v=DKIM1; k=rsa; …(sha256 bbbbbbbbbbbb)"]),
        ),
        ([KEY + "a"], [KEY + "ab" + "c" * 90], (["v=DKIM1; k=rsa; …" + "M" * 23 + "a"],
                                                 ["v=DKIM1; k=rsa; …" + "M" * 23 + "ab" + "c" * 54 + "…"])),
    ],
)  # fmt: skip
def test_of_long_values_what_differs_is_told(
    went: list[str], came: list[str], shown: tuple[list[str], list[str]]
) -> None:
    assert contrast(went, came) == shown


@given(st.text("ab ", max_size=200), st.text("ab ", max_size=200), st.text("ab ", max_size=200))
def test_what_differs_is_never_told_alike(before: str, one: str, other: str) -> None:
    went, came = contrast([before + one], [before + other])
    assert (went == came) == (one == other)
    assert max(len(went[0]), len(came[0])) <= 200 or len(before + one) <= 80
