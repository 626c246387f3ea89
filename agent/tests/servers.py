"""Real servers for the tests, on free loopback ports: each is a context that stops what it started."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_PATIENCE_S = 30.0


def need(*names: str) -> str:
    """The path of a program. Without it the test is skipped, and fails in CI, where everything is installed."""
    for name in names:
        if found := shutil.which(name) or next(iter(sorted(glob.glob(name), reverse=True)), None):
            return found
    words = f"{names[0]} is not installed"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres(*options: str) -> Iterator[int]:
    """A PostgreSQL for the user ``shop`` with the database ``shop``; its port."""
    initdb = need("/usr/lib/postgresql/*/bin/initdb", "initdb")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        data, port, tools = f"{folder}/pg", free_port(), os.path.dirname(initdb)
        os.makedirs(data)
        user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
        if user is not None:
            os.chown(data, user, -1)
        given = " ".join(f"-c {one}" for one in ("fsync=off", *options))
        given = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 {given}"
        control = [f"{tools}/pg_ctl", "-D", data, "-w"]
        address = ["-h", "127.0.0.1", "-p", str(port), "-U", "shop"]
        run(user, f"{tools}/initdb", "-D", data, "-U", "shop", "-A", "trust", "-E", "UTF8", "--no-locale")
        run(user, *control, "-o", given, "-l", f"{data}/log", "start")
        try:
            run(user, f"{tools}/createdb", *address, "shop")
            yield port
        finally:
            run(user, *control, "-m", "immediate", "stop")


def run(user: int | None, *command: str) -> None:
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def program(port: int, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on ``port``, while it does."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def redis(port: int | None = None, *options: str) -> Iterator[int]:
    """A Redis that keeps nothing, its port. A replica writes what it is sent into a file of its folder."""
    port = port or free_port()
    fixed = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with (
        TemporaryDirectory() as folder,
        program(port, need("redis-server"), *fixed, "--dir", folder, *options),
    ):
        yield port


@contextmanager
def memcached(port: int | None = None, *options: str) -> Iterator[int]:
    port = port or free_port()
    with program(
        port, need("memcached"), "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-u", "nobody", *options
    ):
        yield port


def await_port(port: int) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > ends:
            raise TimeoutError(f"nothing listens on {port}")
        time.sleep(0.01)


@contextmanager
def silence() -> Iterator[int]:
    """A server that accepts and never answers; its port."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            for one in kept:
                one.close()
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def as_nobody() -> Iterator[None]:
    """What root may do says nothing about rights: as somebody without any."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def redis_says(port: int, *words: str) -> Any:
    import redis as library

    client = library.Redis(port=port, socket_timeout=10)
    try:
        return client.execute_command(*words)
    finally:
        client.close()


def fill_redis(port: int) -> None:
    import redis as library

    for size in (65536, 1):
        with suppress(library.exceptions.OutOfMemoryError):
            for number in range(10_000):
                redis_says(port, "SET", f"fill-{size}-{number}", "x" * size)


def await_link(port: int) -> None:
    """Until a replica follows its primary, and the primary sends it what is written: it holds that back until
    the replica has told for the first time how far it is, which it does once a second."""
    ends = time.monotonic() + _PATIENCE_S
    while not _is_followed(port):
        if time.monotonic() > ends:
            raise TimeoutError("the replica does not follow")
        time.sleep(0.05)


def _is_followed(port: int) -> bool:
    said = redis_says(port, "INFO", "replication")
    if said["master_link_status"] != "up":
        return False
    primary = int(said["master_port"])
    redis_says(primary, "SET", "followed", "1")  # something to tell of
    replicas = redis_says(primary, "INFO", "replication")
    known = (one for name, one in replicas.items() if name.startswith("slave") and isinstance(one, dict))
    return any(int(one["port"]) == port and int(one["offset"]) > 0 for one in known)


def connections_of_redis(port: int) -> int:
    return int(redis_says(port, "INFO", "clients")["connected_clients"])


def memcached_says(port: int, command: str = "stats") -> dict[str, str]:
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(f"{command}\r\n".encode())
        said = b""
        while not said.endswith((b"END\r\n", b"OK\r\n")):
            said += peer.recv(65536)
    return dict(line.split(" ")[1:3] for line in said.decode().splitlines() if line.startswith("STAT"))


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
