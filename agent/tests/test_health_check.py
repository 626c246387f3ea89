"""Both ways with django-health-check: version 4 in this process, version 3 in one of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import RequestFactory, override_settings

from django_watchpost.compat.health_check import Watchpost, watchpost_checks
from django_watchpost.conf import read_conf
from django_watchpost.health.find import find_checks
from django_watchpost.health.run import run_check

health_check = pytest.importorskip("health_check.base")
exceptions = pytest.importorskip("health_check.exceptions")
MINE = "tests.checks_of_mine"
HERE = Path(__file__).parent.parent
OLDER = Path(sys.prefix) / "older"


@dataclasses.dataclass
class Theirs(health_check.HealthCheck):
    says: str = ""

    def run(self):
        if self.says == "warning":
            raise exceptions.ServiceWarning("the bank is slow")
        if self.says == "down":
            raise exceptions.ServiceUnavailable("the bank is closed")
        if self.says == "bug":
            raise ZeroDivisionError("division by zero")


@dataclasses.dataclass
class TheirsAsync(Theirs):
    async def run(self):
        Theirs.run(self)


@pytest.mark.parametrize("kind", [Theirs, TheirsAsync])
@pytest.mark.parametrize(
    ("says", "state", "words"),
    [
        ("", "ok", ""),
        ("warning", "degraded", "Warning: the bank is slow"),
        ("down", "error", "Unavailable: the bank is closed"),
        ("bug", "error", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_check_of_theirs_runs_here(kind, says, state, words):
    (check,) = find_checks(read_conf({"HEALTH_CHECKS": [(kind, {"says": says})]})).checks.values()
    result = run_check(check, gives_back=False)
    assert (result.status.value, result.message) == (state, words)


def test_a_pasted_list_of_checks():
    """As it stands in ``HealthCheckView.as_view(checks=[...])``."""
    found = find_checks(read_conf({"HEALTH_CHECKS": [
        "health_check.checks.Cache", ("health_check.checks.Database", {"alias": "default"}),
        ("health_check.checks.Cache", {"alias": "sessions"}), "health_check.checks.Storage", (Theirs, {"says": "a"}), (Theirs, {"says": "b"}),
    ]}))  # fmt: skip
    assert found.problems == ()
    assert set(found.checks) == {"cache", "database", "cache.sessions", "storage", "theirs", "theirs-2"}


def test_the_name_of_a_container_makes_no_new_check_at_each_deploy():
    pytest.importorskip("dns")
    found = find_checks(read_conf({"HEALTH_CHECKS": ["health_check.checks.DNS", ("health_check.checks.DNS", {"hostname": "shop.example.com"})]}))  # fmt: skip
    assert set(found.checks) == {"dns", "dns.shop.example.com"}


def test_theirs_beside_ours_of_the_same_name():
    conf = read_conf({"HEALTH_CHECKS": ["auto", "health_check.checks.Database"]})
    assert {"database", "database-2"} <= set(find_checks(conf).checks)


@override_settings(ALLOWED_HOSTS=["*"])
def test_ours_in_their_view(live, watch):
    from health_check.views import HealthCheckView

    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    view = HealthCheckView.as_view(checks=watchpost_checks())
    answer = _ask(view)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"Watchpost(check='fine')": "OK"})
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken", f"{MINE}.Slow"])
    body = json.loads(_ask(HealthCheckView.as_view(checks=watchpost_checks())).content)
    assert body == {
        "Watchpost(check='fine')": "OK",
        "Watchpost(check='broken')": "Unavailable: It is broken.",
        "Watchpost(check='slow')": "Warning: It is slow.",
    }


def test_a_check_that_does_not_exist(live, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    with pytest.raises(exceptions.ServiceUnavailable, match="there is no check 'fin'"):
        Watchpost(check="fin").run()


def _ask(view):
    import asyncio

    request = RequestFactory().get("/", HTTP_ACCEPT="application/json")
    answer = view(request)
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


THREE = """
import json, os, django
from django.conf import settings
settings.configure(SECRET_KEY="x", DATABASES={}, ALLOWED_HOSTS=["*"], HEALTH_CHECK={"WARNINGS_AS_ERRORS": False},
    INSTALLED_APPS=["health_check", "health_check.cache", "health_check.storage", "django_watchpost"],
    WATCHPOST={"HEALTH_CHECKS": ["tests.checks_of_mine.Fine", "tests.checks_of_mine.Slow", "health_check.plugins.plugin_dir"]})
django.setup()
import health_check
from health_check.backends import HealthCheck
from health_check.exceptions import ServiceWarning
from health_check.plugins import plugin_dir
class Mine(HealthCheck):
    critical_service = False
    def check_status(self):
        self.add_error("the bank is closed")
        self.add_error(ServiceWarning("and slow"))
plugin_dir.register(Mine)
from django_watchpost.conf import read_conf
from django_watchpost.health.find import find_checks
from django_watchpost.health.run import run_check
checks = find_checks(read_conf()).checks
said = {name: run_check(one) for name, one in checks.items()}
print(json.dumps({name: [one.status.value, one.message, checks[name].critical] for name, one in said.items()}))
settings.WATCHPOST["HEALTH_CHECKS"].pop()
plugin_dir.reset()
from django_watchpost.compat.health_check import register_watchpost_checks
register_watchpost_checks()
from health_check.views import MainView
from django.test import RequestFactory
answer = MainView.as_view()(RequestFactory().get("/", HTTP_ACCEPT="application/json"))
print(answer.status_code, answer.content.decode())
os._exit(0)
"""


def test_both_ways_with_version_3():
    assert OLDER.exists(), "make .venv/.dev puts it there"
    env = {**os.environ, "PYTHONPATH": f"{OLDER}:{HERE}/src:{HERE}"}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", THREE],
        env=env,
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout, done.stderr
    here, there = done.stdout.splitlines()
    said = json.loads(here)
    assert said["fine"] == ["ok", "All is well.", True]
    assert said["mine"][0] == "error"
    assert "the bank is closed" in said["mine"][1]
    assert "and slow" in said["mine"][1]
    assert said["mine"][2] is False
    assert said["cache"][0] == "ok"
    status, _, body = there.partition(" ")
    shown = json.loads(body)
    assert shown["Watchpost(check='fine')"] in ("OK", "working")
    assert "It is slow." in shown["Watchpost(check='slow')"]
    assert status == "200", "a warning is none of their errors when they say so"
