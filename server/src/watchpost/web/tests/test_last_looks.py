"""The last looks on a monitor's page: what was said again is not printed again."""

from __future__ import annotations

import pytest

from watchpost import clock
from watchpost.monitors import edit
from watchpost.monitors.models import Look
from watchpost.web.monitor_pages import _last_looks

PHASES = dict(dns_ms=0.0, connect_ms=0.0, tls_ms=0.0, wait_ms=0.0, transfer_ms=0.0)


@pytest.mark.django_db
def test_a_sentence_stands_once_until_another_comes() -> None:
    shop = edit.create_project("Shop", clock.now())
    spec = {"name": "Home", "kind": "http", "url": "https://shop.example.com/"}
    monitor = edit.create_monitor(shop, spec, clock.now())
    for at, said in enumerate(
        (["It is old."], ["It is new.", "It is late."], ["It is new.", "It is late."], [])
    ):
        Look.objects.create(
            monitor_id=monitor.pk, location="local", at=at, outcome="ok", total_ms=1.0, address="",
            detail={"findings": [{"sentence": one} for one in said]} if said else None, **PHASES,
        )  # fmt: skip
    shown = [(row["sentence"], row["again"]) for row in _last_looks(monitor)]
    new = "It is new. It is late."
    assert shown == [("", False), (new, False), (new, True), ("It is old.", False)]
