"""A process of the stand: started with its log, ended with its parent, stopped, killed, frozen."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_GRACE_S = 10.0
_READY_S = 20.0
_STEP_S = 0.05


@dataclass
class Child:
    """``command`` is asked for at each start. ``listens``: the port it is given as an open socket, so that
    visitors wait while it is started anew, and are refused only when it is stopped. ``is_ready``: whether it
    can be used. ``user``: the user id it runs as. ``quit``: what ends it in order."""

    name: str
    command: Callable[[], Sequence[str]]
    environ: Callable[[], Mapping[str, str]]
    cwd: Path
    log: Path
    listens: int | None = None
    is_ready: Callable[[], bool] = lambda: True
    user: int | None = None
    quit: signal.Signals = signal.SIGTERM
    is_held: bool = False  # stopped on purpose: it is not started again
    process: subprocess.Popen[bytes] | None = None
    started_s: float = field(default=0.0)
    failures: int = 0
    _listener: socket.socket | None = None

    def start(self) -> None:
        """Starts it unless it runs. Does not wait."""
        self.is_held = False
        if self.is_running():
            return
        environ, fds = dict(self.environ()), ()
        if self.listens is not None:
            self._listener = self._listener or _listen(self.listens)
            environ["LISTEN_AT"] = f"fd://{self._listener.fileno()}"
            fds = (self._listener.fileno(),)
        command = [part.replace("LISTEN_AT", environ.get("LISTEN_AT", "")) for part in self.command()]
        parent = os.getpid()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=environ,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=fds,
                user=self.user,
                start_new_session=True,  # Ctrl-C is for us alone: we end them in order
                preexec_fn=lambda: end_with_parent(parent, self.quit),
            )
        self.started_s = time.monotonic()

    def wait_ready(self, within_s: float = _READY_S) -> bool:
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            if self.is_running() and self.is_ready():
                return True
            if not self.is_running() and self.process is not None:
                return False
            time.sleep(_STEP_S)
        return False

    def stop(self, with_kill: bool = False) -> None:
        """Ends it and all it has begun, and keeps it so. Its port is closed."""
        self.is_held = True
        self.end(with_kill)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            ends = time.monotonic() + _GRACE_S
            while answers(self.listens or 0) and time.monotonic() < ends:
                time.sleep(_STEP_S)  # its workers, killed just now, still hold the port

    def end(self, with_kill: bool = False) -> None:
        """Ends the process; its port stays open."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
        if not with_kill:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.quit)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # what it began and left behind
        process.wait()

    def freeze(self) -> None:
        """It is there, takes connections, and does nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def roll(self) -> bool:
        """A new process beside the old one, at the same socket; the old one goes when the new one is ready.
        Whether it is: else the old one stays."""
        old, self.process = self.process, None
        self.start()
        is_ready = self.wait_ready()
        stays, goes = (self.process, old) if is_ready else (old, self.process)
        self.process = goes
        self.end()
        self.process = stays
        return is_ready

    def mind(self) -> None:
        """Starts it again when it has died by itself, later each time."""
        if self.is_held or self.process is None or self.process.poll() is None:
            return
        lived_s = time.monotonic() - self.started_s
        self.failures = 0 if lived_s > 30 else self.failures
        if lived_s > min(0.5 * 2**self.failures, 5.0):
            self.failures += 1
            self.end(with_kill=True)
            self.start()


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """The kernel sends this process ``number`` when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as knock:
        knock.settimeout(0.5)
        return knock.connect_ex(("127.0.0.1", port)) == 0


def free_port(preferred: int = 0) -> int:
    """``preferred`` if nobody has it, else any that is free."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port of 127.0.0.1 is free")


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    return listener
