"""The setting: what cannot be used is one clear line that names it, and the application runs on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_watchpost.conf import Conf, read_conf
from django_watchpost.health.find import find_checks
from django_watchpost.health.process import gather

MINE = "tests.checks_of_mine"


def problems(**given) -> list[str]:
    conf = read_conf(given)
    return [str(one) for one in gather(conf).problems]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"HEALTH_TOKENS": "x"}, "WATCHPOST['HEALTH_TOKENS']: is not a setting; did you mean HEALTH_TOKEN?"),
        ({"HEALTH_PATHS": {"al": "/x/"}}, "WATCHPOST['HEALTH_PATHS']['al']: is unknown; did you mean all?"),
        ({"HEALTH_PATHS": {"all": "health"}}, "must be a path such as /health/, not 'health'; /health/ stands"),
        ({"HEALTH_PATHS": {"all": "/health/live/"}}, "gives 'all' and 'live' the same path /health/live/"),
        ({"HEALTH_PATHS": "/health/"}, "must be a dict, not str; the default stands"),
        ({"HEALTH_TOKEN": 7}, "must be a text or a list of texts; nobody sees details"),
        ({"HEALTH_TOKEN": "short"}, "is shorter than 16 characters and easily guessed"),
        ({"HEALTH_CHECKS": "auto"}, "must be a list of dotted paths"),
        ({"HEALTH_CHECKS": [7]}, "['HEALTH_CHECKS'][0]: must be a dotted path"),
        ({"HEALTH_CHECKS": ["shop.nowhere.Check"]}, "shop.nowhere.Check cannot be used: ModuleNotFoundError: No module named 'shop'"),
        ({"HEALTH_CHECKS": ["os.path.join"]}, "os.path.join cannot be used: TypeError: it is no Check but function"),
        ({"HEALTH_CHECKS": [(f"{MINE}.Fine", {"speed": 3})]}, "unexpected keyword argument 'speed'"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fin": {}}}, "['HEALTH_OVERRIDES']['fin']: fits no check; did you mean fine?"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fine": {"intervall": 3}}}, "has no field 'intervall'; there are critical, interval, tags, timeout, enabled"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fine": {"timeout": "5s"}}}, "timeout must be seconds from 0.5 to 86400, not '5s'"),
        ({"HEALTH_OVERRIDES": {"fine": 3}}, "must be a dict such as {'interval': 60}"),
        ({"HEALTH_GROUPS": {"ready": 3}}, "must be a list of ids"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_GROUPS": {"ready": ["fin"]}}, "['HEALTH_GROUPS']['ready']: 'fin' fits no check; did you mean fine?"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fine": {"critical": "no"}}}, "critical must be True or False, not 'no'"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fine": {"enabled": 0}}}, "enabled must be True or False, not 0"),
        ({"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_OVERRIDES": {"fine": {"tags": 5}}}, "tags must be a list, not 5"),
        ({"HEALTH_OVERRIDES": {"disk": {"degraded_from": "high"}}}, "degraded_from must be a number, not 'high'"),
        ({"HEALTH_CHECKS": [f"{MINE}.Careless"]}, "interval must be seconds from 0.5 to 86400, not '60'; 30.0 stands"),
        ({"HEALTH_CHECKS": [f"{MINE}.Careless"]}, "tags must be a list, not None; () stands"),
        ({"HEALTH_CHECKS": [f"{MINE}.Numbered"]}, "Numbered is left out: its id must be a text, not 5"),
        ({"HEALTH_CHECKS": [(f"{MINE}.Fine", {"critical": True}), (f"{MINE}.Fine", {"critical": False})]}, "['HEALTH_CHECKS'][1]: has the id 'fine' of another before it, which it replaces"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(given, says):
    assert any(says in one for one in problems(**given)), problems(**given)


def test_the_setting_as_a_whole():
    assert str(read_conf("on").problems[0]) == "WATCHPOST: must be a dict, not str; it is left out as a whole"
    assert read_conf({}).problems == ()


def test_overrides():
    found = find_checks(read_conf({
        "HEALTH_CHECKS": [f"{MINE}.Fine", f"{MINE}.Slow", f"{MINE}.Broken"],
        "HEALTH_OVERRIDES": {"f*": {"interval": 60, "tags": ["x"]}, "slow": {"enabled": False}, "broken": {"critical": False}},
    }))  # fmt: skip
    assert found.problems == ()
    assert set(found.checks) == {"fine", "broken"}
    assert (found.checks["fine"].interval, found.checks["fine"].tags) == (60, ("x",))
    assert found.checks["broken"].critical is False


def test_one_text_is_one_entry_and_not_its_letters():
    found = find_checks(read_conf({"HEALTH_OVERRIDES": {"disk": {"tags": "ready", "paths": "/srv"}}}))
    assert found.problems == ()
    assert (found.checks["disk"].tags, found.checks["disk"].paths) == (("ready",), ("/srv",))


def test_what_nobody_could_work_with_leaves_the_others_alone(ask, watch):
    """A wrong field of one check once made the whole endpoint say "degraded", 200, whatever was broken."""
    watch(HEALTH_CHECKS=[f"{MINE}.Careless", f"{MINE}.Numbered", f"{MINE}.Broken"])
    answer = ask()
    assert answer.status_code == 503
    assert json.loads(answer.content)["checks"] == {"careless": {"state": "ok"}, "broken": {"state": "error"}}


def test_one_of_the_agents_own_may_be_replaced_on_purpose():
    found = find_checks(read_conf({"HEALTH_CHECKS": ["auto", (f"{MINE}.Fine", {"id": "disk"})]}))
    assert found.problems == ()
    assert type(found.checks["disk"]).__name__ == "Fine"


def test_the_default_groups_may_be_empty():
    assert problems(HEALTH_CHECKS=[f"{MINE}.Broken"]) == []


def test_a_token_read_from_a_file_ends_with_a_new_line():
    assert read_conf({"HEALTH_TOKEN": "a-token-that-is-long-enough\n"}).tokens == (
        "a-token-that-is-long-enough",
    )


def test_one_path_that_cannot_be_imported_costs_that_check_alone(ask, watch):
    watch(HEALTH_CHECKS=["shop.nowhere.Check", f"{MINE}.Fine"], HEALTH_TOKEN="a-token-that-is-long-enough")
    body = json.loads(ask(HTTP_AUTHORIZATION="Bearer a-token-that-is-long-enough").content)
    assert set(body["checks"]) == {"fine"}
    assert "shop.nowhere.Check cannot be used" in body["problems"][0]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["all", "ready", "live", "fine"]), inner)
    ),
    max_leaves=8,
)
KEYS = ["DSN", "HEALTH_PATHS", "HEALTH_TOKEN", "HEALTH_CHECKS", "HEALTH_OVERRIDES", "HEALTH_GROUPS"]


@given(anything | st.dictionaries(st.sampled_from(KEYS), anything))
def test_nothing_in_the_setting_ends_the_application(value):
    conf = read_conf(value)
    assert isinstance(conf, Conf)
    gather(conf)
