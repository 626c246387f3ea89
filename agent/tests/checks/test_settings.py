"""The settings that bite in production, one by one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import AsyncClient

from django_watchpost import middleware
from django_watchpost.health.checks import settings as module
from django_watchpost.health.checks.settings import Settings
from django_watchpost.health.contract import Status

GOOD_KEY = "k3Xr9vQ2mZ7wB5nT1pL8sD4fG6hJ0yUcEaRiOxVqWzMbNtPl"
CORE = "django.core.cache.backends"


@pytest.fixture(autouse=True)
def _good(settings, monkeypatch):
    settings.SECRET_KEY = GOOD_KEY + "0123456789"
    settings.DEBUG = False
    monkeypatch.setattr(middleware, "runs_async", False)


def codes() -> list[str]:
    result = Settings().run()
    return [one for one in (result.code, *(one["code"] for one in result.details.get("also", ()))) if one]


def test_nothing_to_say():
    result = Settings().run()
    assert (result.status, result.observed) == (Status.OK, 0)


def test_debug(settings):
    settings.DEBUG = True
    result = Settings().run()
    assert (result.status, result.code) == (Status.DEGRADED, "settings.debug")
    assert "DEBUG is on" in result.message
    assert result.fix


def test_the_development_server_is_left_alone(settings, monkeypatch):
    settings.DEBUG = True
    monkeypatch.setattr(sys, "argv", ["manage.py", "runserver"])
    assert Settings().run().status is Status.OK


@pytest.mark.parametrize("key", ["django-insecure-" + GOOD_KEY, "tooeasy", "a" * 60])
def test_the_key(settings, key):
    settings.SECRET_KEY = key
    result = Settings().run()
    assert result.code == "settings.secret_key"
    assert key not in result.message


def test_hosts(settings):
    settings.ALLOWED_HOSTS = ["shop.example", "*"]
    assert codes() == ["settings.allowed_hosts"]


def test_persistent_connections_under_asgi_alone(settings, database):
    database("shop", ENGINE="django.db.backends.postgresql", NAME="shop", CONN_MAX_AGE=60)
    database("file", ENGINE="django.db.backends.sqlite3", NAME="x", CONN_MAX_AGE=None)
    WSGIHandler()
    assert not middleware.runs_async
    assert codes() == []
    ASGIHandler()
    assert middleware.runs_async
    result = Settings().run()
    assert result.code == "settings.persistent_connections"
    assert "CONN_MAX_AGE of the database 'shop' is 60 under ASGI" in result.message
    assert "also" not in result.details


def _passes_on(get_response):
    return lambda request: get_response(request)


def test_asgi_is_known_behind_a_synchronous_middleware(settings, database):
    database("shop", ENGINE="django.db.backends.postgresql", NAME="shop", CONN_MAX_AGE=60)
    settings.MIDDLEWARE = ["django_watchpost.middleware.WatchpostMiddleware", f"{__name__}._passes_on"]
    ASGIHandler()
    assert not middleware.runs_async, "Django hands the whole chain to a thread"
    async_to_sync(AsyncClient().get)("/health/live/")
    assert codes() == ["settings.persistent_connections"]


@pytest.mark.parametrize(
    ("backend", "location", "options", "is_wrong"),
    [
        (f"{CORE}.redis.RedisCache", "redis://cache", {}, None),
        (
            f"{CORE}.redis.RedisCache",
            "redis://cache",
            {"socket_timeout": 1, "socket_connect_timeout": 1},
            False,
        ),
        (f"{CORE}.redis.RedisCache", "redis://cache", {"socket_timeout": 30}, True),
        (f"{CORE}.redis.RedisCache", "redis://cache?socket_timeout=30", {}, True),
        ("django_redis.cache.RedisCache", "redis://cache", {"SOCKET_TIMEOUT": 60}, True),
        (
            "django_redis.cache.RedisCache",
            "redis://cache",
            {"SOCKET_TIMEOUT": 1, "SOCKET_CONNECT_TIMEOUT": 1},
            False,
        ),
        (f"{CORE}.memcached.PyMemcacheCache", "cache:11211", {}, True),
        (f"{CORE}.memcached.PyMemcacheCache", "cache:11211", {"timeout": 1, "connect_timeout": 1}, False),
    ],
)
@pytest.mark.parametrize("version", [5, 8])
def test_caches_without_timeouts(settings, monkeypatch, backend, location, options, is_wrong, version):
    monkeypatch.setattr(module, "_major", lambda package: version)
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location, "OPTIONS": options}}
    is_wrong = version < 8 if is_wrong is None else is_wrong  # redis-py has a deadline of its own since 8
    assert codes() == (["settings.cache_timeouts"] if is_wrong else [])


def test_several_findings_are_all_told(settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["*"]
    result = Settings().run()
    assert (result.code, result.observed) == ("settings.debug", 2)
    assert [one["code"] for one in result.details["also"]] == ["settings.allowed_hosts"]


FORK = """
import os, sys, time
from django.conf import settings
settings.configure(SECRET_KEY={key!r}, CACHES={caches!r})
from django_watchpost.health.checks.settings import Settings
master = os.getpid()
for number in range({number}):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)
        if number == 0:
            print(Settings().run().code, Settings().run().message)
            sys.stdout.flush()
        else:
            os.read(reader, 1)
        os._exit(0)
    globals()[f"writer{{number}}"] = writer
os.write(writer0, b"x")
first = os.wait()
"""


@pytest.mark.parametrize(
    ("number", "caches", "said"),
    [
        (3, {"default": {"BACKEND": f"{CORE}.locmem.LocMemCache"}}, "in the memory of each of 3 processes"),
        (1, {"default": {"BACKEND": f"{CORE}.locmem.LocMemCache"}}, ""),
        (3, {"default": {"BACKEND": f"{CORE}.dummy.DummyCache"}}, ""),
    ],
)
def test_a_cache_in_memory_with_several_processes(number, caches, said):
    """As gunicorn does: a master that forks its workers."""
    script = FORK.format(key=GOOD_KEY + "0123456789", caches=caches, number=number)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert ("settings.local_cache" in done.stdout) is bool(said), done.stdout
    assert said in done.stdout
