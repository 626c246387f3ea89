"""What a certificate says of dates, names and of what is watched, out of facts as the probe writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig
from watchpost.registry import Lead

CONFIG = TlsConfig(host="shop.example")


def chain(fingerprint: str = "a" * 64, **more: Any) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "issued_by": "Let's Encrypt",
        "names": ["shop.example", "*.shop.example", "api.shop.example"],
        "not_after": "2027-01-02T03:04:05+00:00",
    } | more


def test_each_leaf_ends_once_and_an_authority_only_when_it_ends_earlier() -> None:
    early = ["R11", "2024-03-13T00:00:00+00:00", "2026-12-31T23:59:59+00:00"]
    late = ["R12", "2024-03-13T00:00:00+00:00", "2027-03-12T23:59:59+00:00"]
    facts = {
        "certificate": {"host": "shop.example", **chain(path_ends=early)},
        "others": [
            chain("b" * 64, path_ends=late),
            chain("a" * 64),
            {"fingerprint": "c", "subject": "unreadable"},
        ],
    }
    found = KIND.endings(CONFIG, facts)
    assert [one.key for one in found] == [
        "cert:" + "a" * 64, "authority:R11 2026-12-31T23:59:59+00:00", "cert:" + "b" * 64
    ]  # fmt: skip
    assert found[0].at == datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found[0].what, found[0].note) == ("Certificate of shop.example", "Issued by Let's Encrypt")
    assert found[1].at == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert found[1].what == "Certificate of the authority R11"


def test_what_was_seen_of_another_name_says_nothing_of_this_one() -> None:
    facts = {"certificate": {"host": "old.example", **chain()}}
    assert KIND.endings(CONFIG, facts) == KIND.names(CONFIG, facts) == KIND.leads(CONFIG, facts) == ()
    assert KIND.endings(CONFIG, {}) == KIND.endings(CONFIG, {"failure": {"kind": "timeout"}}) == ()


def test_what_it_covers_and_leads_to() -> None:
    facts = {"certificate": {"host": "shop.example", **chain()}}
    assert KIND.covers(CONFIG) == ("tls:shop.example:443", "tcp:shop.example:443")
    mail = TlsConfig(host="mx.shop.example", starttls="smtp")
    assert "tls:mx.shop.example:587" in KIND.covers(mail)
    assert Lead("api.shop.example", "stands in the certificate of", True) in KIND.leads(CONFIG, facts)
    facts["certificate"]["more_names"] = 90  # a certificate shared by strangers
    assert not any(lead.sure for lead in KIND.leads(CONFIG, facts))


def test_the_certificate_of_a_mail_server_leads_to_no_page() -> None:
    facts = {"certificate": {"host": "shop.example", **chain()}}
    for more in ({"starttls": "smtp"}, {"port": 993}):
        assert KIND.leads(TlsConfig.model_validate({"host": "shop.example", **more}), facts) == ()


def test_the_spec_for_a_thing_covers_that_thing() -> None:
    for thing in ("shop.example:443", "shop.example:8443"):
        spec = dict(KIND.watch(thing) or {})
        own = {key: value for key, value in spec.items() if key not in ("name", "kind", "interval")}
        assert KIND.covers(TlsConfig.model_validate(own)) == (f"tls:{thing}", f"tcp:{thing}")
    assert KIND.watch("not a name:443") is None
