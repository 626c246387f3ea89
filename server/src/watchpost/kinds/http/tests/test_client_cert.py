"""A client certificate, asked for by a real nginx: shown at home, never elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme
from pydantic import ValidationError

from watchpost.core.types import NO_PAST, Finding, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
from watchpost.outbound.tests.mutual import demanding
from watchpost.outbound.tests.nginx import run_nginx
from watchpost.registry import Look

AT = datetime(2026, 1, 1, tzinfo=UTC)
CA = trustme.CA()
OURS, OTHER = CA.issue_cert("probe.example"), CA.issue_cert("other.example")


def pair(leaf: trustme.LeafCert) -> dict[str, str]:
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"client_cert": chain.decode(), "client_key": leaf.private_key_pem.bytes().decode()}


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(Guard((ip_network("127.0.0.0/8"),)))
    yield found
    assert found.open_sockets == 0
    await found.close()


async def look(outbound: Outbound, url: str, **more: Any) -> tuple[Observation, list[str]]:
    seen, findings = await find(outbound, url, **more)
    return seen, [f.code for f in findings]


async def find(outbound: Outbound, url: str, **more: Any) -> tuple[Observation, tuple[Finding, ...]]:
    config = HttpConfig.model_validate({"url": url, "ca_pem": CA.cert_pem.bytes().decode(), **more})
    seen = await KIND.probe(Look(1, 1, config, 15.0), outbound, AT)  # type: ignore[misc]
    return seen, KIND.judge(config, seen, {}, NO_PAST, AT).findings


def demands(folder: Path) -> str:
    CA.cert_pem.write_to_path(folder / "ca.pem")
    return f"ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;"


async def test_it_opens_the_door_and_a_handle_forgets_it(outbound: Outbound, tmp_path: Path) -> None:
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), "ssl", demands(tmp_path)) as port:
        url = f"https://localhost:{port}/"
        seen, codes = await look(outbound, url, **pair(OURS))
        assert (seen.facts.get("status"), codes) == (200, [])
        seen, codes = await look(outbound, url)  # the same handle: nothing of the key is left in it
        assert (seen.facts.get("status"), codes) == (400, ["site.client_certificate"])


async def test_a_redirect_elsewhere_does_not_get_it(outbound: Outbound, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    leaf = CA.issue_cert("localhost")
    async with run_nginx(tmp_path / "b", leaf, "ssl", demands(tmp_path / "b")) as there:
        sends = f"location /go {{ return 302 https://localhost:{there}/; }}"
        async with run_nginx(tmp_path / "a", leaf, "ssl", demands(tmp_path / "a") + sends) as here:
            seen, (finding,) = await find(outbound, f"https://localhost:{here}/go", **pair(OURS))
    assert (seen.facts["status"], finding.code) == (400, "site.client_certificate")
    assert finding.fix.startswith("The redirect leads to another origin")
    assert seen.facts["hops"]


STRANGE = trustme.CA().issue_cert("probe.example")


async def test_what_nginx_says_of_it_and_what_to_do(outbound: Outbound, tmp_path: Path) -> None:
    more = demands(tmp_path) + "location = /496 { return 496 'no'; } location = /495 { return 495 'no'; }"
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), "ssl", more) as port:
        url = f"https://localhost:{port}/"
        _, (finding,) = await find(outbound, url)
        assert f"{url} lets no visitor in without a valid client certificate" in finding.sentence
        assert "it answers 400, it demands a certificate of the visitor." in finding.sentence
        assert finding.fix.startswith("Give the monitor client_cert and client_key")

        _, (finding,) = await find(outbound, url, **pair(STRANGE))
        assert finding.code == "site.client_certificate"
        assert "it answers 400, it refuses the certificate shown." in finding.sentence
        assert "has not expired and that its issuer is among those the server trusts" in finding.fix

        for path, words in (("496", "it answers 496, it demands"), ("495", "it answers 495, it refuses")):
            _, (finding,) = await find(outbound, url + path, **pair(OURS))
            assert (finding.code, words in finding.sentence) == ("site.client_certificate", True)


async def test_a_400_of_the_application_is_no_demand(outbound: Outbound, tmp_path: Path) -> None:
    more = "location = /bad { return 400 'Bad Request (400)'; }"
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), "ssl", more) as port:
        _, (finding,) = await find(outbound, f"https://localhost:{port}/bad")
    assert (finding.code, "ALLOWED_HOSTS" in finding.fix) == ("site.error_status", True)


async def test_a_server_that_says_it_with_an_alert(outbound: Outbound) -> None:
    with demanding(CA.issue_cert("localhost"), CA) as port:
        seen, (finding,) = await find(outbound, f"https://localhost:{port}/", ip=4)
        assert (finding.code, seen.facts["failure"]["phase"]) == ("site.client_certificate", "tls")
        assert finding.sentence.endswith("the server demands a certificate of the visitor.")
        assert finding.fix.startswith("Give the monitor client_cert")
        _, (finding,) = await find(outbound, f"https://localhost:{port}/", ip=4, **pair(STRANGE))
        assert (finding.code, "does not know its issuer" in finding.sentence) == (
            "site.client_certificate",
            True,
        )
        assert "replace client_cert and client_key" in finding.fix
        seen, codes = await look(outbound, f"https://localhost:{port}/", ip=4, **pair(OURS))
        assert (seen.facts.get("status"), codes) == (200, [])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"client_key": None}, "belong together"),
        ({"client_cert": None}, "belong together"),
        ({"client_key": pair(OTHER)["client_key"]}, "does not belong to client_cert"),
        ({"client_cert": "nonsense"}, "client_cert is not a certificate"),
        ({"client_key": "nonsense"}, "client_key is not a private key"),
        ({"url": "http://shop.example/"}, "over https only"),
    ],
)
def test_a_pair_that_cannot_work_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        HttpConfig.model_validate({"url": "https://shop.example/", **pair(OURS), **wrong})


def test_the_key_is_a_secret() -> None:
    assert "client_key" in KIND.secrets
