"""The pages outlive what happens to their process and to their database, as real processes."""

from __future__ import annotations

import atexit
import http.cookiejar
import os
import re
import shutil
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.e2e.installation import Installation, wait_for
from tests.postgres import restart_postgres, start_postgres
from watchpost.config.postgresql.base import DatabaseWrapper
from watchpost.config.settings import database_of

Start = Callable[..., Installation]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Installation] = []

    def begin(**settings: str) -> Installation:
        running.append(Installation(tmp_path, 9, **settings))
        wait_for(lambda: ready(running[0]), 60)
        return running[0]

    yield begin
    for one in running:
        one.close()


def ready(running: Installation) -> bool:
    try:
        with urllib.request.urlopen(f"{running.url}/readyz", timeout=15) as answer:
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def words_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_a_restarted_postgresql_is_found_again_by_the_pages(start: Start) -> None:
    folder = tempfile.mkdtemp(prefix="watchpost-pages-")  # pytest's own folders are closed to its user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = start_postgres(folder)
    running = start(DATABASE_URL=database)
    for _ in range(2):
        restart_postgres(database)
        wait_for(lambda: ready(running), 20)
        with urllib.request.urlopen(f"{running.url}/accounts/login/", timeout=15) as answer:
            assert answer.status == 200


def test_a_page_needs_one_connection_not_the_patience_for_all_that_were_cut(tmp_path: Path) -> None:
    folder = tempfile.mkdtemp(prefix="watchpost-pool-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = start_postgres(folder)
    one = DatabaseWrapper({**connection.settings_dict, **database_of(url)}, alias="cut")
    try:
        many = [one.get_new_connection(one.get_connection_params()) for _ in range(8)]
        for each in many:
            one.pool.putconn(each)
        restart_postgres(url)
        found = one.get_new_connection(one.get_connection_params())
        assert found.execute("SELECT 1").fetchone() == (1,)
        one.pool.putconn(found)
    finally:
        one.close_pool()


def test_a_killed_worker_is_started_anew_and_promises_no_second_link(start: Start) -> None:
    running = start()
    running.sign_in_link()
    [web] = [pid for pid in children(running.process.pid) if words_of(pid)[-2] == "web"]
    worker = max(pid for pid in children(web) if "watchpost.cli.main" in words_of(pid))
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "was started anew" in running.log.read_text(), 30)
    wait_for(lambda: ready(running), 30)
    assert running.log.read_text().count("Sign in once") == 1


def sign_in(running: Installation) -> urllib.request.OpenerDirector:
    """A browser that used the first link."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    link = running.sign_in_link().replace("localhost", "127.0.0.1")
    form = browser.open(link, timeout=15).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token is not None
    given = {"csrfmiddlewaretoken": token[1], "email": "ana@example.com", "password": "a long enough one"}
    browser.open(link, urllib.parse.urlencode(given).encode(), timeout=15).read()
    return browser


def test_an_open_page_does_not_hold_up_the_end(start: Start) -> None:
    running = start()
    browser = sign_in(running)
    stream = browser.open(f"{running.url.replace('localhost', '127.0.0.1')}/events/", timeout=15)
    assert stream.readline().startswith(b"retry")
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(30)
    assert time.monotonic() - began < 10
