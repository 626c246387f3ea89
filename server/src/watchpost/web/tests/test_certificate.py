"""What a look over https read of the certificate, as the page of the monitor says it."""

from __future__ import annotations

import pytest

from watchpost.web.monitor_pages import _certificate, _who


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("CN=R11,O=Let's Encrypt,C=US", "Let's Encrypt"),
        ("CN=Own CA", "Own CA"),
        (r"CN=X,O=Acme\, Inc.,C=US", "Acme, Inc."),
        ("", ""),
    ],
)
def test_the_issuer_is_the_organisation_else_the_common_name(issuer: str, name: str) -> None:
    assert _who(issuer) == name


def test_of_two_families_the_first_that_has_one_is_shown() -> None:
    read = {"not_after": "2027-02-03T10:00:00+00:00", "issuer": "CN=R11"}
    found = _certificate({"families": {"4": {"status": 200}, "6": {"certificate": read}}})
    assert found is not None
    assert found["until"].year == 2027
    assert _certificate({"status": 200}) is None
