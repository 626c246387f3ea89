"""Pings to real processes: ``watchpost up``, a socket, and what its API and pages then say."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import socket
import sqlite3
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.installation import Installation, wait_for

RUN = "728b3763-ea80-4113-9fc0-f49b3adf226a"


class Pinged:
    """A running installation with one project, and what is asked of it over HTTP."""

    def __init__(self, running: Installation) -> None:
        self.running = running
        made = running.command("project", "create", "Shop", "--json")
        self.project = json.loads(made.stdout)
        self.token = json.loads(running.command("token", "create", "--name", "t", "--json").stdout)["token"]

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None
    ) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=20)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read().decode(), headers
        finally:
            connection.close()

    def make(self, slug: str) -> None:
        assert self.ask(f"/ping/{self.project['ping_key']}/{slug}?create=1")[:2] == (201, "Created")

    def monitor(self, slug: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.running.port}/v1/monitors",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            items = json.load(answer)["items"]
        return dict(next(one for one in items if one["name"] == slug))


@pytest.fixture(scope="module")
def pinged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pinged]:
    running = Installation(tmp_path_factory.mktemp("pinged"), 9, PING_RATE="600")
    try:
        running.sign_in_link()
        yield Pinged(running)
    finally:
        running.close()


def test_a_ping_by_slug_makes_and_moves_its_heartbeat(pinged: Pinged) -> None:
    pinged.make("backup")
    base = f"/ping/{pinged.project['ping_key']}/backup"
    wait_for(lambda: pinged.monitor("backup")["state"] == "up", 5)
    status, body, headers = pinged.ask(base)
    assert (status, body) == (200, "OK")
    assert headers["ping-body-limit"] == "10000"
    assert headers["access-control-allow-origin"] == "*"
    assert "no-cache" in headers["cache-control"]
    assert pinged.ask(base, "HEAD")[:2] == (200, "")
    assert pinged.ask(f"{base}/3?rid={RUN}", "POST", b"disk full")[:2] == (200, "OK")
    found = wait_for(lambda: (one := pinged.monitor("backup"))["state"] == "down" and one, 5)
    assert "exit code 3: disk full." in found["reason"]
    assert pinged.ask(base)[0] == 200
    wait_for(lambda: pinged.monitor("backup")["state"] == "up", 5)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/ping/{uuid4()}", 404, "not found"),
        (f"/ping/{'k' * 22}/backup", 404, "not found"),
        (f"/ping/{'k' * 22}/backup?create=1", 404, "not found"),
        (f"/ping/{'k' * 22}/Backup", 400, "invalid url format"),
        (f"/ping/{uuid4()}/999", 400, "invalid url format"),
        (f"/ping/{uuid4()}?rid=1", 400, "invalid uuid format"),
        ("/ping/", 404, "not found"),
        ("/ping/../healthz", 404, "not found"),
    ],
)
def test_what_is_not_there(pinged: Pinged, path: str, status: int, words: str) -> None:
    assert pinged.ask(path)[:2] == (status, words)


def test_a_body_of_a_hundred_megabytes_costs_little(pinged: Pinged) -> None:
    pinged.make("large")
    with socket.create_connection(("127.0.0.1", pinged.running.port), 20) as wire:
        head = f"POST /ping/{pinged.project['ping_key']}/large HTTP/1.1\r\nHost: x\r\n"
        wire.sendall(f"{head}Content-Length: 100000000\r\n\r\n".encode())
        answer = b""
        wire.settimeout(20)
        try:
            for _ in range(100):
                wire.sendall(b"x" * 1_000_000)
        except OSError:  # it was answered and closed before the end
            pass
        answer = wire.recv(200)
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_flood_is_answered_429_and_others_are_not(pinged: Pinged) -> None:
    pinged.make("flooded")
    pinged.make("calm")
    base = f"/ping/{pinged.project['ping_key']}"
    answers = [pinged.ask(f"{base}/flooded") for _ in range(700)]
    assert answers[-1][:2] == (429, "rate limited")
    assert int(answers[-1][2]["retry-after"]) >= 1
    assert pinged.ask(f"{base}/calm")[0] == 200
    nobody = f"/ping/{uuid4()}"
    assert {pinged.ask(nobody)[0] for _ in range(700)} == {404, 429}  # a limit tells nothing of who is there


def test_every_acknowledged_ping_is_stored(pinged: Pinged) -> None:
    pinged.make("counted")
    path = f"/ping/{pinged.project['ping_key']}/counted"
    with concurrent.futures.ThreadPoolExecutor(16) as many:
        acknowledged = sum(answer[0] == 200 for answer in many.map(pinged.ask, [path] * 300))
    assert acknowledged == 300
    with sqlite3.connect(pinged.running.folder / "data" / "watchpost.sqlite3") as database:
        asked = (
            "SELECT h.pings, max(p.n) FROM heartbeats_heartbeat h "
            "JOIN heartbeats_ping p ON p.monitor_id = h.monitor_id WHERE h.slug = 'counted' GROUP BY h.pings"
        )
        assert database.execute(asked).fetchone() == (301, 301)
