"""``manage.py watchpost`` and the system checks: what is wrong with the set-up, and how it is mended."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core import checks
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import path

MINE = "tests.checks_of_mine"
OURS = "django_watchpost.middleware.WatchpostMiddleware"
SECURITY = "django.middleware.security.SecurityMiddleware"
TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def tell(live, watch):
    def call(code: int = 0, **conf) -> str:
        watch(**{"HEALTH_CHECKS": [f"{MINE}.Fine"], "HEALTH_TOKEN": TOKEN, **conf})
        out = StringIO()
        if code:
            with pytest.raises(SystemExit) as ended:
                call_command("watchpost", stdout=out, no_color=True)
            assert ended.value.code == code
        else:
            call_command("watchpost", stdout=out, no_color=True)
        return out.getvalue()

    return call


def test_all_is_well(tell):
    assert tell() == (
        "ok    app: django_watchpost is installed.\n"
        "ok    middleware: The middleware stands first.\n"
        "ok    /health/: It answers 200, ok.\n"
        "ok    /health/ready/: It answers 200, ok.\n"
        "ok    /health/live/: It answers 200, ok.\n"
        "ok    token: Whoever sends the token sees messages and values.\n"
        "ok    fine: All is well. (12.5 ms)\n"
        "All 7 are fine.\n"
    )


def test_the_middleware_is_missing(tell, settings, caplog):
    settings.MIDDLEWARE = [SECURITY]
    said = tell(code=1)
    assert "FAIL  middleware: The middleware is missing: nothing answers.\n" in said
    assert "FAIL  /health/: It answers 400 to a probe that asks by address and http." in said
    assert not caplog.records, "an examination must not mail the admins"


def test_the_middleware_stands_behind_another(tell, settings):
    settings.MIDDLEWARE = [SECURITY, OURS]
    said = tell(code=1)
    assert (
        "warn  middleware: The middleware stands behind SecurityMiddleware, which may turn probes away."
        in said
    )


def test_no_token(tell):
    assert "warn  token: There is no token" in tell(HEALTH_TOKEN="")


def test_a_check_that_fails_and_one_that_hangs(tell):
    said = tell(code=1, HEALTH_CHECKS=[f"{MINE}.Broken", f"{MINE}.Hangs", f"{MINE}.Slow"])
    assert "FAIL  broken: It is broken.\n      Mend it.\n" in said
    assert "FAIL  hangs: It did not answer within 0.5 s." in said
    assert "warn  slow: It is slow." in said


def test_what_is_not_critical_does_not_fail_the_command(tell):
    said = tell(HEALTH_CHECKS=[f"{MINE}.Broken"], HEALTH_OVERRIDES={"broken": {"critical": False}})
    assert "warn  broken: It is broken." in said


def test_a_view_that_is_never_reached(tell, settings):
    settings.ROOT_URLCONF = "tests.test_doctor"
    assert (
        "warn  /health/: Your URLconf has tests.test_doctor.own_health there, which is never reached."
        in tell()
    )


def own_health(request):
    return HttpResponse("ok")


urlpatterns = [path("health/", own_health), path("<path:anything>", own_health)]


def test_for_programs(live, watch):
    watch(HEALTH_CHECKS=[f"{MINE}.Fine"], HEALTH_TOKEN=TOKEN)
    out = StringIO()
    call_command("watchpost", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert said["ok"] is True
    assert said["advice"][-1]["name"] == "fine"


def test_system_checks_are_warnings_and_name_the_key(settings):
    settings.WATCHPOST = {"HEALTH_TOKENS": "x"}
    settings.MIDDLEWARE = [SECURITY, OURS]
    listed = [one for one in checks.run_checks() if str(one.id).startswith("watchpost.")]
    found = {one.id: one for one in listed}
    assert set(found) == {"watchpost.W002", "watchpost.W003"}
    assert len(listed) == 2, "each is said once"
    assert all(one.level == checks.WARNING for one in found.values())
    assert found["watchpost.W003"].msg.endswith("did you mean HEALTH_TOKEN?")


def test_a_good_set_up_has_no_system_check(settings):
    settings.WATCHPOST = {}
    assert not [one for one in checks.run_checks() if str(one.id).startswith("watchpost.")]
