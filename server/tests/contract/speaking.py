"""What a client of Healthchecks sees: requests over HTTP to a running installation, and nothing else."""

from __future__ import annotations

import http.client
import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from tests.e2e.installation import Installation

MADE_UP = "07c2f548-9850-4b27-af5d-6c9dc157ec02"
_names = itertools.count(1)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


@dataclass
class Project:
    """A project of an installation with its keys: ``key`` may write, ``looking`` only look."""

    running: Installation
    slug: str
    key: str
    ping_key: str
    looking: str = ""
    all_projects: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, running: Installation, name: str) -> Project:
        made = json.loads(running.command("project", "create", name, "--json").stdout)
        slug = made.get("slug") or name.lower()
        return cls(running, slug, made["api_key"], made["ping_key"])

    def token(self, *more: str) -> str:
        made = self.running.command("token", "create", "--name", "t", "--json", *more)
        return str(json.loads(made.stdout)["token"])

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """``path`` may be a whole address of this installation."""
        parts = urlsplit(path)
        where = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=20)
        try:
            connection.request(method, where, body, headers or {})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, answer.read(), told)
        finally:
            connection.close()

    def api(self, method: str, path: str, body: Any = None, *, key: str | None = None, v: int = 3) -> Answer:
        """``key``: in the place of the project's own; empty: none. What is no bytes is sent as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        wanted = self.key if key is None else key
        return self.ask(method, f"/api/v{v}/{path}", sent, {"X-Api-Key": wanted} if wanted else {})

    def check(self, *, v: int = 3, **fields: Any) -> dict[str, Any]:
        """A new check, with a name of its own."""
        made = self.api("POST", "checks/", {"name": f"check {next(_names)}"} | fields, v=v)
        assert made.status == 201, made.text
        return dict(made.json)

    def quick(self, **spec: Any) -> dict[str, Any]:
        """A check with periods of seconds: Healthchecks' API makes none, this server's own does."""
        name = f"quick {next(_names)}"
        spec = {"project": self.slug, "kind": "heartbeat", "name": name} | spec
        bearer = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        made = self.ask("POST", "/v1/monitors", json.dumps(spec).encode(), bearer)
        assert made.status == 201, made.text
        return next(one for one in self.api("GET", "checks/").json["checks"] if one["name"] == name)

    def get(self, check: dict[str, Any], v: int = 3) -> dict[str, Any]:
        found = self.api("GET", f"checks/{check['uuid']}", v=v)
        assert found.status == 200, found.text
        return dict(found.json)

    def ping(
        self,
        check: dict[str, Any],
        more: str = "",
        method: str = "GET",
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(method, f"/ping/{check['uuid']}{more}", body, named)

    def pings(self, check: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.api("GET", f"checks/{check['uuid']}/pings/").json["pings"])

    def types(self, check: dict[str, Any]) -> list[str]:
        """Of its pings, the oldest first."""
        return [one["type"] for one in reversed(self.pings(check))]

    def flips(self, check: dict[str, Any], more: str = "") -> list[int]:
        """What its flips went to, the oldest first: 1 is up."""
        found = self.api("GET", f"checks/{check['uuid']}/flips/{more}").json["flips"]
        return [one["up"] for one in reversed(found)]


def some_slug() -> str:
    return f"slug-{uuid4().hex[:12]}"


def tag_in_url(tag: str) -> str:
    return quote(quote(tag, safe=""), safe="")
