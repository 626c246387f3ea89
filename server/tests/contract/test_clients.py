"""Clients of Healthchecks as they are published, with another host and nothing else changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import healthchecks_io as published
import pytest

from tests.contract.speaking import Project


def where(project: Project, version: int, **more: Any) -> dict[str, Any]:
    site = project.running.url
    keys = {"api_key": project.key, "ping_key": project.ping_key}
    return keys | {"api_url": f"{site}/api/", "ping_url": f"{site}/ping/", "api_version": version} | more


@pytest.fixture(params=[1, 2, 3])
def client(shop: Project, request: pytest.FixtureRequest) -> Iterator[published.Client]:
    with published.Client(**where(shop, request.param)) as client:
        yield client


def test_healthchecks_io_manages_checks(client: published.Client, shop: Project) -> None:
    tag = f"tag-{uuid4().hex}"
    made = client.create_check(
        published.CheckCreate(
            name="By client", tags=f"{tag} more", timeout=600, grace=60, unique=["name", "tags"]
        )
    )
    assert (made.name, made.timeout, made.grace, made.status) == ("By client", 600, 60, "new")
    assert made.ping_url == f"{shop.running.url}/ping/{made.uuid}"
    assert [one.uuid for one in client.get_checks(tags=[tag, "more"])] == [made.uuid]
    changed = client.update_check(made.uuid, published.CheckUpdate(desc="changed"))
    assert (changed.desc, changed.name) == ("changed", "By client")
    assert client.get_check(made.uuid) == changed
    cron = client.create_check(published.CheckCreate(name="Cron", schedule="5 * * * *", tz="Europe/Riga"))
    assert cron.timeout is None
    assert client.pause_check(made.uuid).status == "paused"
    assert client.success_ping(made.uuid) == (True, "OK")
    assert client.get_check(made.uuid).status == "up"
    badges = client.get_badges()
    assert badges[tag].json_url.endswith(f"/{tag}.json")
    assert client.get_integrations() == []
    assert client.delete_check(made.uuid).uuid == made.uuid
    with pytest.raises(published.CheckNotFoundError):
        client.get_check(made.uuid)


def test_healthchecks_io_pings_and_reads_pings(client: published.Client, shop: Project) -> None:
    check = shop.check(slug=f"slug-{uuid4().hex}")
    by_code, by_slug = {"uuid": check["uuid"]}, {"slug": check["slug"]}
    for one in (by_code, by_slug):
        assert client.start_ping(**one) == (True, "OK")
        assert client.success_ping(**one, data="all is well") == (True, "OK")
        assert client.fail_ping(**one) == (True, "OK")
        assert client.exit_code_ping(3, **one, data="disk full") == (True, "OK")
    found = client.get_check_pings(check["uuid"])
    assert [one.type for one in found] == ["fail", "fail", "success", "start"] * 2
    assert found[0].user_agent.startswith("py-healthchecks.io/")
    assert found[2].duration is not None
    with pytest.raises(published.CheckNotFoundError):
        client.success_ping(uuid=str(uuid4()))
    with pytest.raises(published.BadAPIRequestError):
        client.exit_code_ping(256, uuid=check["uuid"])
    shop.check(slug=check["slug"])
    with pytest.raises(published.NonUniqueSlugError):
        client.success_ping(slug=check["slug"])


def test_healthchecks_io_knows_wrong_keys_and_wrong_fields(shop: Project) -> None:
    with (
        published.Client(**where(shop, 3, api_key="x" * 32)) as wrong,
        pytest.raises(published.HCAPIAuthError),
    ):
        wrong.get_checks()
    with published.Client(**where(shop, 3, api_key=shop.looking)) as looking:
        [*_, last] = looking.get_checks()
        assert (last.uuid, last.ping_url) == (None, None)
        assert looking.get_check(last.unique_key) == last
        with pytest.raises(published.HCAPIAuthError):
            looking.create_check(published.CheckCreate(name="no"))
    with published.Client(**where(shop, 3)) as client, pytest.raises(published.BadAPIRequestError) as caught:
        client.create_check(published.CheckCreate(name="x" * 101))
    assert "json validation error: name is too long" in str(caught.value)


def test_a_trap_around_code(client: published.Client, shop: Project) -> None:
    check = shop.check()
    with published.CheckTrap(client, uuid=check["uuid"]) as trap:
        trap.add_log("it went well")
    with pytest.raises(ZeroDivisionError), published.CheckTrap(client, uuid=check["uuid"]):
        _ = 1 / 0
    assert shop.types(check) == ["start", "success", "start", "fail"]
    bodies = [one["body_url"] for one in shop.pings(check)]
    read = {"X-Api-Key": shop.key}
    assert shop.ask("GET", bodies[2], headers=read).text == "it went well"
    assert "division by zero" in shop.ask("GET", bodies[0], headers=read).text


async def test_the_client_for_asyncio(shop: Project) -> None:
    async with published.AsyncClient(**where(shop, 3)) as client:
        made = await client.create_check(published.CheckCreate(name="By asyncio"))
        async with published.CheckTrap(client, uuid=made.uuid):
            pass
        told = await client.get_check(made.uuid)
        assert (told.status, told.n_pings) == ("up", 2)
        assert [one.type for one in await client.get_check_pings(made.uuid)] == ["success", "start"]
        await client.delete_check(made.uuid)


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
RUN = """
import sys
from runchecked import HealthCheckedContext
with HealthCheckedContext(sys.argv[1], enable_tty_output=False) as job:
    job.run([sys.executable, "-c", sys.argv[2]])
"""


def test_runchecked_reports_a_command(shop: Project) -> None:
    check = shop.check()
    for code in ("print('all is well')", "print('disk full'); raise SystemExit(3)"):
        command = [sys.executable, "-c", RUN, check["ping_url"], code]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert shop.types(check) == ["success", "fail"]
    failed, done = (
        shop.ask("GET", one["body_url"], headers={"X-Api-Key": shop.key}).text for one in shop.pings(check)
    )
    assert "all is well" in done
    assert "disk full" in failed
    assert shop.get(check)["status"] == "down"
