"""Every snippet of a heartbeat's page does what it says: read off the page of a real server, and run."""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.installation import Installation, wait_for
from tests.e2e.test_pings import Pinged
from watchpost.heartbeats.recipes import RECIPES, Job

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "heartbeat-recipes.md"
EXAMPLE = Job(
    "https://watchpost.example/ping/0d8e4c5a-7f3b-4b7e-9a51-6f2c1d3e4b5a",
    "nightly-backup",
    server="https://watchpost.example",
    key="KPYNcvTQxBEG4UWmQyU2cw",
    name="nightly-backup",
)
SCRIPT = "/usr/local/bin/backup.sh"
curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing")


class Reader:
    """Somebody signed in, who reads snippets off the pages and sees what came of them."""

    def __init__(self, running: Installation) -> None:
        link = running.sign_in_link()
        self.running, self.pinged = running, Pinged(running)
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', self.page(link))
        assert token
        given = {"email": "ana@example.com", "password": "correct horse battery"}
        posted = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **given}).encode()
        self.opener.open(urllib.request.Request(link, posted, {"Referer": link}), timeout=20).close()

    def page(self, address: str) -> str:
        with self.opener.open(address, timeout=20) as answer:
            return str(answer.read().decode())

    def make(self, slug: str, spec: str = "") -> str:
        """The address of its page."""
        self.pinged.make(slug)
        return f"{self.running.url}/monitors/{self.pinged.monitor(slug)['id']}/"

    def snippet(self, address: str, key: str) -> str:
        found = re.search(
            r'class="snippet"><pre[^>]*>(.*?)</pre>', self.page(f"{address}?how={key}"), re.DOTALL
        )
        assert found, "the page has no snippet"
        return html.unescape(found[1])

    def signs(self, address: str) -> list[str]:
        """The results of the table of runs, the newest first; the ping that made it is the last."""
        return re.findall(r'tight">.*?<span class="\w+">([^<]+)</span>', self.page(address))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    running = Installation(tmp_path_factory.mktemp("recipes"), 9)
    try:
        yield Reader(running)
    finally:
        running.close()


def _shell(command: str, folder: Path, ends: int = 0, flags: str = "-c", **more: str) -> int:
    """Runs it with a backup.sh that ends so, here and in the place of the absolute one."""
    script = folder / "backup.sh"
    script.write_text(f"#!/bin/sh\necho dumping\nexit {ends}\n")
    script.chmod(0o755)
    command = command.replace(SCRIPT, str(script))
    done = subprocess.run(
        ["/bin/sh", flags, command], cwd=folder, env=os.environ | more, timeout=60, check=False
    )
    return done.returncode


def _crontab(text: str) -> str:
    fields = text.strip().split(None, 5)
    assert len(fields) == 6
    return fields[5]


def _unit(text: str, name: str) -> str:
    """The value of one line, as systemd hands it on."""
    found = re.search(rf"^{name}=-?(.*)$", text, re.MULTILINE)
    assert found
    return found[1].replace("$$", "$")


@curl
@pytest.mark.parametrize(("ends", "said"), [(0, "Done"), (3, "Failed")])
@pytest.mark.parametrize("key", ["curl", "command", "crontab", "kubernetes"])
def test_shells_pass_the_exit_code_on(reader: Reader, tmp_path: Path, key: str, ends: int, said: str) -> None:
    address = reader.make(f"{key}-{ends}")
    text = reader.snippet(address, key)
    if key == "kubernetes":
        job = yaml.safe_load(text)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
        assert job["command"][:2] == ["/bin/sh", "-c"]
        text = job["command"][2]
    _shell(_crontab(text) if key == "crontab" else text, tmp_path, ends)
    assert reader.signs(address) == [said, "Done"]
    assert f"exit code {ends}" in reader.page(address)


@curl
@pytest.mark.parametrize(("ends", "result", "said"), [(0, "success", "Done"), (1, "exit-code", "Failed")])
def test_a_systemd_unit(reader: Reader, tmp_path: Path, ends: int, result: str, said: str) -> None:
    address = reader.make(f"systemd-{ends}")
    text = reader.snippet(address, "systemd")
    assert _shell(_unit(text, "ExecStart"), tmp_path, ends) == ends
    after = shlex.split(_unit(text, "ExecStopPost"))
    assert after[:2] == ["/bin/sh", "-c"]
    assert _shell(after[2], tmp_path, SERVICE_RESULT=result) == 0
    assert reader.signs(address) == [said, "Done"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing")
def test_systemd_reads_the_unit_and_its_times(reader: Reader, tmp_path: Path) -> None:
    text = reader.snippet(reader.make("systemd-read"), "systemd")
    service, timer = re.split(r"^# \S+\.timer$", text, flags=re.MULTILINE)
    unit = tmp_path / "read.service"
    unit.write_text(service.replace(SCRIPT, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert str(unit.name) not in done.stderr, done.stderr
    times = ["systemd-analyze", "calendar", _unit(timer, "OnCalendar")]
    assert subprocess.run(times, capture_output=True, check=False).returncode == 0


@curl
@pytest.mark.parametrize(("ends", "said"), [(0, "Done"), (2, "Failed")])
def test_a_workflow_of_github(reader: Reader, tmp_path: Path, ends: int, said: str) -> None:
    address = reader.make(f"github-{ends}")
    read = yaml.safe_load(reader.snippet(address, "github"))
    [job] = read["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    assert steps[1]["if"] == "failure()"
    code = _shell(steps[0]["run"], tmp_path, ends, "-ec")  # as the runner calls it
    assert code == ends
    if code:
        _shell(steps[1]["run"], tmp_path, flags="-ec")
    assert reader.signs(address)[0] == said


def _broken(text: str) -> str:
    """The same work, failing."""
    return re.sub(r"(print|self\.stdout\.write)\(\"What the \w+ does\"\)", "1 / 0", text)


def _python(text: str, folder: Path) -> str:
    (folder / "job.py").write_text(text)
    return "import runpy; runpy.run_path('job.py')"


DJANGO = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'; django.setup();"


def _files(text: str, folder: Path) -> None:
    """Each of its files at the place that its first line names; settings stand behind those of a project."""
    (folder / "settings.py").write_text("INSTALLED_APPS = ['yourapp']\nSECRET_KEY = 'x' * 50\n")
    for part in re.split(r"^(?=# \S+\.py)", text, flags=re.MULTILINE):
        if part:
            name = part.removeprefix("# ").split(maxsplit=1)[0].rstrip(",")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("a") as file:
                file.write(part)


def _django(text: str, folder: Path) -> str:
    _files(text, folder)
    return f"{DJANGO} from django.core.management import call_command; call_command('nightly')"


def _celery(text: str, folder: Path) -> str:
    _files(text, folder)
    return (
        f"{DJANGO} from celery import Celery; app = Celery('a', set_as_current=True);"
        "from yourapp import tasks; done = tasks.nightly.apply(); done.get()"
    )


RUN: dict[str, Callable[[str, Path], str]] = {
    "python": _python, "django": _django, "celery": _celery, "django_alone": _django, "celery_alone": _celery,
}  # fmt: skip


@pytest.mark.parametrize(("breaks", "said"), [(False, "Done"), (True, "Failed")])
@pytest.mark.parametrize("key", list(RUN))
def test_python_says_how_it_ended(reader: Reader, tmp_path: Path, key: str, breaks: bool, said: str) -> None:
    if key.startswith("celery"):
        pytest.importorskip("celery")
    address = reader.make(f"{key.replace('_', '-')}-{said.lower()}")
    text = reader.snippet(address, key)
    program = RUN[key](_broken(text) if breaks else text, tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=environment | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) is breaks, done.stderr
    assert reader.signs(address) == [said, "Done"]
    assert wait_for(lambda: 'data-l="Took">0' in reader.page(address), 5)  # a start and its end are one run


def test_a_snippet_of_python_outlives_a_server_that_is_gone(tmp_path: Path) -> None:
    gone = Job("http://127.0.0.1:9/ping/0d8e4c5a-7f3b-4b7e-9a51-6f2c1d3e4b5a", "gone")
    text = next(one for one in RECIPES if one.key == "python").write(gone)
    done: Any = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "The heartbeat was not sent" in done.stdout


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.key)
def test_the_documentation_has_the_snippets_of_the_page(recipe: Any) -> None:
    text = DOCS.read_text("utf-8")
    assert f"## {recipe.title}\n" in text
    assert recipe.write(EXAMPLE) in text
