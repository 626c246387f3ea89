"""Two engines on one PostgreSQL: one leads, the other takes over within seconds, and nothing is told twice."""

from __future__ import annotations

import atexit
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.kill.harness import Engine, Installation, Receiver, Site, monitor_spec, wait_for
from tests.postgres import start_postgres
from watchpost.engine.lead import KEY

HOST = "127.7.7.1"


@pytest.fixture
def database() -> str:
    folder = tempfile.mkdtemp(prefix="watchpost-lead-")  # pytest's own folders are closed to its user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the server, which ends at exit too
    return start_postgres(folder)


def end_all(engines: Sequence[Engine]) -> None:
    for engine in engines:
        if engine.process is not None:
            engine.process.kill()
            engine.process.wait()


class Pair:
    """Two installations that share a database, and the world they watch."""

    def __init__(self, folder: Path, database: str) -> None:
        self.database = database
        settings = {"DATABASE_URL": database, "SECRET_KEY": "shared"}
        self.site, self.receiver = Site([HOST]), Receiver()
        installations = [Installation(folder / name, **settings) for name in ("one", "two")]
        spec = monitor_spec("home", self.site.url(HOST), 5)
        hook = {"name": "log", "kind": "webhook", "url": self.receiver.url}
        installations[0].seed({"shop": [spec]}, [hook])
        self.engines = [Engine(installation) for installation in installations]

    def ask(self, query: str) -> object:
        with psycopg.connect(self.database, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
            return row[0] if row else None

    def shows(self, state: str) -> bool:
        return self.ask("SELECT shown FROM monitors_monitorstate") == state

    def log(self, number: int) -> str:
        return self.engines[number].installation.log.read_text()

    def wait_in_log(self, number: int, words: str, times: int = 1) -> None:
        assert wait_for(lambda: self.log(number).count(words) >= times, 20), self.log(number)[-2000:]

    @property
    def events(self) -> list[str]:
        return [one.event for one in self.receiver.got]

    def close(self) -> None:
        end_all(self.engines)
        self.site.close()
        self.receiver.close()


@pytest.fixture
def pair(tmp_path: Path, database: str) -> Iterator[Pair]:
    both = Pair(tmp_path, database)
    yield both
    both.close()


def test_the_one_that_waits_takes_over_when_the_leader_is_killed(pair: Pair) -> None:
    first, second = pair.engines
    first.start()
    pair.wait_in_log(0, "the engine watches")
    second.start()
    pair.wait_in_log(1, "another engine leads")
    assert wait_for(lambda: pair.shows("up"), 20)

    first.end()
    pair.site.flip(HOST, 502)
    pair.wait_in_log(1, "the engine watches")
    assert wait_for(lambda: pair.events == ["opened"], 20), pair.events

    first.start()
    pair.wait_in_log(0, "another engine leads")
    holder = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {KEY}"
    # Whoever had the lock asks again at once, or the other one leads: one of them, never both.
    assert pair.ask(holder + " AND granted")
    assert wait_for(lambda: _leaders(pair) == 1, 20)

    pair.site.flip(HOST, 200)
    assert wait_for(lambda: pair.events == ["opened", "resolved"], 30), pair.events
    assert pair.shows("up")


def _leaders(pair: Pair) -> object:
    return pair.ask(
        f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {KEY} AND granted"
    )


def test_the_one_that_waits_stops_at_once_when_asked_to(pair: Pair) -> None:
    first, second = pair.engines
    first.start()
    pair.wait_in_log(0, "the engine watches")
    second.start()
    pair.wait_in_log(1, "another engine leads")
    assert second.end(signal.SIGTERM) == 0
    assert first.end(signal.SIGTERM) == 0


def test_two_that_start_at_once_on_an_empty_database_do_not_trip_over_each_other(
    tmp_path: Path, database: str
) -> None:
    settings = {"DATABASE_URL": database, "SECRET_KEY": "shared"}
    engines = [Engine(Installation(tmp_path / name, **settings)) for name in ("one", "two")]
    try:
        for engine in engines:
            engine.start()
        for words in ("the engine watches 0 monitors", "another engine leads"):
            logs = [engine.installation.log for engine in engines]
            assert wait_for(lambda words=words, logs=logs: any(words in log.read_text() for log in logs), 30)
        assert all(engine.process.poll() is None for engine in engines if engine.process)
    finally:
        end_all(engines)
