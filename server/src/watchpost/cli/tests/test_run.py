"""``watchpost run`` as it is copied onto a host: the file alone, under a Python without packages, and real jobs."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving import Handler, Serving

from watchpost import run

SOURCE = Path(run.__file__)
KEY, UUID = "k" * 22, "0f9b2a46-4f1e-4b7e-9d0e-2f8d3b6c1a11"
RID = re.compile(r"rid=[0-9a-f-]{36}")


class Pinged(Serving):
    """A ping API that keeps what it hears, and answers what it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes]] = []
        self.answers: list[tuple[int, bytes]] = []  # of the next ones; then 200
        self.headers: dict[str, str] = {}
        pinged = self

        class PingHandler(Handler):
            def do_POST(self) -> None:
                body = self.read_body()
                path, _, query = self.path.partition("?")
                pinged.heard.append((path, query, body))
                status, words = pinged.answers.pop(0) if pinged.answers else (200, b"OK")
                self.answer(status, words, pinged.headers)

        super().__init__(PingHandler, "")

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.heard]


@pytest.fixture
def pinged() -> Iterator[Pinged]:
    serving = Pinged()
    yield serving
    serving.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the copied file; ``env`` beside a bare environment."""
    copied = tmp_path / "watchpost-run"
    shutil.copy(SOURCE, copied)
    started: list[subprocess.Popen[bytes]] = []

    def begin(*words: str, env: dict[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", str(copied), *words]
        bare = {"PATH": os.environ["PATH"]}
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        started.append(subprocess.Popen(command, env=bare | (env or {}), start_new_session=True, **more))
        return started[-1]

    yield begin
    for one in started:
        if one.poll() is None:
            one.kill()
        one.wait()
        for stream in (one.stdin, one.stdout, one.stderr):
            if stream is not None:
                stream.close()


def ended(process: subprocess.Popen[bytes], within_s: float = 30) -> tuple[int, bytes, bytes]:
    out, errors = process.communicate(timeout=within_s)
    return process.returncode, out or b"", errors or b""


def words(pinged: Pinged, *more: str) -> list[str]:
    return ["--url", pinged.url, "--key", KEY, "--slug", "backup", *more]


def script(text: str) -> list[str]:
    return ["--", "sh", "-c", text]


def python(text: str) -> list[str]:
    return ["--", sys.executable, "-c", text]


def test_it_is_python_3_9_and_needs_nothing() -> None:
    tree = ast.parse(SOURCE.read_text("utf-8"), feature_version=(3, 9))
    names = [one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_every_option_is_documented() -> None:
    page = (SOURCE.parents[3] / "docs/how-to/run.md").read_text("utf-8")
    names = [names.split()[0] for names, _ in run._OPTIONS if names.startswith("--")]
    assert sorted(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == sorted(names)


def test_a_run_that_succeeds(pinged, start) -> None:
    code, out, errors = ended(start(*words(pinged), *script("echo begun; echo odd >&2; echo done")))
    assert (code, out, errors) == (0, b"begun\ndone\n", b"odd\n")
    assert pinged.paths == [f"/ping/{KEY}/backup/start", f"/ping/{KEY}/backup/0"]
    (_, first, nothing), (_, last, body) = pinged.heard
    assert RID.fullmatch(first)
    assert re.fullmatch(rf"{first}&took_ms=[0-9]+", last)
    assert nothing == b""
    assert sorted(body.split()) == [b"begun", b"done", b"odd"]


def test_how_it_ended_as_json(pinged, start) -> None:
    code, out, errors = ended(start(*words(pinged, "--json"), *script("echo done; exit 3")))
    said = json.loads(errors)
    assert (code, out) == (3, b"done\n")
    assert said.pop("took_s") > 0
    assert said == {"exit_code": 3, "signal": 0, "told": True, "why_not": ""}


def test_a_run_that_fails_gives_its_exit_code_to_both(pinged, start) -> None:
    assert ended(start(*words(pinged), *script("echo no space left; exit 3")))[0] == 3
    assert pinged.heard[-1][::2] == (f"/ping/{KEY}/backup/3", b"no space left\n")


def test_the_streams_stay_in_order_where_they_go_to_one_place(pinged, start) -> None:
    text = "; ".join(f"echo {n}; echo {n}e >&2" for n in range(200))
    process = start(*words(pinged), *script(text), stderr=subprocess.STDOUT)
    expected = "".join(f"{n}\n{n}e\n" for n in range(200)).encode()
    assert ended(process)[1] == expected
    assert pinged.heard[-1][2] == expected


def test_output_is_shown_as_it_comes(pinged, start) -> None:
    process = start(*words(pinged), *script("echo first; read line; echo $line"), stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"first\n"  # while the job waits for us
    process.stdin.write(b"second\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"second\n"


def test_a_job_that_is_killed_is_told_as_killed(pinged, start) -> None:
    code, _, _ = ended(start(*words(pinged), *script("echo working; kill -KILL $$")))
    path, _, body = pinged.heard[-1]
    assert (code, path) == (137, f"/ping/{KEY}/backup/137")
    assert re.fullmatch(rb"working\nKilled by signal 9 \(SIGKILL\) after \d\.\d s\.\n", body)


def test_sigterm_goes_on_to_the_job(pinged, start) -> None:
    text = "trap 'echo tidied; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    process = start(*words(pinged), *script(text))
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert ended(process)[:2] == (9, b"tidied\n")
    path, _, body = pinged.heard[-1]
    assert path == f"/ping/{KEY}/backup/9"
    assert re.fullmatch(rb"ready\ntidied\nEnded with exit code 9 after .* s, when asked by SIGTERM\.\n", body)


def test_sigterm_that_ends_the_job_is_a_failure(pinged, start) -> None:
    process = start(*words(pinged), *python("import time; print('ready', flush=True); time.sleep(60)"))
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    assert pinged.heard[-1][0] == f"/ping/{KEY}/backup/143"


def test_a_hundred_megabytes_pass_and_their_end_is_told(pinged, start) -> None:
    text = "import sys\nfor n in range(1000): sys.stdout.write('ä' * 50_000 + '\\n')\nprint('the end')"
    process = start(*words(pinged), *python(text), env={"PYTHONIOENCODING": "utf-8"})
    code, out, _ = ended(process, 60)
    assert (code, len(out)) == (0, 1000 * 100_001 + 8)
    body = pinged.heard[-1][2]
    assert 9_900 < len(body) <= 10_000
    assert re.match(r"\[\d+ bytes left out\]\nä", body.decode())  # strictly: no half letters
    assert body.endswith("ä\nthe end\n".encode())


def test_a_reader_that_leaves_does_not_end_the_job(pinged, start) -> None:
    process = start(*words(pinged), *script("read line; seq 100000; echo end >&2"), stdin=subprocess.PIPE)
    process.stdout.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    assert process.stderr.read() == b"end\n"
    assert process.wait(20) == 0
    assert pinged.heard[-1][0].endswith("/backup/0")


@pytest.mark.parametrize(
    ("command", "code", "says"), [("/nowhere/job", 127, "No such file"), ("/", 126, "denied")]
)
def test_a_command_that_cannot_be_started_is_a_failure(
    pinged, start, command: str, code: int, says: str
) -> None:
    ran, _, errors = ended(start(*words(pinged), "--", command))
    assert ran == code
    assert says in errors.decode()
    path, _, body = pinged.heard[-1]
    assert path == f"/ping/{KEY}/backup/fail"
    assert f"{command} could not be started: " in body.decode()


def test_what_a_job_leaves_behind_holds_up_nobody_and_lives(pinged, start, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    inner, outer = os.pipe()
    # A shell gives jobs in the background /dev/null, unless they name another input.
    text = f"exec 3<&0; (read line <&3; echo late; echo late >&2; echo alive > {mark}) & echo done"
    with (tmp_path / "out").open("wb") as out:
        process = start(*words(pinged), *script(text), stdout=out, stdin=inner)
        process.wait(20)
    os.close(outer)
    os.close(inner)
    assert process.returncode == 0
    assert pinged.heard[-1][::2] == (f"/ping/{KEY}/backup/0", b"done\n")
    until(lambda: mark.exists() and mark.read_text() == "alive\n")
    until(lambda: (tmp_path / "out").read_bytes() == b"done\nlate\n")


def until(holds: Callable[[], Any], within_s: float = 10) -> None:
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "did not come true"
        time.sleep(0.02)


# ---- servers that do not answer as they should ----------------------------------------------------


def test_a_ping_that_fails_is_sent_again(pinged, start) -> None:
    pinged.answers = [(500, b""), (503, b""), (200, b"OK")]
    assert ended(start(*words(pinged), *script("exit 2"))) == (2, b"", b"")
    assert pinged.paths == [f"/ping/{KEY}/backup/{end}" for end in ("start", "2", "2")]
    assert b"the start was not told" in pinged.heard[-1][2]


def test_what_cannot_succeed_is_tried_once_and_said(pinged, start) -> None:
    pinged.answers = [(404, b"not found"), (404, b"not found")]
    code, _, errors = ended(start(*words(pinged), *script("exit 0")))
    assert code == 0
    assert errors.decode() == (
        f"watchpost run: backup at {pinged.url[7:]} was not told how the job ended: it answers 404: nobody knows "
        "this heartbeat; make it there, or write --create, or correct the slug and the key\n"
    )
    assert len(pinged.heard) == 2


def test_another_page_in_the_place_of_the_server_is_no_success(pinged, start) -> None:
    pinged.answers = [(200, b"<html>"), (200, b"<html>\nSign in")]
    assert b"something else answers there (<html>)" in ended(start(*words(pinged), *script("exit 0")))[2]


def test_a_server_that_moved_hears_the_same(pinged, start) -> None:
    moved = Pinged()
    moved.answers = [(308, b"")] * 2
    try:
        for status in (301, 308):
            moved.answers, pinged.heard = [(status, b"")] * 2, []
            moved.headers = {"Location": f"{pinged.url}/ping/{KEY}/backup/0"}
            assert ended(start(*words(moved, "--no-start-ping"), *script("echo out"))) == (0, b"out\n", b"")
            assert pinged.heard[0][2].startswith(b"out\n")
    finally:
        moved.close()


def test_a_server_that_hangs_delays_nothing_but_the_end(start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:  # connections are taken by the kernel, and no more
        mark = tmp_path / "mark"
        url = f"http://127.0.0.1:{hung.getsockname()[1]}"
        began = time.monotonic()
        process = start(
            "--url", url, "--key", KEY, "--slug", "s", "--timeout", "4s", "--budget", "2s",
            *script(f"touch {mark}; exit 5"),
        )  # fmt: skip
        until(mark.exists, 3)
        code, _, errors = ended(process)
        assert code == 5
        assert 2 <= time.monotonic() - began < 6
        assert "no answer" in errors.decode()


def test_without_a_network_the_job_runs(start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    given = ["--url", f"http://127.0.0.1:{port}", "--key", KEY, "--slug", "s", "--retries", "1"]
    code, out, errors = ended(start(*given, *script("echo out; exit 7")))
    assert (code, out) == (7, b"out\n")
    assert "Connection refused" in errors.decode()
    given = ["--url", "http://watchpost.invalid", "--key", KEY, "--slug", "s", "--retries", "0"]
    code, out, errors = ended(start(*given, *script("echo out; exit 7")))
    assert (code, out) == (7, b"out\n")
    assert "s at watchpost.invalid was not told how the job ended: " in errors.decode()


# ---- whom to tell ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "env", "base"),
    [
        ("--slug b", {"WATCHPOST_PING_URL": "http://h", "WATCHPOST_PING_KEY": KEY}, f"http://h/ping/{KEY}/b"),
        ("--slug b", {"WATCHPOST_PING_URL": "http://h/ping/", "WATCHPOST_PING_KEY": KEY}, f"http://h/ping/{KEY}/b"),
        ("--slug b", {"WATCHPOST_PING_URL": f"http://h/ping/{KEY}"}, f"http://h/ping/{KEY}/b"),
        ("--slug b", {"WATCHPOST_PING_URL": f"http://h/ping/{KEY}/a"}, f"http://h/ping/{KEY}/b"),
        ("--slug b", {"WATCHPOST_PING_URL": f"http://h/ping/{KEY}", "CHECK_UUID": UUID}, f"http://h/ping/{KEY}/b"),
        ("", {"WATCHPOST_PING_URL": f"http://h/ping/{UUID}"}, f"http://h/ping/{UUID}"),
        ("", {"HC_API_URL": "http://h/ping", "CHECK_UUID": UUID}, f"http://h/ping/{UUID}"),
        ("", {"HC_API_URL": "http://h", "HC_PING_KEY": KEY, "CHECK_SLUG": "b"}, f"http://h/{KEY}/b"),
        ("--slug b --key k", {"WATCHPOST_PING_URL": f"http://h/ping/{KEY}"}, "http://h/ping/k/b"),
        (f"--slug b --url http://h/ping/{KEY}", {"WATCHPOST_PING_KEY": "k"}, f"http://h/ping/{KEY}/b"),
        ("-api-url http://h -ping-key k -slug b", {}, "http://h/k/b"),
        (f"--url http://h/w -uuid {UUID.upper()}", {"CHECK_SLUG": "b"}, f"http://h/w/ping/{UUID}"),
    ],
)  # fmt: skip
def test_where_pings_go(given: str, env: dict[str, str], base: str) -> None:
    found = run.find_address(run.read_words([*given.split(), "--no-run-id"]), env)
    assert found.of("") == base


def test_create_stands_in_the_address() -> None:
    given = run.read_words(["--url", "http://h", "--key", KEY, "--slug", "b", "--create", "--no-run-id"])
    assert run.find_address(given, {}).of("start") == f"http://h/ping/{KEY}/b/start?create=1"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("--slug b", "no server is given; set WATCHPOST_PING_URL or write --url"),
        ("--slug b --url h.example", "write it like https://"),
        ("--slug b --url http://", "write it like https://"),
        ("--slug b --url http://h:99999999", "write it like https://"),
        ("--url http://h", "no heartbeat is named; write --slug backup"),
        ("--url http://h --slug b", "a slug needs the project's ping key; set WATCHPOST_PING_KEY"),
        (f"--url http://h --key {KEY} --slug Back", "'Back' cannot be a slug; write small letters"),
        ("--url http://h --uuid 12", "'12' is no uuid"),
        (f"--url http://h/ping/{UUID} --slug b", "leave out --slug"),
        (f"--url http://h/ping/{UUID}/start", "must end before /start"),
        (f"--url http://h --uuid {UUID} --slug b", "both a slug and a uuid"),
        ("--url http://h/ping/kkk --slug b", "'kkk' in the address is no ping key; copy it anew"),
        ("--url http://h --key a/b --slug b", "the ping key cannot be used"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_address_is_said_and_the_job_runs(given: str, says: str, start) -> None:
    code, out, errors = ended(start(*given.split(), *script("echo out; exit 4")))
    assert (code, out) == (4, b"out\n")
    assert says in errors.decode()
    assert errors.decode().endswith("The job runs, but nobody is told of it.\n")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("--slog b -- true", "unrecognized arguments: --slog"),
        ("--slug b", "no command is given"),
        ("--slug b --timeout x -- true", "'x' is not possible; write seconds"),
        ("--slug b --retries -1 -- true", "retries"),
    ],
)
def test_wrong_options_run_nothing(given: str, says: str, start) -> None:
    code, _, errors = ended(start(*given.split()))
    assert code == 2
    assert says in errors.decode()


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("--slug b -- job --json --slug c", ["job", "--json", "--slug", "c"]),
        ("--slug b job --slug c -- d", ["job", "--slug", "c", "--", "d"]),
        ("--slug b -- job -- d", ["job", "--", "d"]),
    ],
)
def test_what_belongs_to_the_job(given: str, command: list[str]) -> None:
    found = run.read_words(given.split())
    assert (found.slug, found.command) == ("b", command)
