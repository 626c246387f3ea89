"""All checks that a project's settings find, run by the real runner behind the real endpoint."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests import servers

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def project(settings, watch, database, postgres, folder):
    """A shop on PostgreSQL with Redis as cache and broker, uploads on disk."""
    with servers.redis() as port:
        database(
            "shop",
            ENGINE="django.db.backends.postgresql",
            NAME="shop",
            USER="shop",
            HOST="127.0.0.1",
            PORT=postgres,
            OPTIONS={"pool": {"min_size": 1, "max_size": 2}},
        )
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{port}/0",
            }
        }
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/1"
        settings.MEDIA_ROOT = str(folder)
        watch(
            HEALTH_TOKEN=TOKEN,
            HEALTH_OVERRIDES={"*": {"interval": 0.5}, "migrations": {"enabled": False}},
        )
        yield port


def readings(ask):
    return json.loads(ask(HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content)


def until(ask, is_so):
    ends = time.monotonic() + 20
    while not is_so(found := readings(ask)["checks"]):
        assert time.monotonic() < ends, {
            name: (one["state"], one.get("message")) for name, one in found.items()
        }
        time.sleep(0.05)
    return found


def test_what_is_found_answers_and_what_breaks_is_named(project, ask):
    found = until(ask, lambda checks: all(one["state"] != "unknown" for one in checks.values()))
    expected = {
        "cache",
        "database",
        "database.shop",
        "disk",
        "memory",
        "migrations.shop",
        "redis.cache",
        "storage",
    }
    assert expected <= set(found)
    assert {found[name]["state"] for name in expected - {"disk", "memory"}} == {"ok"}, found
    assert "problems" not in readings(ask)
    assert all("127.0.0.1" not in name for name in found), "strangers see the names"
    process = int(servers.redis_says(project, "INFO", "server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        found = until(ask, lambda checks: checks["cache"].get("code") and checks["redis.cache"].get("code"))
        assert (found["cache"]["code"], found["redis.cache"]["code"]) == ("cache.stalled", "redis.stalled")
        assert found["database.shop"]["state"] == "ok"
        assert ask().status_code == 503
    finally:
        os.kill(process, signal.SIGCONT)
    until(ask, lambda checks: checks["cache"]["state"] == checks["redis.cache"]["state"] == "ok")
    assert ask().status_code == 200
