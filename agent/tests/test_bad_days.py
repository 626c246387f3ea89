"""What must not matter: a flood, an event loop, two applications in one process, a broken agent, I/O."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory

from django_watchpost import guard as guarding
from django_watchpost.health import process
from django_watchpost.middleware import WatchpostMiddleware
from tests import checks_of_mine as mine
from tests.test_runner import PROGRAM, python

MINE = "tests.checks_of_mine"

LISTENS = (
    PROGRAM
    + """
seen = []
def hook(event, args):
    if listening and event not in ("object.__getattr__", "compile", "exec"):
        seen.append(event)
listening = False
sys.addaudithook(hook)
request = RequestFactory().get("/health/")
ask(); ask()
listening = True
for _ in range(200):
    app.get_response(request)
listening = False
print(sorted(set(seen)))
"""
)


def test_a_hit_opens_nothing_and_asks_nobody():
    done = python(LISTENS, "", "Fine")
    assert done.stdout == "[]\n", done.stderr + done.stdout


def test_a_flood_runs_no_check_more_often(ask, watch):
    mine.runs.clear()
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    handler = WSGIHandler()
    request = RequestFactory().get("/health/")
    for _ in range(5000):
        handler.get_response(request)
    assert mine.runs == ["fine"]
    assert threading.active_count() < 10


async def test_under_asgi_the_first_asker_does_not_hold_the_event_loop(live, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Hangs"])
    mine.release.clear()
    handler, turns = ASGIHandler(), 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    task = asyncio.create_task(turn())
    try:
        answer = await handler.get_response_async(
            AsyncRequestFactory().get("/health/", headers={"host": "10.0.0.1"})
        )
    finally:
        task.cancel()
        mine.release.set()
    assert json.loads(answer.content)["checks"]["fine"] == {"state": "ok"}
    assert answer.status_code == 503, "the check that hangs let its deadline of half a second pass"
    assert turns > 20


async def test_under_asgi_everything_else_passes(live, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    answer = await ASGIHandler().get_response_async(AsyncRequestFactory().get("/nowhere/"))
    assert answer.status_code in (301, 404)


def test_two_applications_in_one_process_share_the_checks(ask, watch):
    mine.runs.clear()
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    for handler in (WSGIHandler(), WSGIHandler()):
        assert handler.get_response(RequestFactory().get("/health/")).status_code == 200
    assert mine.runs == ["fine"]


def test_many_first_askers_start_one_runner(ask, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"])
    handler = WSGIHandler()
    threads = [
        threading.Thread(target=handler.get_response, args=(RequestFactory().get("/health/"),))
        for _ in range(30)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one.name == "watchpost-health" for one in threading.enumerate()) == 1


def test_a_broken_agent_takes_nobody_out_of_service(ask, monkeypatch, caplog):
    monkeypatch.setattr("django_watchpost.health.answer.watching", lambda: 1 / 0)
    guarding._told.clear()
    for _ in range(3):
        answer = ask()
        assert (answer.status_code, json.loads(answer.content)["status"]) == (200, "degraded")
    said = [one for one in caplog.records if "django-watchpost failed" in one.message]
    assert len(said) == 1, "once a minute, not at every probe"
    assert guarding.dropped()["django_watchpost.middleware"] >= 3


def test_settings_nobody_can_read_leave_the_application_as_it_is(monkeypatch):
    monkeypatch.setattr("django_watchpost.middleware.read_conf", lambda: 1 / 0)
    middleware = WatchpostMiddleware(lambda request: HttpResponse("shop"))
    assert middleware(RequestFactory().get("/health/")).content == b"shop"


def test_in_a_test_run_the_checks_run_there_and_then(watch):
    """No thread, and on the connections of the test: what a project's own tests want to see."""
    watch(HEALTH_CHECKS=[f"{MINE}.Fine", f"{MINE}.Broken"])
    before = threading.active_count()
    answer = Client().get("/health/")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "error",
        "checks": {"fine": {"state": "ok"}, "broken": {"state": "error"}},
    }
    assert threading.active_count() == before
    assert process._watch is None


@pytest.mark.django_db
def test_in_a_test_run_the_transaction_of_the_test_survives(watch):
    from django.contrib.auth.models import Group

    watch(HEALTH_CHECKS=["django_watchpost.health.checks.database.Database"])
    Group.objects.create(name="before")
    assert Client().get("/health/").status_code == 200
    assert Group.objects.filter(name="before").exists()


def test_a_clock_that_jumps_changes_no_age(ask, watch, monkeypatch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"], HEALTH_TOKEN="a-token-that-is-long-enough")
    headers = {"HTTP_AUTHORIZATION": "Bearer a-token-that-is-long-enough"}
    ask(**headers)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= json.loads(ask(**headers).content)["checks"]["fine"]["age_s"] < 5
