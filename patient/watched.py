"""Watchpost beside the shop: started as by a user, told by its own commands what to watch, asked by API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from patient.child import Child, answers, free_port
from patient.stand import ROOT, Stand, StandFailed

_PROJECT = "Teapot & Sons"
_EMAIL = "you@shop.example.com"
_MAIN = (sys.executable, "-m", "watchpost.cli.main")


def document(stand: Stand) -> dict[str, Any]:
    """``watch.yaml`` for this stand, with what depends on it."""
    text = (ROOT / "patient" / "watch.yaml").read_text().replace("{shop}", stand.url)
    whole: dict[str, Any] = yaml.safe_load(text)
    found: list[dict[str, Any]] = whole["projects"][0]["monitors"]
    found.append(_health(stand))
    if stand.plain_url:
        found.append(_redirect(stand))
    if stand.ca_pem:
        found = [one | {"ca_pem": stand.ca_pem} for one in [*found, _certificate(stand)]]
    found += _more(stand)
    whole["projects"][0]["monitors"] = found
    return whole


def _more(stand: Stand) -> list[dict[str, Any]]:
    """What this stand alone has to watch."""
    if not stand.watch_file:
        return []
    text = (ROOT / "patient" / stand.watch_file).read_text().format(**stand.watched)
    found: list[dict[str, Any]] = yaml.safe_load(text)
    with_tls = ("http", "tls")
    return [one | ({"ca_pem": stand.ca_pem} if one["kind"] in with_tls else {}) for one in found]


def _health(stand: Stand) -> dict[str, Any]:
    # Two good looks: each web process has its own results, and they change within seconds of each other.
    one = {"name": "Health", "url": f"{stand.url}health/", "interval": "5s", "timeout": "4s", "recover": 2}
    if find_spec("watchpost.kinds.health") is not None:
        return one | {"kind": "health", "token": "${HEALTH_TOKEN}"}
    # Until there is a kind that reads what the endpoint says.
    is_ok = {"path": "status", "op": "==", "value": "ok"}
    return one | {"kind": "http", "bearer": "${HEALTH_TOKEN}", "expect": {"status": [200], "json": [is_ok]}}


def _redirect(stand: Stand) -> dict[str, Any]:
    """Whoever types the address without https."""
    one = {"name": "Redirect to https", "kind": "http", "url": stand.plain_url, "interval": "10s"}
    return one | {"timeout": "4s", "recover": 1, "expect": {"status": [200], "https": True}}


def _certificate(stand: Stand) -> dict[str, Any]:
    one = {"name": "Certificate", "kind": "tls", "host": "127.0.0.1", "port": stand.port, "interval": "10s"}
    return one | {
        "timeout": "5s",
        "recover": 1,
        "revocation": "off",
        "renewal_info": "off",
        "protocols": "off",
    }


def are_green(monitors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all are up, or jobs that had no time to run yet, and Beat's are among them. Of the API."""
    well = {("heartbeat", "new")} | {(one["kind"], "up") for one in monitors}
    found = {(one["kind"], one["state"]) for one in monitors}
    return found <= well and any(kind == "heartbeat" for kind, _ in found)


class Watchpost:
    """``watchpost up`` in a folder of its own, and what it knows."""

    def __init__(self, folder: Path, stand: Stand, port: int = 8090) -> None:
        """``port``: preferred; another one if it is taken."""
        self.folder, self._stand = folder.absolute(), stand
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self._mail_port = free_port(port), free_port()
        self.url = f"http://localhost:{self.port}"
        self.token, self.sign_in_link = "", ""
        self._mail = self._child(
            "mail of the watcher", "patient.mailbox", str(self._mail_port), str(self.mails)
        )
        self._up = self._child("watchpost", "watchpost.cli.main", "up")
        self._up.is_ready = lambda: answers(self.port)

    @property
    def mails(self) -> Path:
        """The folder of the mails it has sent."""
        return self.folder / "mail"

    @property
    def keys(self) -> Path:
        """The file of the project's keys, which are shown once: the project outlives a start."""
        return self.folder / "keys.json"

    def start(self) -> None:
        """Begins to start. Does not wait."""
        self._mail.start()
        self._up.start()

    def introduce(self) -> dict[str, str]:
        """Its address and the keys of the shop's project, by the names under which the shop's settings read
        them. The first time it waits until it runs, and makes the project. Raises StandFailed."""
        if not self.keys.is_file():
            self._await()
            try:
                made = self._command("project", "create", _PROJECT, "--slug", "shop")
            except StandFailed as problem:
                words = (
                    f"{problem}. What is in {self.folder} was made by an older one: remove it to begin anew"
                )
                raise StandFailed(words) from None
            self.keys.touch(mode=0o600)
            self.keys.write_text(json.dumps({name: made[name] for name in ("ping_key", "api_key")}))
        keys = json.loads(self.keys.read_text())
        return {
            "WATCHPOST_PING_URL": self.url,
            "WATCHPOST_PING_KEY": keys["ping_key"],
            "WATCHPOST_API_KEY": keys["api_key"],
        }

    def watch(self) -> None:
        """Waits until it runs, and tells it what to watch. Raises StandFailed."""
        self._await()
        file = self.folder / "watch.yaml"
        file.write_text(yaml.safe_dump(document(self._stand), sort_keys=False, allow_unicode=True))
        made = ("token", "create", "--name", "demo", "--read-only")
        with ThreadPoolExecutor(3) as pool:
            applied = pool.submit(self._command, "apply", str(file))
            token, user = pool.submit(self._command, *made), pool.submit(self._sign_in)
        applied.result()
        self.token, self.sign_in_link = token.result()["token"], user.result()["sign_in_link"]

    def _await(self) -> None:
        if not self._up.wait_ready(60):
            raise StandFailed(f"watchpost did not start; its log is {self._up.log}")

    def _sign_in(self) -> dict[str, Any]:
        try:
            return self._command("user", "create", _EMAIL)
        except StandFailed:  # there from the last time
            return self._command("user", "link", _EMAIL)

    def ask(self, path: str) -> Any:
        """``GET /v1/<path>``. Raises OSError."""
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.url}/v1/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def mind(self) -> None:
        for child in (self._mail, self._up):
            child.mind()

    def close(self) -> None:
        for child in (self._up, self._mail):
            child.stop()

    def _command(self, *arguments: str) -> dict[str, Any]:
        command = [*_MAIN, *arguments, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StandFailed(
                f"watchpost {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return dict(json.loads(done.stdout))

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        command = [sys.executable, "-m", module, *arguments]
        log = self.folder / f"{name.split(' ')[0]}.log"
        return Child(name, lambda: command, self._environ, ROOT, log, quit=signal.SIGTERM)

    def _environ(self) -> dict[str, str]:
        found = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WATCHPOST_", "DJANGO_"))
        }
        return found | {
            "WATCHPOST_DATA_DIR": str(self.folder / "data"),
            "WATCHPOST_LISTEN": f"127.0.0.1:{self.port}",
            "WATCHPOST_SITE_URL": self.url,
            "WATCHPOST_ALLOW_NETWORKS": "127.0.0.0/8,::1/128",
            "WATCHPOST_EGRESS_REFERENCES": "",  # the shop is on this machine: nothing outside is asked
            "WATCHPOST_RDAP_BOOTSTRAP": "",
            "WATCHPOST_FLAP_CHANGES": "1000",  # it is broken again and again, on purpose
            "WATCHPOST_EMAIL_URL": f"smtp://127.0.0.1:{self._mail_port}",
            "HEALTH_TOKEN": self._stand.health_token,
            **self._stand.watcher_environ,
        }
