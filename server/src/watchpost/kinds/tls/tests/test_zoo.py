"""Every specimen, through a real handshake, gives exactly the expected finding codes."""

from __future__ import annotations

import json

import pytest

from watchpost.kinds.tls import KIND
from watchpost.kinds.tls.config import TlsConfig, read_name
from watchpost.kinds.tls.tests.looking import look, serving
from watchpost.kinds.tls.tests.zoo import Specimen, specimens

ZOO = specimens()
CONFIG = TlsConfig(host="shop.test")


@pytest.mark.parametrize("animal", ZOO, ids=lambda one: one.name)
async def test_it_is_called_by_its_name(animal: Specimen) -> None:
    async with serving(("127.0.0.1", animal.served)) as port:
        seen, verdict = await look(port, animal.asked, ca_pem="".join(one.pem for one in animal.trusted))
    assert sorted(finding.code for finding in verdict.findings) == sorted(animal.codes)
    for finding in verdict.findings:
        assert finding.code in KIND.codes
        assert finding.sentence.endswith(".")
        assert finding.fix.endswith((".", ")"))
        assert f"host:{read_name(animal.asked)}" in finding.joins
        assert f"cert:{seen.facts['certificate']['fingerprint']}" in finding.joins
    assert len(json.dumps(dict(seen.facts))) < 3000
    for panel in KIND.panels(CONFIG, json.loads(json.dumps(dict(seen.facts))), {}):
        assert panel.rows
        assert all(label and value for label, value in panel.rows)


def test_no_animal_is_there_twice() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO)
