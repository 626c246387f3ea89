"""The cache check, on real Redis and Memcached servers, a table, files and memory."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import pytest
from django.core.cache import caches
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command

from django_watchpost.health.checks.cache import Cache
from django_watchpost.health.contract import Status
from tests import servers
from tests.checks.many import runs_leave_nothing

REDIS = "django.core.cache.backends.redis.RedisCache"
DJANGO_REDIS = "django_redis.cache.RedisCache"
PYMEMCACHE = "django.core.cache.backends.memcached.PyMemcacheCache"
PYLIBMC = "django.core.cache.backends.memcached.PyLibMCCache"
CORE = "django.core.cache.backends"


@pytest.fixture
def cache(settings):
    """Sets the project's cache: ``cache(BACKEND, LOCATION, **rest)``."""

    def set_up(backend, location="", **rest):
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location, **rest}}

    return set_up


def place(backend, port):
    return f"redis://:secretpassword@127.0.0.1:{port}/0" if "edis" in backend else f"127.0.0.1:{port}"


@pytest.fixture(
    params=[REDIS, DJANGO_REDIS, PYMEMCACHE, PYLIBMC], ids=lambda one: one.split(".")[-1] + one[:8]
)
def backend(request):
    return request.param


@pytest.fixture
def server(backend, request):
    return request.getfixturevalue("redis" if "edis" in backend else "memcached")


def bare(backend, port):
    return place(backend, port).replace(":secretpassword@", "")


def test_a_healthy_server_is_fine_and_nothing_is_left(cache, backend, server):
    cache(backend, bare(backend, server))
    result = Cache().run()
    assert (result.status, result.unit) == (Status.OK, "ms"), result
    assert 0 < result.observed < 500
    if "edis" in backend:
        assert servers.redis_says(server, "KEYS", "*") == []
    else:
        assert servers.memcached_says(server)["curr_items"] == "0"


def test_a_server_that_is_gone(cache, backend):
    cache(backend, place(backend, servers.free_port()))
    result = Cache().run()
    assert (result.status, result.code) == (Status.ERROR, "cache.down"), result
    assert "The cache 'default' (" in result.message
    assert "nothing answers at" in result.message
    assert "secretpassword" not in result.message
    assert result.fix


def test_a_host_that_is_not_known(cache, backend):
    cache(backend, "redis://cache.invalid:6379" if "edis" in backend else "cache.invalid:11211")
    result = Cache().run()
    assert (result.code, result.details["cause"]) == ("cache.down", "unknown_host"), result


def test_a_server_that_accepts_and_never_answers(cache, backend, silence):
    cache(backend, bare(backend, silence))
    began = time.monotonic()
    result = Cache(deadline=0.5).run()
    assert time.monotonic() - began < 4
    assert (result.status, result.code) == (Status.ERROR, "cache.stalled"), result
    assert "did not answer within 0.5 s" in result.message


@pytest.mark.parametrize("options", [{"IGNORE_EXCEPTIONS": True}, {}])
@pytest.mark.parametrize("is_stalled", [False, True])
def test_a_backend_that_hides_its_errors(cache, settings, silence, options, is_stalled):
    settings.DJANGO_REDIS_IGNORE_EXCEPTIONS = True
    cache(DJANGO_REDIS, bare(DJANGO_REDIS, silence if is_stalled else servers.free_port()), OPTIONS=options)
    assert caches["default"].get("anything") is None if not is_stalled else True, (
        "the application sees nothing"
    )
    result = Cache(deadline=0.3).run()
    assert (result.status, result.code) == (Status.DEGRADED, "cache.swallowing_errors")
    assert "hides it from the application" in result.message
    assert ("did not answer within" if is_stalled else "nothing answers at") in result.message


def test_a_memcached_client_that_hides_its_errors(cache):
    cache(PYMEMCACHE, f"127.0.0.1:{servers.free_port()}", OPTIONS={"ignore_exc": True})
    assert Cache().run().code == "cache.swallowing_errors"


def test_a_session_in_a_cache_that_hides_its_errors_is_an_outage(cache, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    cache(DJANGO_REDIS, bare(DJANGO_REDIS, servers.free_port()), OPTIONS={"IGNORE_EXCEPTIONS": True})
    assert Cache().run().status is Status.ERROR


class Swallows(LocMemCache):
    """As many home-made backends do."""

    def set(self, *args, **kwargs):
        return None


class Forgiving(FileBasedCache):
    """Of a known backend, with its errors hidden."""

    def _createdir(self):
        with suppress(OSError):
            super()._createdir()

    def set(self, *args, **kwargs):
        with suppress(OSError):
            super().set(*args, **kwargs)

    def get(self, *args, **kwargs):
        with suppress(OSError):
            return super().get(*args, **kwargs)
        return None


def test_a_backend_of_the_project_that_hides_its_errors(cache, tmp_path):
    place = tmp_path / "cache"
    cache(f"{__name__}.Forgiving", str(place))
    assert Cache().run().status is Status.OK
    place.rename(tmp_path / "moved")
    place.write_text("a file in its place")
    result = Cache().run()
    assert (result.status, result.code) == (Status.DEGRADED, "cache.swallowing_errors"), result
    assert "hides it from the application" in result.message


class Mixes(LocMemCache):
    def get(self, *args, **kwargs):
        return "of another project"


class SwallowsAll(Swallows.__mro__[2]):  # BaseCache
    def __init__(self, location, params):
        super().__init__(params)

    def set(self, *args, **kwargs):
        return None

    def get(self, *args, **kwargs):
        return None

    def delete(self, *args, **kwargs):
        return False


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("Swallows", "cache.wrong_value", Status.ERROR),
        ("Mixes", "cache.wrong_value", Status.ERROR),
        ("SwallowsAll", "cache.swallowing_errors", Status.DEGRADED),
    ],
)
def test_what_comes_back_is_compared(cache, name, code, status):
    cache(f"{__name__}.{name}")
    result = Cache().run()
    assert (result.status, result.code) == (status, code)


@pytest.mark.parametrize("backend", [REDIS, DJANGO_REDIS])
def test_a_full_redis(cache, backend):
    with servers.redis(None, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as port:
        servers.fill_redis(port)
        cache(backend, bare(backend, port))
        result = Cache().run()
    assert (result.status, result.code) == (Status.ERROR, "cache.full"), result
    assert "maxmemory" in result.fix


@pytest.mark.parametrize("backend", [PYMEMCACHE, PYLIBMC])
def test_a_full_memcached(cache, backend):
    with servers.memcached(None, "-M", "-m", "4") as port:
        cache(backend, f"127.0.0.1:{port}")
        client, refused = caches["default"]._cache, 0
        # Each size of item has its own memory: those of the check's size, to the digits of the process. One that
        # is refused is not yet the end, for the server still makes room here and there.
        for number in range(200_000):
            try:
                client.set(f":1:watchpost-health-{os.getpid()}-{number:016x}", "0123456789abcdef")
                refused = 0
            except Exception:
                refused += 1
            if refused == 300:
                break
        assert refused == 300
        result = Cache().run()
    assert (result.status, result.code) == (Status.ERROR, "cache.full"), result


def test_a_replica_takes_no_writes(cache, redis):
    with servers.redis(None, "--replicaof", "127.0.0.1", str(redis)) as port:
        cache(REDIS, bare(REDIS, port))
        result = Cache().run()
        assert (result.code, result.details["cause"]) == ("cache.down", "read_only"), result
        servers.await_link(port)
        cache(REDIS, [bare(REDIS, redis), bare(REDIS, port)])
        assert Cache().run().status is Status.OK, "it is read from the replica"


def test_a_password_that_is_wrong(cache):
    with servers.redis(None, "--requirepass", "hunter2hunter2") as port:
        cache(REDIS, place(REDIS, port))
        assert Cache().run().details["cause"] == "authentication"
        cache(REDIS, bare(REDIS, port))
        assert Cache().run().details["cause"] == "authentication"


@pytest.mark.parametrize("backend", [PYMEMCACHE, PYLIBMC])
def test_one_dead_server_of_several(cache, backend, memcached):
    dead = servers.free_port()
    cache(backend, [f"127.0.0.1:{memcached}", f"127.0.0.1:{dead}"])
    result = Cache().run()
    assert (result.status, result.code) == (Status.ERROR, "cache.down")
    assert f"server 127.0.0.1:{dead}" in result.message


def test_slow(cache, redis):
    cache(REDIS, bare(REDIS, redis))
    result = Cache(slow_ms=0.001).run()
    assert (result.status, result.code) == (Status.DEGRADED, "cache.slow")


def test_memory_and_nothing_to_look_at(settings):
    settings.CACHES = {
        "default": {"BACKEND": f"{CORE}.locmem.LocMemCache"},
        "none": {"BACKEND": f"{CORE}.dummy.DummyCache"},
    }
    found = list(Cache.found())
    assert [(one.id, one.critical) for one in found] == [("cache", True)]
    assert found[0].run().status is Status.OK
    assert not caches["default"]._cache


def test_files(cache, folder):
    cache(f"{CORE}.filebased.FileBasedCache", str(folder / "cache"))
    assert Cache().run().status is Status.OK
    assert not list((folder / "cache").iterdir())
    (folder / "cache").chmod(0o555)
    with servers.as_nobody():
        result = Cache().run()
    assert (result.code, result.details["cause"]) == ("cache.down", "rights"), result
    assert str(folder / "cache") in result.message


def test_a_file_in_the_place_of_the_folder(cache, folder):
    (folder / "cache").write_text("")
    cache(f"{CORE}.filebased.FileBasedCache", str(folder / "cache"))
    result = Cache().run()
    assert (result.code, result.details["cause"]) == ("cache.down", "no_folder"), result
    assert f"cannot use its folder {folder}/cache, something else lies there" in result.message


class ToTheFile:
    def db_for_read(self, model, **hints):
        return "file"

    db_for_write = db_for_read


def test_a_table_is_read_and_never_written(cache, settings, database, folder):
    settings.DATABASE_ROUTERS = [ToTheFile()]
    path = folder / "shop.sqlite3"
    database("file", ENGINE="django.db.backends.sqlite3", NAME=path)
    call_command("migrate", "contenttypes", database="file", verbosity=0)
    cache(f"{CORE}.db.DatabaseCache", "my cache")
    result = Cache().run()
    assert (result.code, result.details["cause"]) == ("cache.down", "table"), result
    assert result.message.startswith("The table of the cache 'default' is not there: no such table: my cache")
    assert "createcachetable" in result.fix
    call_command("createcachetable", database="file")
    before = path.read_bytes()
    assert Cache().run().status is Status.OK
    assert path.read_bytes() == before


def test_the_application_keeps_its_own_deadlines(cache, redis):
    cache(DJANGO_REDIS, bare(DJANGO_REDIS, redis), OPTIONS={"SOCKET_TIMEOUT": 7})
    Cache(deadline=0.5).run()
    pool = caches["default"].client.get_client().connection_pool
    assert pool.connection_kwargs["socket_timeout"] == 7


def test_a_thousand_runs_leave_no_connection(cache, backend, server):
    cache(backend, bare(backend, server))
    check = Cache()
    assert check.run().status is Status.OK

    def count():
        if "edis" in backend:
            return servers.connections_of_redis(server)
        return int(servers.memcached_says(server)["curr_connections"])

    runs_leave_nothing(check, 1000, count)
