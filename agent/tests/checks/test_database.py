"""The database check, on real servers and real files."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connections

from django_watchpost.health.checks.database import Database
from django_watchpost.health.contract import Status
from django_watchpost.health.probing.causes import explain
from django_watchpost.health.probing.causes_of_databases import DATABASE
from django_watchpost.health.probing.connect import connected
from tests.checks.many import runs_leave_nothing

POSTGRES = "django.db.backends.postgresql"


@pytest.fixture
def shop(database, postgres):
    """The database ``shop`` on PostgreSQL, as user ``shop``; more values override."""

    def add(**values):
        return database(
            "shop",
            **{
                "ENGINE": POSTGRES,
                "NAME": "shop",
                "USER": "shop",
                "HOST": "127.0.0.1",
                "PORT": postgres,
                **values,
            },
        )

    add()
    return add


def address(port: int, user: str = "shop") -> str:
    return f"host=127.0.0.1 port={port} user={user} dbname=shop"


@contextmanager
def holding(port: int, number: int, user: str = "shop"):
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(psycopg.connect(address(port, user), autocommit=True))
        yield


@pytest.fixture(scope="session")
def admin(postgres):
    """One connection that stays: it is among those that a check counts."""
    with psycopg.connect(address(postgres), autocommit=True) as one:
        yield one


def in_use(admin) -> int:
    """Connections of clients, without the one that asks."""
    sql = "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
    return admin.execute(sql).fetchone()[0]


def await_number(admin, number: int) -> None:
    """A server notices the end of a connection a moment later."""
    ends = time.monotonic() + 10
    while in_use(admin) > number and time.monotonic() < ends:
        time.sleep(0.02)


@pytest.fixture
def settle(admin):
    await_number(admin, 0)


@pytest.fixture
def person(admin, settle):
    """A user without special rights."""
    admin.execute("CREATE USER person")
    yield "person"
    admin.execute("DROP USER person")


def test_a_healthy_database_is_fine_and_says_what_it_has(shop, settle):
    result = Database(alias="shop").run()
    assert (result.status, result.unit, result.code) == (Status.OK, "ms", "")
    assert 0 < result.details["connected_ms"] <= result.observed < 1000
    assert (result.details["connections"], result.details["connections_limit"]) == (2, 10)


def test_many_connections_are_told_before_they_run_out(shop, postgres, settle):
    with holding(postgres, 6):
        result = Database(alias="shop").run()
        assert (result.status, result.code) == (Status.DEGRADED, "database.connections_high")
        assert (result.observed, result.unit) == (80.0, "%")
        assert "8 of 10 connections in use (80 % of the server's limit)" in result.message
        assert Database(alias="shop", connections_degraded=85).run().status is Status.OK
    with holding(postgres, 8):
        result = Database(alias="shop").run()
        assert (result.status, result.code, result.observed) == (
            Status.ERROR,
            "database.connections_high",
            100.0,
        )


def test_the_tightest_limit_counts_and_needs_no_special_rights(shop, postgres, admin, person):
    admin.execute("ALTER USER person CONNECTION LIMIT 4")
    shop(USER="person")
    with holding(postgres, 3, person), holding(postgres, 1):
        result = Database(alias="shop").run()
        assert "4 of 4 connections in use (100 % of the role's limit)" in result.message
        await_number(admin, 4)
        with holding(postgres, 1, person):
            full = Database(alias="shop").run()
    assert (full.status, full.code) == (Status.ERROR, "database.too_many_connections")
    assert "too many connections for role" in full.message


def test_connections_of_others_count_although_their_state_is_hidden(shop, postgres, admin, person):
    shop(USER="person")
    with holding(postgres, 6):
        result = Database(alias="shop").run()
    assert "8 of 10 connections in use (80 % of the server's limit)" in result.message


def test_a_server_without_a_free_connection(shop, postgres, person):
    shop(USER="person")
    with holding(postgres, 9):
        result = Database(alias="shop").run()
    assert (result.status, result.code) == (Status.ERROR, "database.too_many_connections")
    assert "PostgreSQL database 'shop' gives no more connections" in result.message
    assert "pg_stat_activity" in result.fix


@pytest.mark.parametrize(
    ("values", "cause", "words"),
    [
        ({"PORT": 1}, "refused", "nothing answers at 127.0.0.1:1"),
        ({"NAME": "shpo"}, "unknown_database", 'database "shpo" does not exist'),
        ({"USER": "nobody"}, "authentication", 'role "nobody" does not exist'),
        ({"HOST": "db.invalid"}, "unknown_host", "host name"),
    ],
)
def test_why_it_cannot_be_reached(shop, values, cause, words):
    shop(**values)
    result = Database(alias="shop").run()
    assert (result.status, result.code) == (Status.ERROR, "database.unreachable")
    assert result.details["cause"] == cause, result.message
    assert words in result.message
    assert result.fix


def test_a_server_that_accepts_and_never_answers(shop, silence):
    shop(PORT=silence)
    began = time.monotonic()
    result = Database(alias="shop", deadline=2).run()
    assert time.monotonic() - began < 4
    assert (result.code, result.details["cause"]) == ("database.unreachable", "timeout")
    assert "did not answer within 2 s" in result.message


def test_a_shorter_timeout_of_the_project_stands(shop, silence):
    shop(PORT=silence, OPTIONS={"connect_timeout": 2})
    began = time.monotonic()
    Database(alias="shop", deadline=20).run()
    assert time.monotonic() - began < 5


def test_a_query_that_is_never_answered_is_cut(shop, postgres):
    began = time.monotonic()
    with pytest.raises(TimeoutError), connected("shop", 0.5) as ask:
        ask("SELECT pg_sleep(20)")
    assert time.monotonic() - began < 5


def explained(problem):
    known = {"database": "MySQL database 'default'", "place": "db:1", "deadline": 3}
    return explain(problem, DATABASE, "database.unreachable", **known)


def test_a_server_that_starts():
    problem = psycopg.OperationalError("connection failed: FATAL:  the database system is starting up")
    assert explained(problem).details["cause"] == "starting"


@pytest.mark.parametrize(
    ("number", "words", "code", "cause"),
    [
        (1040, "Too many connections", "database.too_many_connections", "too_many_connections"),
        (
            1203,
            "User shop already has more than 'max_user_connections'",
            "database.too_many_connections",
            "too_many_connections",
        ),
        (1045, "Access denied for user 'shop'@'web'", "database.unreachable", "authentication"),
        (1049, "Unknown database 'shpo'", "database.unreachable", "unknown_database"),
        (2002, "Can't connect to server on 'db' (115)", "database.unreachable", "refused"),
        (2013, "Lost connection to server at 'handshake'", "database.unreachable", "timeout"),
    ],
)
def test_what_mysql_says(number, words, code, cause):
    problem = OperationalError(number, words)
    result = explained(problem)
    assert (result.code, result.details["cause"]) == (code, cause)
    assert "MySQL database 'default'" in result.message


def test_a_transaction_left_open(shop, postgres):
    with psycopg.connect(address(postgres) + " application_name=till") as one:
        one.execute("SELECT 1")
        pid = one.info.backend_pid
        ends = time.monotonic() + 10
        result = Database(alias="shop", idle_in_transaction_s=0.1).run()
        while result.status is Status.OK and time.monotonic() < ends:
            result = Database(alias="shop", idle_in_transaction_s=0.1).run()
        assert Database(alias="shop").run().status is Status.OK, "five minutes are allowed"
    assert (result.status, result.code) == (Status.DEGRADED, "database.idle_in_transaction")
    assert f"pid {pid}, user shop, application till" in result.message
    assert result.observed >= 0.1


def test_a_database_that_takes_no_writes(shop, admin):
    admin.execute("ALTER DATABASE shop SET default_transaction_read_only = on")
    try:
        result = Database(alias="shop").run()
        assert (result.status, result.code) == (Status.ERROR, "database.read_only")
        assert "default_transaction_read_only" in result.message
        assert Database(alias="shop", may_be_read_only=True).run().status is Status.OK
    finally:
        admin.execute("ALTER DATABASE shop RESET default_transaction_read_only")


def test_slow(shop):
    result = Database(alias="shop", slow_ms=0.001).run()
    assert (result.status, result.code, result.unit) == (Status.DEGRADED, "database.slow", "ms")
    assert "until it was connected" in result.message


def pooled(shop, **values):
    return shop(OPTIONS={"pool": {"min_size": 1, "max_size": 2, "timeout": 5, **values}})


def test_a_pool_says_how_full_it_is(shop):
    pooled(shop)
    result = Database(alias="shop").run()
    assert result.status is Status.OK
    assert result.details["pool"]["pool_max"] == 2


def test_an_exhausted_pool_is_told_apart_from_a_dead_server(shop, postgres):
    pool = pooled(shop).pool
    pool.open()
    with pool.connection(), pool.connection():
        began = time.monotonic()
        result = Database(alias="shop", deadline=0.5).run()
        assert time.monotonic() - began < 3, "the check does not wait as long as a request would"
    assert (result.status, result.code) == (Status.ERROR, "database.pool_exhausted")
    assert "all 2 connections of this process are in use" in result.message
    assert Database(alias="shop").run().status is Status.OK


def test_a_pool_whose_queue_is_full(shop):
    pool = pooled(shop, max_waiting=1).pool
    pool.open()
    with pool.connection(), pool.connection():
        waiting = threading.Thread(target=lambda: pool.putconn(pool.getconn(timeout=20)))
        waiting.start()
        while not pool.get_stats().get("requests_waiting"):
            time.sleep(0.01)
        result = Database(alias="shop", deadline=0.5).run()
    waiting.join()
    assert (result.status, result.code) == (Status.ERROR, "database.pool_exhausted")


def test_a_pool_without_a_server(shop):
    connection = shop(PORT=1, OPTIONS={"pool": {"min_size": 1, "max_size": 2}})
    assert connection.pool is not None
    result = Database(alias="shop", deadline=0.5).run()
    assert (result.code, result.details["cause"]) == ("database.unreachable", "refused")


def test_who_waits_for_the_pool_is_seen(shop):
    pool = pooled(shop).pool
    pool.open()
    taken, go = [pool.getconn(), pool.getconn()], threading.Event()

    def wait():
        taken.append(pool.getconn(timeout=10))
        go.set()

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for one in waiting:
        one.start()
    found = list(Database(alias="shop")._judge_pool(pool, {}))
    while not found:
        found = list(Database(alias="shop")._judge_pool(pool, {}))
    assert (found[0].status, found[0].code) == (Status.DEGRADED, "database.pool_waiting")
    for _ in range(2):
        pool.putconn(taken.pop(0))
    for one in waiting:
        one.join()
    for one in taken:
        pool.putconn(one)


def test_requests_that_got_no_connection_since_the_last_look(shop):
    pool = pooled(shop).pool
    assert Database(alias="shop").run().status is Status.OK
    with pool.connection(), pool.connection(), pytest.raises(psycopg.OperationalError, match="couldn't get"):
        pool.getconn(timeout=0.05)
    result = Database(alias="shop").run()
    assert (result.status, result.code) == (Status.DEGRADED, "database.pool_exhausted")
    assert "for 1 of the application's requests" in result.message
    assert Database(alias="shop").run().status is Status.OK


def test_who_waits_for_the_pool_is_slow_because_of_it(shop):
    pool = pooled(shop).pool
    assert Database(alias="shop").run().status is Status.OK
    with pool.connection(), pool.connection(), pytest.raises(psycopg.OperationalError, match="couldn't get"):
        pool.getconn(timeout=0.05)
    result = Database(alias="shop", slow_ms=0.001).run()
    assert result.code == "database.pool_exhausted", "the pool comes first"
    assert [one["code"] for one in result.details["also"]] == ["database.slow"]


def test_a_connection_of_the_pool_that_died_is_no_outage(shop, admin):
    pooled(shop)
    assert Database(alias="shop").run().status is Status.OK
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert Database(alias="shop").run().status is Status.OK


@pytest.mark.parametrize("options", [{}, {"pool": {"min_size": 1, "max_size": 2}}])
def test_a_thousand_runs_leave_no_connection(shop, admin, settle, options):
    added = shop(OPTIONS=options)
    check = Database(alias="shop")
    assert check.run().status is Status.OK
    if options:
        await_growth(added.pool)
    runs_leave_nothing(check, 1000, lambda: in_use(admin))


def await_growth(pool) -> None:
    """Whoever asks a pool that was just opened makes it grow, and need not wait for that himself."""
    ends = time.monotonic() + 10
    while (stats := pool.get_stats())["pool_size"] != stats["pool_available"]:
        assert time.monotonic() < ends, stats
        time.sleep(0.02)


def test_failing_runs_leave_nothing_either(shop, postgres, admin, person):
    shop(USER="person")
    with holding(postgres, 9):
        runs_leave_nothing(Database(alias="shop"), 200, lambda: in_use(admin), status=Status.ERROR)


def test_which_are_found(database, shop):
    database("none", ENGINE="django.db.backends.dummy")
    found = {one.id: one for one in Database.found()}
    assert list(found) == ["database", "database.shop"]
    assert (found["database"].critical, found["database"].may_be_read_only) == (True, False)
    assert (found["database.shop"].critical, found["database.shop"].may_be_read_only) == (False, True)
    assert connections["default"].vendor == "sqlite"
    assert found["database"].run().status is Status.OK
    assert not Path("file:memorydb_default").exists()
