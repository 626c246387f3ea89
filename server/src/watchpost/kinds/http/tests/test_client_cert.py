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

from watchpost.core.types import NO_PAST, Observation
from watchpost.kinds.http import KIND
from watchpost.kinds.http.config import HttpConfig
from watchpost.outbound import Guard, Outbound
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
    config = HttpConfig.model_validate({"url": url, "ca_pem": CA.cert_pem.bytes().decode(), **more})
    seen = await KIND.probe(Look(1, 1, config, 15.0), outbound, AT)  # type: ignore[misc]
    return seen, [f.code for f in KIND.judge(config, seen, {}, NO_PAST, AT).findings]


def demands(folder: Path) -> str:
    CA.cert_pem.write_to_path(folder / "ca.pem")
    return f"ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;"


async def test_it_opens_the_door_and_a_handle_forgets_it(outbound: Outbound, tmp_path: Path) -> None:
    async with run_nginx(tmp_path, CA.issue_cert("localhost"), "ssl", demands(tmp_path)) as port:
        url = f"https://localhost:{port}/"
        seen, codes = await look(outbound, url, **pair(OURS))
        assert (seen.facts.get("status"), codes) == (200, [])
        seen, codes = await look(outbound, url)  # the same handle: nothing of the key is left in it
        assert (seen.facts.get("status"), codes) == (400, ["site.error_status"])


async def test_a_redirect_elsewhere_does_not_get_it(outbound: Outbound, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    leaf = CA.issue_cert("localhost")
    async with run_nginx(tmp_path / "b", leaf, "ssl", demands(tmp_path / "b")) as there:
        sends = f"location /go {{ return 302 https://localhost:{there}/; }}"
        async with run_nginx(tmp_path / "a", leaf, "ssl", demands(tmp_path / "a") + sends) as here:
            seen, codes = await look(outbound, f"https://localhost:{here}/go", **pair(OURS))
    assert (seen.facts["status"], codes) == (400, ["site.error_status"])
    assert seen.facts["hops"]


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
