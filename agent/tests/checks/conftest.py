"""The servers that checks look at: the healthy ones live as long as the run of tests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tests import servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    with servers.postgres("max_connections=12", "superuser_reserved_connections=2") as port:
        yield port


@pytest.fixture(scope="session")
def redis() -> Iterator[int]:
    with servers.redis() as port:
        yield port


@pytest.fixture(scope="session")
def memcached() -> Iterator[int]:
    with servers.memcached() as port:
        yield port


@pytest.fixture
def silence() -> Iterator[int]:
    with servers.silence() as port:
        yield port


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Callable[..., BaseDatabaseWrapper]]:
    """Adds a database of the project: ``database("shop", ENGINE=..., NAME=...)``."""
    added: list[str] = []
    before = dict(connections.settings)

    def add(alias: str, **values: Any) -> BaseDatabaseWrapper:
        if alias in added:
            forget(alias)
        added.append(alias)
        connections.settings[alias] = connections.configure_settings({"default": {}, alias: values})[alias]
        return connections[alias]

    def forget(alias: str) -> None:
        connections[alias].close()
        if getattr(connections[alias], "pool", None) is not None:
            connections[alias].close_pool()  # type: ignore[attr-defined]
        del connections[alias]

    with django_db_blocker.unblock():
        yield add
        for alias in set(added):
            forget(alias)
        connections.settings.clear()
        connections.settings.update(before)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user may enter and write, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
