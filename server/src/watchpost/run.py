#!/usr/bin/env python3
"""``watchpost run --slug backup -- ./backup.sh``: runs a command and tells its heartbeat how it went.

One file without dependencies (Python 3.9, Linux, macOS or BSD), to be copied onto any host; it speaks the
ping API of Healthchecks, so that it works with any server that does. The job comes first: it begins whatever
becomes of the pings, its output passes unchanged, and its exit code is the exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn
from uuid import uuid4

NAME = "watchpost run"
NOT_FOUND, NOT_EXECUTABLE, BY_SIGNAL = 127, 126, 128  # as shells have it
_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[A-Za-z0-9_-]{22}")
_SLUG = re.compile(r"[a-z0-9_-]+")
_PASSED_ON = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_QUIET_S, _LINGER_S = 0.5, 2.0  # the output of what a job leaves behind is waited for so long
_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 4.0


class Refused(Exception):
    """What was given cannot be used; the words say what to write."""


# ---- whom to tell ---------------------------------------------------------------------------------


class Address:
    """Of one heartbeat. ``base``: without slash at its end; ``shown``: the same without its secret."""

    def __init__(self, base: str, shown: str, query: Mapping[str, str]) -> None:
        self.base, self.shown, self.query = base, shown, query

    def of(self, action: str, took_s: float | None = None) -> str:
        """``took_s`` is how long the job really took: a start may come late, and then the server measures less.
        Healthchecks leaves it unread."""
        took = {} if took_s is None else {"took_ms": str(round(took_s * 1000))}
        query = urllib.parse.urlencode({**self.query, **took})
        return self.base + (f"/{action}" if action else "") + (f"?{query}" if query else "")


def find_address(given: argparse.Namespace, env: Mapping[str, str]) -> Address:
    """Options outrank the environment, and Watchpost's names those of Healthchecks' clients."""
    slug = given.slug or ("" if given.uuid else env.get("WATCHPOST_SLUG") or env.get("CHECK_SLUG", ""))
    uuid = given.uuid or ("" if given.slug else env.get("WATCHPOST_UUID") or env.get("CHECK_UUID", ""))
    key = given.key or env.get("WATCHPOST_PING_KEY") or env.get("HC_PING_KEY", "")
    server = given.url or ("" if given.api_url else env.get("WATCHPOST_PING_URL", ""))
    base = _check_url(server or given.api_url or env.get("HC_API_URL", ""))
    parts = [part for part in base.split("://", 1)[1].split("/") if part]
    if _UUID.fullmatch(parts[-1]):
        if given.slug:
            raise Refused("the address is that of one heartbeat already; leave out --slug")
        base, uuid = base.rpartition("/")[0], parts[-1]
    elif len(parts) > 2 and _KEY.fullmatch(parts[-2]):
        base, key, slug = base.rsplit("/", 2)[0], given.key or parts[-2], given.slug or parts[-1]
    elif len(parts) > 1 and _KEY.fullmatch(parts[-1]):
        base, key = base.rpartition("/")[0], given.key or parts[-1]
    elif server and len(parts) > 2 and parts[-2] == "ping":
        raise Refused(f"{parts[-1]!r} in the address is no ping key; copy it anew from the project's page")
    elif server and parts[-1] != "ping":
        base += "/ping"
    end = _check_end(slug, uuid, key)
    query = {"create": "1"} if given.create and slug and not uuid else {}
    if not given.no_run_id:
        query["rid"] = str(uuid4())
    return Address(f"{base}/{end}", f"{slug or 'the heartbeat'} at {parts[0].rpartition('@')[2]}", query)


def _check_url(url: str) -> str:
    if not url:
        raise Refused(
            "no server is given; set WATCHPOST_PING_URL or write --url https://watchpost.example.com"
        )
    url = url.strip().split("?")[0].rstrip("/")
    try:
        parts = urllib.parse.urlsplit(url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(letter.isspace() for letter in url):
        raise Refused("the server's address cannot be used; write it like https://watchpost.example.com")
    if parts.path.rpartition("/")[2] in ("start", "fail", "log"):
        raise Refused("the server's address must end before /start, /fail or /log")
    return url


def _check_end(slug: str, uuid: str, key: str) -> str:
    """What stands behind ``/ping/``."""
    if uuid and slug:
        raise Refused("both a slug and a uuid are given; leave one of them out")
    if uuid:
        if not _UUID.fullmatch(uuid):
            raise Refused(f"{uuid!r} is no uuid; copy it from the heartbeat's page")
        return uuid.lower()
    if not slug:
        raise Refused("no heartbeat is named; write --slug backup, or --uuid")
    if not _SLUG.fullmatch(slug):
        raise Refused(f"{slug!r} cannot be a slug; write small letters, digits, - and _")
    if not key:
        raise Refused("a slug needs the project's ping key; set WATCHPOST_PING_KEY or write --key")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", key):
        raise Refused("the ping key cannot be used; copy it anew from the project's page")
    return f"{key}/{slug}"


# ---- telling --------------------------------------------------------------------------------------


class Untold(Exception):
    """A ping that was not taken. ``is_final``: another try would end the same way."""

    def __init__(self, words: str, is_final: bool = False) -> None:
        super().__init__(words)
        self.is_final = is_final


class _Redirect(urllib.request.HTTPRedirectHandler):
    """A moved address gets the same ping with the same body, where Python would make it a GET."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        return urllib.request.Request(newurl, data=req.data, headers=req.headers, method="POST")

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


_FINAL = {
    400: "the address is not understood",
    401: "a password is asked for, which pings cannot give",
    403: "the address is forbidden",
    404: "nobody knows this heartbeat; make it there, or write --create, or correct the slug and the key",
    409: "several heartbeats have this slug; use the uuid of one of them",
    413: "the output is too long for it; write --body-limit 1000",
}


def ping(url: str, body: bytes, timeout: float) -> None:
    """One try. Raises Untold."""
    headers = {"User-Agent": "watchpost-run/1", "Content-Type": "text/plain; charset=utf-8"}
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with urllib.request.build_opener(_Redirect).open(request, timeout=timeout) as answer:
            said = answer.read(64).decode("utf-8", "replace").strip()
    except urllib.error.HTTPError as error:
        why = _FINAL.get(error.code, "")
        raise Untold(f"it answers {error.code}{why and ': '}{why}", bool(why)) from None
    except Exception as error:  # whatever it was, the job goes on
        raise Untold(_words_of(error, timeout)) from None
    if said not in ("OK", "Created"):
        first = said.partition("\n")[0] or "nothing"
        raise Untold(f"something else answers there ({first}); correct the address", True)


def _words_of(error: BaseException, timeout: float) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, socket.timeout):
        return f"no answer within {timeout:.2g} s"
    if isinstance(reason, socket.gaierror):
        return "its name cannot be found in the DNS"
    return " ".join(str(reason).split()) or type(reason).__name__


class Teller:
    """Tells begin and end of one run, from threads: a server that hangs holds up nothing."""

    def __init__(self, address: Address, given: argparse.Namespace) -> None:
        self._address, self._given, self.shown = address, given, address.shown
        self._first = threading.Thread(target=self._begin, daemon=True)
        self.is_begun = False
        self._why = "no answer"

    def begin(self) -> None:
        if not self._given.no_start_ping:
            self._first.start()

    def end(self, action: str, took_s: float, body: Callable[[bool], bytes]) -> str:
        """Why it was not told; empty when it was. Takes no longer than ``--budget``. ``body``: of whether the
        start was told."""
        ends = time.monotonic() + self._given.budget
        if self._first.ident is not None:  # a start that arrives after the end would be a run without one
            self._first.join(min(self._given.timeout, self._given.budget))
        last = threading.Thread(
            target=self._end, args=(self._address.of(action, took_s), body(self.is_begun), ends), daemon=True
        )
        last.start()
        last.join(max(0.0, ends - time.monotonic()))
        return self._why

    def _begin(self) -> None:
        try:
            ping(self._address.of("start"), b"", self._given.timeout)
            self.is_begun = True
        except Untold:
            pass  # the end is told all the same, and says what there is to say

    def _end(self, url: str, body: bytes, ends: float) -> None:
        pause = _PAUSE_S
        for number in range(self._given.retries + 1):
            if number:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            left = ends - time.monotonic()
            if left <= 0:
                return
            try:
                ping(url, body, min(self._given.timeout, left))
            except Untold as error:
                self._why = str(error)
                if error.is_final:
                    return
            else:
                self._why = ""
                return


# ---- the job --------------------------------------------------------------------------------------


class Tail:
    """The last bytes of what was written."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._seen = most, bytearray(), 0

    def add(self, data: bytes) -> None:
        self._seen += len(data)
        self._kept += data[-self._most :] if self._most else b""
        if len(self._kept) > 8 * self._most:
            del self._kept[: -self._most]

    def text(self, note: str) -> bytes:
        """At most ``most`` bytes, with ``note`` as last line; the first says what was left out."""
        end = f"{note}\n".encode() if note else b""
        whole = bytes(self._kept[-self._most :]) if self._most else b""
        if end and whole and not whole.endswith(b"\n"):
            end = b"\n" + end
        if not self._most or self._seen + len(end) <= self._most:
            return whole + end
        room = max(0, self._most - len(end) - 40)
        part = whole[len(whole) - room :] if room else b""
        while part and part[0] & 0xC0 == 0x80:  # in the middle of a letter
            part = part[1:]
        return f"[{self._seen - len(part)} bytes left out]\n".encode() + part + end


class Job:
    """A command while it runs. ``code``: as a shell tells it; ``ended_by``: the signal that killed it."""

    def __init__(self, command: Sequence[str], most: int) -> None:
        self._command, self.tail = command, Tail(most)
        self._child: subprocess.Popen[bytes] | None = None
        self._streams = selectors.DefaultSelector()
        self._closed: set[int] = set()
        self._early: list[int] = []
        self.code, self.ended_by, self.asked, self.problem, self.took = 0, 0, 0, "", 0.0

    def run(self) -> None:
        """Runs it to its end. Never raises for what the job does."""
        _fill_streams()
        began = time.monotonic()
        wake = self._hear_signals()
        try:
            self._start()
        except OSError as error:
            self.code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            self.problem = f"{self._command[0]} could not be started: {error.strerror}"
            sys.stderr.write(f"{NAME}: {self.problem}\n")
            return
        self._pump(wake)
        self.took = time.monotonic() - began
        assert self._child is not None and self._child.returncode is not None  # noqa: S101, PT018
        self.ended_by = max(0, -self._child.returncode)
        self.code = BY_SIGNAL + self.ended_by if self.ended_by else self._child.returncode

    def _start(self) -> None:
        """One pipe for both streams where ours are one thing, too: then their order is exact."""
        errors = subprocess.STDOUT if os.path.sameopenfile(1, 2) else subprocess.PIPE
        self._child = subprocess.Popen(  # what was opened for the job, such as a lock, it gets
            self._command, stdout=subprocess.PIPE, stderr=errors, bufsize=0, close_fds=False
        )
        for number in self._early:
            self._child.send_signal(number)
        for stream, fd in ((self._child.stdout, 1), (self._child.stderr, 2)):
            if stream is not None:
                self._streams.register(stream, selectors.EVENT_READ, fd)

    def _hear_signals(self) -> int:
        """Signals wake the pump; those that ask us something go on to the job."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(reader, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for name in _PASSED_ON:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._pass_on)
        return reader

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        if number in (signal.SIGINT, signal.SIGQUIT) and _is_in_front():
            return  # typed at the terminal: the job has heard it itself
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    def _pump(self, wake: int) -> None:
        child, ended, heard = self._child, None, 0.0
        assert child is not None  # noqa: S101
        self._streams.register(wake, selectors.EVENT_READ, -1)
        while True:
            now = time.monotonic()
            if ended is None and child.poll() is not None:
                ended = heard = now
            if ended is not None:
                if len(self._streams.get_map()) == 1:
                    return
                if now >= min(heard + _QUIET_S, ended + _LINGER_S):
                    self._leave_copier(wake)
                    return
            for key, _ in self._streams.select(None if ended is None else _QUIET_S):
                if key.data == -1:
                    os.read(wake, 4096)
                elif self._copy(key):
                    heard = time.monotonic()

    def _copy(self, key: selectors.SelectorKey) -> bool:
        data = os.read(key.fd, 1 << 16)
        if not data:
            self._streams.unregister(key.fileobj)
            return False
        self.tail.add(data)
        if key.data not in self._closed and not _write(key.data, data):
            self._closed.add(key.data)  # nobody reads any more; the job is not to suffer from that
        return True

    def _leave_copier(self, wake: int) -> None:
        """What the job left behind still writes: a copy of us passes that on, so that it is not ended by a
        pipe without a reader."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads: the copy uses read and write alone
            if os.fork():
                return
        try:
            self._streams.unregister(wake)
            for name in _PASSED_ON:
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            while self._streams.get_map():
                for key, _ in self._streams.select():
                    self._copy(key)
        finally:
            os._exit(0)


def _write(fd: int, data: bytes) -> bool:
    """All of it. False when nobody reads there."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [], 1.0)
        except OSError:
            return False
    return True


def _fill_streams() -> None:
    """A stream that is closed must not become one of our pipes."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _is_in_front() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


# ---- together -------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{NAME}: {message}; {NAME} --help lists what there is\n")


def _seconds(text: str) -> float:
    """``5``, ``5s``, ``500ms`` or ``1m``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)?", text)
    seconds = float(found[1]) * {"ms": 0.001, "s": 1, "m": 60}[found[2] or "s"] if found else 0.0
    if not 0.1 <= seconds <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not possible; write seconds from 0.1 to 600")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not possible; write a whole number up to 1000000")
    return int(text)


# Written as runitor has them, with one dash, options are understood, too.
# fmt: off
_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--slug -slug", {"metavar": "S", "default": "", "help": "the name in the heartbeat's address; or WATCHPOST_SLUG, CHECK_SLUG"}),
    ("--uuid -uuid", {"metavar": "U", "default": "", "help": "in the place of key and slug; or WATCHPOST_UUID, CHECK_UUID"}),
    ("--key --ping-key -ping-key", {"metavar": "K", "default": "", "help": "the project's ping key; or WATCHPOST_PING_KEY, HC_PING_KEY"}),
    ("--url", {"metavar": "URL", "default": "", "help": "the server, or the whole address of pings; or WATCHPOST_PING_URL"}),
    ("--api-url -api-url", {"metavar": "URL", "default": "", "help": "what stands before the key or uuid; or HC_API_URL"}),
    ("--create -create", {"action": "store_true", "help": "make the heartbeat when there is none with this slug"}),
    ("--no-start-ping -no-start-ping", {"action": "store_true", "help": "tell the end alone"}),
    ("--no-output --no-output-in-ping -no-output-in-ping", {"action": "store_true", "help": "the output stays here"}),
    ("--no-run-id -no-run-id", {"action": "store_true", "help": "runs are not told apart"}),
    ("--body-limit --ping-body-limit -ping-body-limit", {"type": _count, "default": 10_000, "metavar": "BYTES", "help": "how much of the end of the output is sent; 10000"}),
    ("--timeout --api-timeout -api-timeout", {"type": _seconds, "default": 5.0, "metavar": "S", "help": "of one ping; 5s"}),
    ("--retries --api-retries -api-retries", {"type": _count, "default": 5, "metavar": "N", "help": "of the last ping; 5"}),
    ("--budget", {"type": _seconds, "default": 15.0, "metavar": "S", "help": "for the last ping with all its tries; 15s"}),
    ("--json", {"action": "store_true", "help": "at the end a line of JSON on standard error: how it ended, who was told"}),
    ("--where", {"action": "store_true", "help": "print the path of this file, to copy it, and end"}),
    ("command", {"nargs": argparse.REMAINDER, "metavar": "COMMAND", "help": "what is run, without a shell"}),
)
# fmt: on


def build_parser() -> argparse.ArgumentParser:
    doc = str(__doc__).replace("``", "")
    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser(NAME, "%(prog)s [options] -- COMMAND ...", doc, formatter_class=form, allow_abbrev=False)
    for names, more in _OPTIONS:
        parser.add_argument(*names.split(), **more)
    return parser


def read_words(argv: Sequence[str]) -> argparse.Namespace:
    """All behind the first ``--``, or from the first word that is no option, is the command's."""
    words = list(argv)
    cut = words.index("--") if "--" in words else len(words)
    given = build_parser().parse_args(words[:cut])
    if given.command:  # it began before
        given.command += words[cut:]
    else:
        given.command = words[cut + 1 :]
    return given


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the job and gives its exit code; 128 and more: the signal that killed it, as shells have it."""
    given = read_words(sys.argv[1:] if argv is None else argv)
    if given.where:
        print(os.path.abspath(__file__))
        return 0
    if not given.command:
        build_parser().error("no command is given; write it behind --")
    if os.name != "posix":
        build_parser().error("this needs Linux, macOS or BSD")
    teller, why = None, ""
    try:
        teller = Teller(find_address(given, os.environ), given)
        teller.begin()
    except Refused as error:
        why = str(error)
        sys.stderr.write(f"{NAME}: {error}. The job runs, but nobody is told of it.\n")
    job = Job(given.command, 0 if given.no_output else given.body_limit)
    job.run()
    if teller is not None:
        why = _tell(teller, job)
    if given.json:
        ended = {"exit_code": job.code, "signal": job.ended_by, "took_s": round(job.took, 3), "told": not why}
        sys.stderr.write(json.dumps({**ended, "why_not": why}) + "\n")
    return job.code


def _tell(teller: Teller, job: Job) -> str:
    """Why it was not told; empty when it was."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    action = "fail" if job.problem else str(job.code)
    try:
        why = teller.end(action, job.took, lambda is_begun: job.tail.text(_note(job, is_begun)))
    except KeyboardInterrupt:
        why = "interrupted"
    if why:
        sys.stderr.write(f"{NAME}: {teller.shown} was not told how the job ended: {why}\n")
    return why


def _note(job: Job, is_begun: bool) -> str:
    """What neither the address nor the output says."""
    if job.problem:
        return job.problem
    took = f"after {job.took:.1f} s"
    if job.ended_by:
        return f"Killed by signal {job.ended_by} ({signal.Signals(job.ended_by).name}) {took}."
    if job.asked:
        return f"Ended with exit code {job.code} {took}, when asked by {signal.Signals(job.asked).name}."
    return "" if is_begun else f"Ended with exit code {job.code} {took}, and the start was not told."


if __name__ == "__main__":
    sys.exit(main())
