"""What a page's look says of dates, names and of what is watched, out of facts as the probe writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry import Lead

CONFIG = HttpConfig.model_validate({"url": "https://shop.example/basket"})


def certificate(host: str = "shop.example", fingerprint: str = "f1", **more: Any) -> dict[str, Any]:
    return {
        "host": host,
        "not_after": "2027-01-02T03:04:05+00:00",
        "issuer": "CN=R11,O=Let's Encrypt,C=US",
        "names": ["shop.example", "api.shop.example"],
        "fingerprint": fingerprint,
    } | more


def test_the_certificate_of_a_look_ends_in_either_form_of_facts() -> None:
    for facts in (
        {"certificate": certificate()},
        {"families": {"4": {"certificate": certificate()}, "6": {}}},
    ):
        [one] = KIND.endings(CONFIG, facts)
        assert one.at == datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert (one.key, one.what, one.note) == (
            "cert:f1",
            "Certificate of shop.example",
            "Issued by Let's Encrypt",
        )
    both = {
        "families": {"4": {"certificate": certificate()}, "6": {"certificate": certificate(fingerprint="f2")}}
    }
    assert [one.key for one in KIND.endings(CONFIG, both)] == ["cert:f1", "cert:f2"]


def test_of_a_site_asked_formerly_nothing_is_said() -> None:
    facts = {"certificate": certificate("old.example")}
    assert KIND.endings(CONFIG, facts) == ()
    led = facts | {"hops": [["https://shop.example/", 301]], "final": "https://old.example/"}
    assert len(KIND.endings(CONFIG, led)) == 1
    assert len(KIND.endings(CONFIG, {"certificate": certificate("www.shop.example")})) == 1


def test_what_it_covers_and_leads_to() -> None:
    facts = {
        "certificate": certificate(),
        "hops": [["https://shop.example/", 301], ["not an address", 302]],
        "final": "https://checkout.example.net/pay",
    }
    assert KIND.covers(CONFIG) == ("http:shop.example",)
    leads = KIND.leads(CONFIG, facts)
    assert Lead("tls:shop.example:443", "was seen by", True) in leads
    assert Lead("api.shop.example", "stands in the certificate of", True) in leads
    assert Lead("checkout.example.net", "is on the way of a redirect of", False) in leads
    assert KIND.names(CONFIG, facts) == ("shop.example", "api.shop.example", "checkout.example.net")
    plain = HttpConfig.model_validate({"url": "http://shop.example/"})
    assert KIND.leads(plain, {"status": 200}) == ()


def test_the_spec_for_a_host_covers_it() -> None:
    spec = dict(KIND.watch("api.shop.example") or {})
    assert KIND.covers(HttpConfig.model_validate({"url": spec["url"]})) == ("http:api.shop.example",)
    assert KIND.watch("no name") is None
