"""What needs no broker: the tally of a worker, the shape of reports, where they are kept, and how looks are judged."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from celery import Celery

from django_watchpost.celery.application import expected_queues, find_app
from django_watchpost.celery.carrier import (
    CacheCarrier,
    FolderCarrier,
    Kept,
    Place,
    RedisCarrier,
    choose_place,
)
from django_watchpost.celery.depth import Depth
from django_watchpost.celery.judge import (
    BeatLimits,
    Crew,
    WorkerLimits,
    judge_beat,
    judge_live,
    judge_none,
    muster,
)
from django_watchpost.celery.lookout import Look
from django_watchpost.celery.report import BeatReport, Reports, WorkerReport, plain, sort_out
from django_watchpost.celery.tally import Glance, Tally
from django_watchpost.celery.words import lasting, listed
from django_watchpost.conf import read_conf
from tests import servers
from tests.celery_stack import HERE

LIMITS = WorkerLimits(stuck_after=300.0, takes_within=60.0)
BUSY = WorkerReport("w1", queues=("celery",), slots=2, running=2, prefetched=8, oldest_task="shop.film")


def look(ready: int = 10, waits_s: float = 100.0) -> Look:
    return Look(0.0, "redis", queues={"celery": Depth(ready)}, waits_s={"celery": waits_s} if ready else {})


def judge(*live: WorkerReport, at: Look | None = None) -> tuple[str, str]:
    result = judge_live(at or look(), Crew(live=live), LIMITS)
    return result.status.value, result.code


def test_the_tally_tells_a_long_task_from_many_short_ones():
    tally = Tally(began=0.0)
    tally.look(Glance(2, {"a": "film", "b": "mail"}, ["c"], 2), 10.0)
    tally.look(Glance(3, {"a": "film", "c": "mail"}, [], 2), 14.0)
    assert (tally.taken, tally.finished) == (14.0, 14.0)
    assert tally.oldest(20.0) == ("film", 10.0)
    assert tally.longest == {"mail": 4.0}
    assert tally.untaken_s(20.0) == 0.0
    tally.look(Glance(3, {}, ["d"], 2), 30.0)
    tally.look(Glance(3, {}, ["d"], 2), 35.0)
    assert tally.untaken_s(35.0) == 5.0, "a slot is free and d is not begun"
    tally.look(Glance(4, {"d": "mail"}, [], 2), 36.0)
    assert tally.untaken_s(36.0) == 0.0


def test_what_waits_behind_busy_slots_is_not_untaken():
    tally = Tally(began=0.0)
    tally.look(Glance(1, {"a": "film"}, ["b"], 1), 1.0)
    tally.look(Glance(1, {"a": "film"}, ["b"], 1), 500.0)
    assert tally.untaken_s(500.0) == 0.0


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (replace(BUSY, oldest_s=200, finished_s=200), ("ok", "")),
        (replace(BUSY, oldest_s=4000, finished_s=2), ("ok", "")),
        (replace(BUSY, oldest_s=400, finished_s=400), ("error", "celery.stuck")),
        (replace(BUSY, oldest_s=400, finished_s=400, longest_s=100), ("ok", "")),
        (replace(BUSY, oldest_s=501, finished_s=501, longest_s=100), ("error", "celery.stuck")),
        (replace(BUSY, running=1, untaken_s=61), ("error", "celery.stuck")),
        (replace(BUSY, running=0, prefetched=0, taken_s=61), ("error", "celery.not_answering")),
        (replace(BUSY, running=0, prefetched=0, taken_s=59), ("ok", "")),
        (replace(BUSY, running=0, prefetched=0, held=3, taken_s=900), ("ok", "")),
        (replace(BUSY, running=2, prefetched=0, taken_s=61), ("ok", "")),
        (replace(BUSY, running=0, prefetched=0, taken_s=900, queues=("mails",)), ("ok", "")),
    ],
)
def test_a_worker_by_its_report(report, state):
    assert judge(report) == state


def test_an_idle_worker_is_fine_and_one_of_two_that_hangs_degrades():
    idle = replace(BUSY, running=0, prefetched=0, taken_s=9000, finished_s=9000)
    assert judge(idle, at=look(0)) == ("ok", "")
    assert judge(idle, at=look(1, waits_s=2.0)) == ("ok", ""), "a task came this moment"
    hangs = replace(BUSY, node="w2", oldest_s=400, finished_s=400)
    assert judge(replace(BUSY, finished_s=1), hangs) == ("degraded", "celery.stuck")


def test_who_fell_silent_who_left_and_who_came_for_them():
    left = replace(BUSY, node="w2", state="left", age_s=20.0)
    lost = replace(BUSY, node="w3", age_s=100.0)
    crew = muster(Reports((BUSY, left, lost)), 30.0)
    assert (crew.live, crew.leaving, crew.lost) == ((BUSY,), (left,), (lost,))
    assert (
        judge_live(look(), replace(crew, live=(replace(BUSY, up_s=9000),)), LIMITS).code
        == "celery.no_workers"
    )
    assert judge_live(look(), replace(crew, live=(replace(BUSY, up_s=80),)), LIMITS).code == "", "an heir"
    assert judge_none(Crew(leaving=(left,)), 60.0).status.value == "ok"
    assert judge_none(Crew(leaving=(replace(left, age_s=61.0),)), 60.0).code == "celery.no_workers"
    assert judge_none(Crew(), 60.0) is None
    stopping = replace(BUSY, state="stopping", stopping_s=600.0, age_s=3.0)
    assert judge_none(Crew(leaving=(stopping,)), 60.0).code == "celery.no_workers", (
        "it ends its tasks for ten minutes"
    )


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"node": 5},
        {"node": "w", "queues": "celery"},
        {"node": "w", "queues": [1]},
        {"node": "w", "running": "many"},
        {"node": "w", "running": True},
        {"node": "w", "state": None},
    ],
)
def test_what_is_no_report_is_left_out(data):
    assert sort_out([Kept("worker:w", data, 1.0)]) == Reports()


def test_reports_survive_being_kept_and_what_a_later_version_adds():
    beat = BeatReport("here", 7, sent_s=3.0, sends_s=None)
    kept = [
        Kept("worker:w1", {**plain(BUSY), "queues": list(BUSY.queues), "new": {}, "age_s": 999}, 2.5),
        Kept("beat:here:7", plain(beat), 1.0),
        Kept("ran", {}, 4.0),
        Kept("something", {}, 4.0),
    ]
    assert sort_out(kept) == Reports((replace(BUSY, age_s=2.5),), (replace(beat, age_s=1.0),), 4.0)


@pytest.fixture(params=["folder", "cache", "redis"])
def carrier(request: pytest.FixtureRequest, tmp_path: Path, settings):
    if request.param == "folder":
        return FolderCarrier(tmp_path / "reports")
    if request.param == "redis":
        from redis import Redis

        return RedisCarrier(Redis(port=request.getfixturevalue("redis").port), "shop-")
    folder = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    settings.CACHES = {"default": folder}
    return CacheCarrier("default")


def test_a_carrier_gives_what_it_was_given(carrier):
    assert carrier.read() == []
    for name in ("worker:celery@web-1", "worker:../../etc/passwd", "worker:ü b"):
        carrier.write(name, {"node": name})
    carrier.write("worker:celery@web-1", {"node": "again"})
    found = {one.name: one for one in carrier.read()}
    assert set(found) == {"worker:celery@web-1", "worker:../../etc/passwd", "worker:ü b"}
    assert found["worker:celery@web-1"].data["node"] == "again"
    assert all(0 <= one.age_s < 5 for one in found.values())


def test_a_folder_that_may_not_be_read_is_not_an_empty_one():
    """Workers of another user were told as gone, and Beat as silent."""
    with TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        theirs = Path(place, "theirs")
        assert FolderCarrier(theirs).read() == []
        FolderCarrier(theirs).write("worker:w1", {"state": "running"})
        (report,) = theirs.iterdir()
        for kept, mode in ((theirs, 0o000), (report, 0o000)):
            theirs.chmod(0o755)
            kept.chmod(mode)
            with servers.as_nobody(), pytest.raises(PermissionError):
                FolderCarrier(theirs).read()
        with pytest.raises(NotADirectoryError):
            FolderCarrier(report / "reports").read()


def test_a_folder_forgets_what_is_old_and_reads_no_nonsense(tmp_path):
    carrier = FolderCarrier(tmp_path)
    carrier.write("worker:old", {"node": "old"})
    os.utime(tmp_path / "worker%3Aold.json", (1, 1))
    (tmp_path / "half.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    assert carrier.read() == []
    carrier.write("worker:new", {"node": "new"})
    assert [one.name for one in carrier.read()] == ["worker:new"]
    assert not (tmp_path / "worker%3Aold.json").exists()


def app_of(broker: str, **conf) -> Celery:
    app = Celery("shop", set_as_current=False)
    app.conf.update(broker_url=broker, **conf)
    return app


@pytest.mark.parametrize(
    ("broker", "wish", "place"),
    [
        ("redis://cache/0", "auto", Place("broker")),
        ("rediss://cache/0", "auto", Place("broker")),
        ("redis+socket:///run/redis.sock", "auto", Place("broker")),
        ("sentinel://a:1;sentinel://b:1", "auto", Place("broker")),
        ("redis://cache/0", "cache:other", Place("cache", "other")),
        ("redis://cache/0", "/run/shop", Place("folder", "/run/shop")),
        ("amqp://rabbit//", "auto", None),
        ("amqp://rabbit//", "broker", None),
        ("filesystem://", "auto", Place("folder", "/data/in/.watchpost")),
    ],
)
def test_where_reports_are_kept(broker, wish, place):
    app = app_of(broker, broker_transport_options={"data_folder_in": "/data/in"})
    assert choose_place(app, wish) == place


def test_only_a_cache_that_processes_share_is_chosen(settings):
    app = app_of("amqp://rabbit//")
    for backend, place in (
        ("django.core.cache.backends.locmem.LocMemCache", None),
        ("django.core.cache.backends.dummy.DummyCache", None),
        ("django.core.cache.backends.db.DatabaseCache", None),
        ("django.core.cache.backends.redis.RedisCache", Place("cache", "default")),
    ):
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://cache"}}
        assert choose_place(app, "auto") == place


def test_queues_are_known_from_all_that_names_them():
    routes = [{"a.*": {"queue": "by-dict"}, "b": "by-name"}, ("c", {"queue": "by-pair"}), lambda *a: None]
    beat = {"x": {"task": "t", "schedule": 5, "options": {"queue": "by-beat"}}}
    app = app_of("redis://", task_routes=routes, beat_schedule=beat, task_default_queue="main")

    @app.task(name="own", queue="by-task", shared=False)
    def own() -> None: ...

    found = expected_queues(app, ["told"])
    assert {"main", "by-dict", "by-name", "by-pair", "by-beat", "by-task", "told"} <= set(found)


def test_tasks_that_never_reach_a_broker_need_no_check(monkeypatch):
    from types import SimpleNamespace

    for app, is_found in (
        (app_of("redis://"), True),
        (app_of("memory://"), False),
        (app_of("redis://", task_always_eager=True), False),
    ):
        monkeypatch.setitem(sys.modules, "tests.celery", SimpleNamespace(app=app))
        assert (find_app() is app) == is_found


@pytest.mark.parametrize(
    ("value", "read", "is_wrong"),
    [
        (None, "auto", False),
        (True, "auto", False),
        (False, "off", False),
        ("cache:reports", "cache:reports", False),
        ("/run/shop", "/run/shop", False),
        ("somewhere", "auto", True),
        (5, "auto", True),
    ],
)
def test_the_setting(value, read, is_wrong):
    conf = read_conf({"CELERY": value})
    assert (conf.celery, bool(conf.problems)) == (read, is_wrong)


SCRIPT = """
import django; django.setup()
from django_watchpost.conf import read_conf
from django_watchpost.health.find import find_checks
import sys
print("celery" in sys.modules, *[one for one in find_checks(read_conf()).checks if "celery" in one or one == "beat"])
"""


@pytest.mark.parametrize(
    ("settings_module", "watchpost", "said"),
    [
        (
            "tests.shop.settings",
            "{}",
            "True celery.broker celery.queues celery.consumers celery.workers beat",
        ),
        ("tests.shop.settings", '{"CELERY": false}', "True"),
        ("tests.settings", "{}", "False"),
    ],
)
def test_a_web_process_finds_the_checks_and_loads_nothing(settings_module, watchpost, said):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "SHOP_BROKER": "redis://127.0.0.1:1/0",
        "SHOP_WATCHPOST": watchpost,
        "PYTHONPATH": f"{HERE / 'src'}:{HERE}",
    }
    out = subprocess.run([sys.executable, "-c", SCRIPT], env=env, cwd=HERE, capture_output=True, text=True)
    words = out.stdout.split()
    assert (set(words), out.stderr) == (set(said.split()), "")


def test_words():
    assert [lasting(one) for one in (0.4, 45, 119, 200, 7500)] == [
        "0 s",
        "45 s",
        "119 s",
        "3 min",
        "2 h 5 min",
    ]
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_numbers_of_tasks_are_said_as_people_say_them():
    from django_watchpost.celery.words import waiting_tasks

    assert [waiting_tasks(1), waiting_tasks(2), waiting_tasks(1500)] == [
        "1 task waits",
        "2 tasks wait",
        "1,500 tasks wait",
    ]


def test_a_silent_beat_may_hang_and_one_that_left_does_not():
    limits = BeatLimits(silent_after=30.0, ticks_within=60.0, grace=60.0, runs_within=90.0, overlap=60.0)
    silent = BeatReport("here", 812, state="running", ticks=5, age_s=90.0)
    told = [
        judge_beat(replace(look(), reports=Reports(beats=(one,))), limits, is_early=False)
        for one in (silent, replace(silent, state="left"))
    ]
    assert [one.code for one in told] == ["beat.silent", "beat.silent"]
    assert "pid 812) is there: then it hangs, restart it" in told[0].fix
    assert "hangs" not in told[1].fix


@pytest.mark.parametrize(("overlap", "code"), [(30.0, "beat.twice"), (50.0, "")])
def test_two_beats_are_told_after_the_overlap_of_a_release(overlap, code):
    beats = tuple(BeatReport("here", pid, ticks=5, up_s=up_s) for pid, up_s in ((7, 900.0), (8, 40.0)))
    limits = BeatLimits(silent_after=30.0, ticks_within=60.0, grace=60.0, runs_within=90.0, overlap=overlap)
    at = replace(look(), reports=Reports(beats=beats))
    assert judge_beat(at, limits, is_early=False).code == code
