"""`watchpost import healthchecks`: from one installation, which speaks that API, into another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.speaking import Project
from tests.e2e.installation import Installation, wait_for
from tests.postgres import database_setting
from tests.serving import Handler, Serving

Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def there(running: Installation) -> Project:
    """Where the checks are; of no other test."""
    project = Project.make(running, "Old shop")
    project.looking = project.token("--project", project.slug, "--read-only")
    return project


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    running = Installation(tmp_path_factory.mktemp("here"), 9, PING_RATE="100000", **database_setting("here"))
    try:
        running.sign_in_link()
        yield Project.make(running, "New shop")
    finally:
        running.close()


def bring(here: Project, url: str, key: str, *more: str) -> Ran:
    return here.running.command(
        "import", "healthchecks", "--url", url, "--api-key", key, "--project", here.slug, *more
    )


def checks(project: Project) -> dict[str, dict[str, Any]]:
    return {one["uuid"]: one for one in project.api("GET", "checks/").json["checks"]}


SAME = (
    "name", "slug", "tags", "desc", "grace", "timeout", "schedule", "tz", "methods", "manual_resume", "start_kw",
    "success_kw", "failure_kw", "filter_subject", "filter_body", "filter_http_body", "filter_default_fail", "status",
)  # fmt: skip


def test_a_project_moves_and_its_jobs_change_the_host_alone(there: Project, here: Project) -> None:
    made = [
        there.check(name="Backup", slug="backup", tags="prod db", desc="of ${HOME} at $5", timeout=600, grace=60),
        there.check(name="Backup", slug="backup", schedule="5 4 * * 1-5", tz="Europe/Riga", grace=900),
        there.check(name="", schedule="Mon *-*-* 03:00", tz="UTC", manual_resume=True, methods="POST"),
        there.check(name="Words", start_kw="go", success_kw="ok", failure_kw="bad,worse", filter_http_body=True,
                    filter_default_fail=True),
    ]  # fmt: skip
    there.api("POST", f"checks/{made[2]['uuid']}/pause", {})
    site = there.running.url
    planned = bring(here, site, there.key, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert checks(here) == {}
    brought = bring(here, f"{site}/api/v3/checks/", there.key, "--json")
    assert brought.returncode == 0, brought.stderr
    plan, done = json.loads(planned.stdout), json.loads(brought.stdout)
    assert plan | {"dry_run": False} == done
    assert (done["created"], done["missing"]) == (4, 0)
    before, after = checks(there), checks(here)
    assert set(before) == set(after) == {one["uuid"] for one in made}
    for code, check in before.items():
        assert {key: check.get(key) for key in SAME} == {key: after[code].get(key) for key in SAME}
    assert here.ping(made[0]).status == 200
    assert here.get(made[0])["status"] == "up"
    assert wait_for(lambda: here.get(made[0])["n_pings"] == 1, 5)

    again = json.loads(bring(here, site, there.key, "--json").stdout)
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 4)
    there.api("POST", f"checks/{made[0]['uuid']}", {"timeout": 1200, "tags": "prod"})
    there.api("POST", f"checks/{made[1]['uuid']}/pause", {})
    own = here.check(name="Of this server alone")
    ran = bring(here, site, there.looking)  # what it does not tell is known by now
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"~ Backup ({made[0]['uuid']})\n    tags:" in ran.stdout
    assert "period: 10m -> 20m" in ran.stdout
    assert "0 created, 1 changed, 3 as they were." in ran.stdout
    assert "it is paused there and not here" in ran.stdout
    changed = here.get(made[0])
    assert (changed["timeout"], changed["tags"], changed["n_pings"]) == (1200, "prod", 1)
    assert here.get(made[1])["status"] == "new"
    assert here.get(own) == own


def test_a_uuid_of_another_project_is_not_made_twice(there: Project, here: Project) -> None:
    there.check(name="Once")
    assert bring(here, there.running.url, there.key).returncode == 0
    other = Project.make(here.running, "Other shop")
    ran = bring(other, there.running.url, there.key, "--json")
    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    assert (told["created"], told["changed"]) == (0, 0)
    assert told["missing"] == len(checks(there))
    assert "its uuid is in the project new-shop here" in told["not_brought"][0]["why"]
    assert checks(other) == {}


def test_a_read_only_key_brings_nothing_new(there: Project, here: Project) -> None:
    third = Project.make(here.running, "Third shop")
    there.check()
    ran = bring(third, there.running.url, there.looking)
    assert ran.returncode == 1
    assert "a read-only key does not tell their uuid" in ran.stdout
    assert checks(third) == {}


class Odd(Serving):
    """A server of which ``reply`` says what it answers to a path: status, body and headers."""

    def __init__(self, reply: Callable[[str], tuple[int, bytes, dict[str, str]]]) -> None:
        self.keys: list[str | None] = []
        odd = self

        class Answers(Handler):
            def do_GET(self) -> None:
                odd.keys.append(self.headers["X-Api-Key"])
                self.answer(*reply(self.path))

        super().__init__(Answers, "")


def one_check(**more: Any) -> dict[str, Any]:
    code = str(uuid4())
    check = {"name": "Odd", "grace": 60, "timeout": 60, "ping_url": f"https://hc-ping.com/{code}"}
    return check | {"n_pings": 3, "status": "started", "channels": ""} | more


def test_where_there_is_no_v3_v1_is_asked_and_the_rest_is_brought(here: Project) -> None:
    rows = [one_check(), one_check(grace=1, name="Hasty"), one_check(name="Two\nlines \u202eturned"),
            one_check(name="\n\u200b"), one_check(name="N" * 101, desc="a\0b", tags="t" * 501)]  # fmt: skip

    def reply(path: str) -> tuple[int, bytes, dict[str, str]]:
        if "/v1/" not in path:
            return 404, b"<html>", {}
        if path.endswith("channels/"):
            told = {"channels": [{"id": "a", "name": "Room", "kind": "slack"}]}
            return 200, json.dumps(told).encode(), {}
        return 200, json.dumps({"checks": rows}).encode(), {}

    old = Odd(reply)
    try:
        ran = bring(here, f"{old.url}/", "k" * 32)
        again = bring(here, f"{old.url}/", "k" * 32)
    finally:
        old.close()
    assert ran.returncode == 1, ran.stderr
    codes = [one["ping_url"].rpartition("/")[2] for one in rows]
    brought = checks(here)
    assert [brought[code]["name"] for code in codes if code in brought] == ["Odd", "Two lines turned", "", ""]
    assert (brought[codes[4]]["desc"], brought[codes[4]]["tags"]) == ("a b", "")
    assert "grace is too small: 1" in ran.stdout
    assert (
        f"! name of Two lines turned ({codes[2]})\n    holds a line break or a control character\n    fix: "
        in ran.stdout
    )
    assert f"! name of {codes[3]} ({codes[3]})\n    holds nothing that can be seen\n    fix: " in ran.stdout
    assert "\n    name is too long\n    fix: it is left out" in ran.stdout
    assert "\n    tags is too long\n    fix: it is left out" in ran.stdout
    assert "channel Room (slack): " not in ran.stdout
    assert "! channel Room (slack)\n    there is no such kind here" in ran.stdout
    assert "4 created, 0 changed, 0 as they were, 1 could not be brought." in ran.stdout
    assert "0 created, 0 changed, 4 as they were, 1 could not be brought." in again.stdout


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, b'{"error": "wrong api key"}', "--api-key: "),
        (404, b"no", "--url: there is no API at "),
        (200, b"<html>Sign in</html>", "answers with a web page"),
        (200, b"[" * 100_000, "answers with what is no JSON"),
        (200, b'{"monitors": []}', "holds no list of checks"),
        (502, b"", "answers 502"),
        (429, b"", "answers 429; wait a minute"),
    ],
)
def test_what_is_wrong_there_is_one_line(here: Project, status: int, body: bytes, says: str) -> None:
    odd = Odd(lambda _path: (status, body, {}))
    try:
        ran = bring(here, odd.url, "k" * 32)
    finally:
        odd.close()
    assert_one_line(ran, says)


def test_the_key_goes_nowhere_else(here: Project) -> None:
    other = Odd(lambda _path: (200, b'{"checks": []}', {}))
    first = Odd(lambda path: (302, b"", {"Location": other.url + path}))
    try:
        assert_one_line(bring(here, first.url, "k" * 32), f"leads to {other.url}")
    finally:
        first.close()
        other.close()
    assert other.keys == [None]


def test_no_answer_no_address_and_no_key(here: Project) -> None:
    gone = Odd(lambda _path: (200, b"", {}))
    gone.close()
    assert_one_line(bring(here, gone.url, "k" * 32), "the connection was refused")
    assert_one_line(bring(here, "http://10.255.0.1/", "k" * 32), "WATCHPOST_ALLOW_NETWORKS")
    assert_one_line(bring(here, "hc.example.com", "k" * 32), "--url: the URL must begin with")
    assert_one_line(bring(here, gone.url, "two words"), "--api-key: this is no key")
    nobody = here.running.command("import", "healthchecks", "--url", gone.url, "--project", here.slug)
    assert_one_line(nobody, "--api-key: give the key")


def assert_one_line(ran: Ran, says: str) -> None:
    said = [line for line in ran.stderr.splitlines() if not line.startswith(("asking", "reading"))]
    assert (ran.returncode, ran.stdout, len(said)) == (2, "", 1), ran.stderr
    assert says in said[0]
