"""The Redis check, on real servers."""

from __future__ import annotations

import time

import pytest

from django_watchpost.health.checks.redis import Redis
from django_watchpost.health.contract import Status
from tests import servers
from tests.checks.many import runs_leave_nothing


def at(port, **fields):
    return Redis(url=f"redis://127.0.0.1:{port}/0", **fields)


def test_a_healthy_server(redis):
    result = at(redis).run()
    assert (result.status, result.unit) == (Status.OK, "ms")
    assert result.details["role"] == "master"


def test_gone_stalled_unknown(silence):
    gone = Redis(id="redis.broker", url=f"redis://:secretpassword@127.0.0.1:{servers.free_port()}").run()
    assert (gone.status, gone.code) == (Status.ERROR, "redis.down")
    assert "Redis at 127.0.0.1:" in gone.message
    assert "(broker) is down" in gone.message
    assert "secretpassword" not in repr(gone)
    began = time.monotonic()
    stalled = at(silence, deadline=0.4).run()
    assert time.monotonic() - began < 3
    assert (stalled.code, stalled.status) == ("redis.stalled", Status.ERROR)
    assert Redis(url="redis://cache.invalid").run().details["cause"] == "unknown_host"


@pytest.mark.parametrize(
    ("policy", "holds_tasks", "status"),
    [
        ("noeviction", False, Status.ERROR),
        ("allkeys-lru", False, Status.OK),
        ("allkeys-lru", True, Status.DEGRADED),
    ],
)
def test_memory_and_what_is_evicted(policy, holds_tasks, status):
    with servers.redis(None, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as port:
        servers.fill_redis(port)
        servers.redis_says(port, "CONFIG", "SET", "maxmemory-policy", policy)
        result = at(port, holds_tasks=holds_tasks, memory_error=97).run()
        assert at(port, memory_degraded=200).run().status is Status.OK
    assert result.status is status, result
    if status is not Status.OK:
        assert (result.code, result.unit) == ("redis.full", "%")
        assert result.observed > 97
        assert ("tasks of Celery" in result.message) is holds_tasks


def test_nearly_full_is_degraded():
    with servers.redis(None, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as port:
        servers.fill_redis(port)
        result = at(port, memory_error=1000).run()
    assert (result.status, result.code) == (Status.DEGRADED, "redis.full")


def test_a_replica_takes_no_writes(redis):
    with servers.redis(None, "--replicaof", "127.0.0.1", str(redis)) as port:
        servers.await_link(port)
        result = at(port).run()
        assert (result.status, result.code) == (Status.ERROR, "redis.read_only")
        assert at(port, may_be_read_only=True).run().status is Status.OK


def test_a_user_who_may_ping_alone(redis):
    with servers.redis(None, "--user", "little", "on", ">secretpassword", "+ping") as port:
        result = Redis(url=f"redis://little:secretpassword@127.0.0.1:{port}").run()
    assert (result.status, result.details) == (Status.OK, {})


def test_each_server_is_found_once(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": ["redis://:secretpassword@cache:6379/1", "redis://replica:6379/1"],
        },
        "sessions": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://cache/2"},
        "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
    settings.CELERY_BROKER_URL = "rediss://broker:6380/0?ssl_cert_reqs=CERT_NONE"
    settings.CELERY_RESULT_BACKEND = "django-db"
    settings.CHANNEL_LAYERS = {"default": {"CONFIG": {"hosts": [("channels", 6379), "redis://cache:6379/3"]}}}
    found = {one.id: one for one in Redis.found()}
    assert list(found) == ["redis.cache", "redis.cache.2", "redis.broker", "redis.channels"]
    assert found["redis.cache.2"].may_be_read_only
    assert not found["redis.cache"].may_be_read_only
    assert (found["redis.broker"].holds_tasks, found["redis.cache"].holds_tasks) == (True, False)
    assert found["redis.broker"].url.endswith("ssl_cert_reqs=none")
    assert "secretpassword" not in repr(found)


def test_sentinel_and_cluster_are_left_alone(settings):
    backend = "django_redis.cache.RedisCache"
    for options in (
        {"CLIENT_CLASS": "django_redis.client.SentinelClient"},
        {"CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory"},
        {"REDIS_CLIENT_CLASS": "redis.cluster.RedisCluster"},
    ):
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://shop/0", "OPTIONS": options}}
        assert not list(Redis.found())


def test_what_the_settings_say_of_tls_and_users_is_passed_on(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "rediss://cache:6379",
            "OPTIONS": {
                "PASSWORD": "secretpassword",
                "SOCKET_TIMEOUT": 3,
                "CONNECTION_POOL_KWARGS": {"ssl_cert_reqs": None},
            },
        }
    }
    settings.CELERY_BROKER_URL = "rediss://broker:6379"
    settings.CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": 0}
    found = {one.id: one.options for one in Redis.found()}
    assert found == {
        "redis.cache": {"password": "secretpassword", "ssl_cert_reqs": None},
        "redis.broker": {"ssl_cert_reqs": 0},
    }


def test_none_is_found_without_one(settings):
    settings.CELERY_BROKER_URL = "amqp://rabbit"
    assert not list(Redis.found())


def test_a_thousand_runs_leave_no_connection(redis):
    runs_leave_nothing(at(redis), 1000, lambda: servers.connections_of_redis(redis))
    dead = at(servers.free_port())
    runs_leave_nothing(dead, 200, lambda: 0, status=Status.ERROR)
