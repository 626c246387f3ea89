"""One installation for all of the contract, with two projects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.speaking import Project
from tests.e2e.installation import Installation
from tests.postgres import database_setting


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    own = database_setting("contract")
    running = Installation(tmp_path_factory.mktemp("contract"), 9, PING_RATE="100000", **own)
    try:
        running.sign_in_link()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def shop(running: Installation) -> Project:
    shop = Project.make(running, "Shop")
    shop.looking = shop.token("--project", shop.slug, "--read-only")
    shop.all_projects = shop.token()
    return shop


@pytest.fixture(scope="session")
def other(running: Installation) -> Project:
    return Project.make(running, "Other")
