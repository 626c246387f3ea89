"""The stand on which the shop runs: its folder, its processes, and the means by which faults reach them."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from patient.child import Child, answers
from patient.faults._files import bring_all_back

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "patient" / "shop"
_WEB_WORKERS = 2
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "SYSTEMROOT")


def open_stand(runs: str, folder: Path, port: int) -> Stand:
    """``runs``: light or full. Not started; another port if this one is taken. Raises StandFailed, also when
    another process has one in that folder: two of them would take each other's files away."""
    claim = _claim(folder)
    kinds = {"light": ("patient.light", "Light"), "full": ("patient.full", "Full")}
    module, name = kinds[runs]
    stand: Stand = getattr(import_module(module), name)(folder, port)
    stand.kept["claim"] = claim  # as long as this process lives
    return stand


def _claim(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "in_use").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        words = "make fault NAME=... breaks things in it. End that one first (q or Ctrl-C) to start it anew."
        raise StandFailed(f"another one runs in {folder} already; {words}") from None
    return file


class StandFailed(Exception):
    """It cannot run here; the words say why and what to do."""


class Stand(ABC):
    """One shop in one folder. Not for several threads: whoever owns it calls ``mind`` again and again.

    Faults use ``stop``, ``start``, ``restart``, ``change`` and ``restore``, ``wedge`` and ``unwedge``,
    ``manage`` and ``publish``; all of them may be called twice.
    """

    runs: str  # "light" or "full"
    url: str
    plain_url = ""  # by http, where that is not the url; it redirects there
    port: int  # of the shop, as visitors reach it
    front = "web"  # the process that visitors meet first
    static: Path  # STATIC_ROOT
    ca_pem = ""  # the authority of its certificate; empty without TLS
    queues: Mapping[str, tuple[str, ...]]  # worker -> the queues it serves
    watch_file = ""  # more monitors: a file beside ``watch.yaml``
    watched: Mapping[str, Any] = {}  # what stands in braces there
    # Address and keys of the Watchpost beside it.
    introduce: Callable[[], Mapping[str, str]] = staticmethod(dict)
    watcher_environ: Mapping[str, str] = {}  # what the Watchpost beside it needs to find its way

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        for name in ("logs", "media", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.children: dict[str, Child] = {}
        self.kept: dict[str, Any] = {}  # what a fault holds on to until it is healed
        self._told: Mapping[str, str] = {}
        self._changes: dict[str, Mapping[str, Any]] = {}
        self._rules: dict[str, Mapping[str, Any]] = {}
        self.health_token = self._secret("health_token")
        self._wedge_file = self.folder / "wedge.json"
        for old in self.folder.glob("wedge.json*"):
            old.unlink()

    # ---- the whole -------------------------------------------------------------------------------

    @abstractmethod
    def prepare(self) -> None:
        """Makes what is needed before anything starts. Raises StandFailed."""

    def open(self, but: Collection[str] = ()) -> None:
        """Starts everything and waits until it can be used; ``but``: is started by its name later. Raises
        StandFailed."""
        try:
            bring_all_back(self.folder)
            self.prepare()
            self._told = self.introduce()
            wanted = [child for child in self.children.values() if child.name not in but]
            for child in wanted:
                if not child.is_running():
                    child.start()
            for child in wanted:
                self._await(child)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends everything, the last first. What is told to end is told at once, and waited for after that."""
        running = [one for one in reversed(self.children.values()) if one.is_running()]
        for child in running:
            if not child.name.startswith(self._LAST):
                child.process.send_signal(child.quit)  # type: ignore[union-attr]
        for child in running:
            child.stop()

    _LAST = ("postgres", "redis", "memcached")  # others still need them while they end

    def mind(self) -> None:
        """Starts again what died by itself, as systemd does."""
        for child in self.children.values():
            child.mind()

    # ---- processes -------------------------------------------------------------------------------

    def stop(self, name: str, with_kill: bool = False) -> None:
        """``name`` is gone until it is started; nobody listens at its port."""
        self.children[name].stop(with_kill)

    def start(self, name: str) -> None:
        child = self.children[name]
        child.start()
        self._await(child)

    def restart(self, name: str) -> None:
        """With the settings and files of now. Visitors notice nothing."""
        child = self.children[name]
        if child.is_held:
            return
        if child.listens is None:
            child.end()
            self.start(name)
        elif not child.roll():
            raise StandFailed(f"{name} did not start anew, the old one stays; its log is {child.log}")

    def run(self, name: str, *command: str, is_ready: Callable[[], bool] = lambda: True) -> None:
        """A process of a fault's own, until it is stopped by its name. The same each time."""
        if name not in self.children:
            self.children[name] = self._child(name, lambda: command, is_ready=is_ready)
        self.start(name)

    def serve(self, *queues: str) -> None:
        """The workers serve these queues alone; without any, all they are there for."""
        for name, all_of_it in self.queues.items():
            wanted = tuple(one for one in all_of_it if one in queues) if queues else all_of_it
            if wanted == self._served.get(name, all_of_it):
                continue
            self._served[name] = wanted
            self.stop(name)
            if wanted:
                self.start(name)

    @property
    def _served(self) -> dict[str, tuple[str, ...]]:
        return self.kept.setdefault("served", {})

    # ---- inside the shop -------------------------------------------------------------------------

    def change(
        self, fault: str, *also: str, settings: Mapping[str, Any] | None = None, **environ: str
    ) -> None:
        """Runs web (and ``also`` others) with other settings, by dotted path, or another environment."""
        self._changes[fault] = {"settings": settings or {}, "environ": environ}
        for name in ("web", *also):
            self.restart(name)

    def restore(self, fault: str, *also: str) -> None:
        self._changes.pop(fault, None)
        for name in ("web", *also):
            self.restart(name)

    def wedge(self, fault: str, **rule: Any) -> None:
        """From the next request on: see ``wedge.middleware``."""
        self._rules[fault] = rule
        self._write_rules()

    def unwedge(self, fault: str) -> None:
        self._rules.pop(fault, None)
        self._write_rules()

    def _write_rules(self) -> None:
        new = self._wedge_file.with_suffix(".new")
        new.write_text(json.dumps(self._rules))
        new.replace(self._wedge_file)

    def wait_deaf(self, within_s: float = 15.0) -> None:
        """Until no worker takes what comes. Raises StandFailed."""
        ends = time.monotonic() + within_s
        while len(list(self.folder.glob(f"{self._wedge_file.name}.deaf.*"))) < len(self.queues):
            if time.monotonic() > ends:
                raise StandFailed("a worker still takes tasks; is it running?")
            time.sleep(0.1)

    def manage(self, *arguments: str) -> str:
        """Runs ``manage.py``; what it printed. Raises StandFailed with its last words."""
        command = [sys.executable, str(SHOP / "manage.py"), *arguments]
        done = subprocess.run(
            command, cwd=SHOP, env=self.environ(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
            raise StandFailed(f"manage.py {' '.join(arguments)} failed: {last}")
        return done.stdout

    def publish(self, task: str, count: int, queue: str, *arguments: str) -> None:
        """Puts messages into a queue, as the shop would."""
        words = f"app.send_task({task!r}, args={list(arguments)!r}, queue={queue!r})"
        self.manage(
            "shell", "-v0", "-c", f"from config import celery_app as app\nfor _ in range({count}): {words}"
        )

    def environ(self) -> dict[str, str]:
        """What every process of the shop is given."""
        settings: dict[str, Any] = {}
        found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        found |= {
            "PYTHONPATH": os.pathsep.join((str(SHOP), str(ROOT))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "patient.wedge.settings",
            "WEDGE_FILE": str(self._wedge_file),
            "READY_FILE": str(self.folder / "web.ready"),
            "SHOP_DATA": str(self.folder),
            "SECRET_KEY": self._secret("secret_key"),
            "HEALTH_TOKEN": self.health_token,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
        }
        found |= self._addresses() | self._told
        for change in self._changes.values():
            settings |= change["settings"]
            found |= change["environ"]
        return found | {"WEDGE_SETTINGS": json.dumps(settings)}

    @abstractmethod
    def _addresses(self) -> dict[str, str]:
        """Where database, caches, broker and mail server are: ``DATABASE_URL`` and the like."""

    # ---- parts -----------------------------------------------------------------------------------

    def _child(self, name: str, command: Callable[[], Sequence[str]], **more: Any) -> Child:
        log = self.folder / "logs" / f"{name}.log"
        return Child(name, command, self.environ, SHOP, log, **more)

    def _add(self, name: str, command: Callable[[], Sequence[str]], **more: Any) -> None:
        self.children[name] = self._child(name, command, **more)

    def _add_web(self, port: int) -> None:
        access, ready = self.folder / "logs" / "access.log", self.folder / "web.ready"
        options = ["--workers", str(_WEB_WORKERS), "--threads", "4", "--access-logfile", str(access)]
        options += ["--no-control-socket", "-c", "python:patient.wedge.gunicorn"]

        def begin() -> Sequence[str]:
            ready.write_text("")
            served = self.kept.get("web", ("config.wsgi", "--worker-class", "gthread"))
            return [sys.executable, "-m", "gunicorn", *served, "--bind", "LISTEN_AT", *options]

        def is_ready() -> bool:
            return len(ready.read_text().splitlines()) >= _WEB_WORKERS

        self._add("web", begin, is_ready=is_ready, listens=port)

    def _add_worker(self, name: str) -> None:
        def command() -> Sequence[str]:
            queues = ",".join(self._served.get(name, self.queues[name]))
            options = (
                f"worker -n {name}@%h -c 2 -Q {queues} --loglevel WARNING --without-gossip --without-mingle"
            )
            return [sys.executable, "-m", "celery", "-A", "config", *options.split(" ")]

        self._add(name, command)

    def _add_beat(self) -> None:
        # Nobody wants to wait for a demonstration: by itself Beat sleeps until something is due.
        options = f"beat -s {self.folder}/beat-schedule --pidfile= --max-interval 5 --loglevel WARNING"
        self._add("beat", lambda: [sys.executable, "-m", "celery", "-A", "config", *options.split(" ")])

    def _add_mail(self, port: int) -> None:
        def command() -> Sequence[str]:
            refuse = ["--refuse"] if self.kept.get("mail_refuses") else []
            return [sys.executable, "-m", "patient.mailbox", str(port), str(self.folder / "mail"), *refuse]

        self._add("mail", command, is_ready=lambda: answers(port))

    def _add_traffic(self, *options: str) -> None:
        self._add("traffic", lambda: [sys.executable, "-m", "patient.traffic", self.url, *options])

    def _await(self, child: Child) -> None:
        if not child.wait_ready():
            raise StandFailed(f"{child.name} did not start; its log is {child.log}")

    def _secret(self, name: str) -> str:
        """The same one whenever this folder is used."""
        file = self.folder / name
        if not file.is_file():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(40))
        return file.read_text()
