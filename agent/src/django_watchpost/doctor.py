"""Looks at how the agent is set up in this project, and says what to mend.

``standing`` reads settings alone and is what Django's system checks show; ``examine`` also asks the endpoint
through the project's real handler and runs every check once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

from django_watchpost.conf import Conf, read_conf
from django_watchpost.health.contract import Status
from django_watchpost.health.process import Watch, gather
from django_watchpost.health.runner import Reading
from django_watchpost.heartbeats.target import misused, used

APP, MIDDLEWARE = "django_watchpost", "django_watchpost.middleware.WatchpostMiddleware"
_STRANGE_HOST = "203.0.113.7"  # RFC 5737: no project allows it, and every load balancer sends one like it


@dataclass(frozen=True, slots=True)
class Advice:
    """``state``: ok, warning or error. ``id``: of the system check, where it is one."""

    state: str
    name: str
    sentence: str
    fix: str = ""
    id: str = ""


def standing(conf: Conf) -> Iterator[Advice]:
    """What the settings show. Imports checks and opens nothing."""
    yield _installed()
    yield _first()
    for problem in gather(conf).problems:
        sentence = str(problem) if str(problem).endswith((".", "?")) else f"{problem}."
        yield Advice("warning", "setting", sentence, "Mend the setting.", "watchpost.W003")
    yield from _heartbeats(conf)


def examine() -> Iterator[Advice]:
    """Everything, in the order somebody would mend it."""
    conf = read_conf()
    yield from standing(conf)
    yield from _paths(conf)
    yield _token(conf)
    yield from _results(conf)


def _installed() -> Advice:
    if any(one == APP or one.startswith(f"{APP}.") for one in settings.INSTALLED_APPS):
        return Advice("ok", "app", "django_watchpost is installed.")
    fix = f'Add "{APP}" to INSTALLED_APPS.'
    return Advice("error", "app", "django_watchpost is not in INSTALLED_APPS.", fix, "watchpost.W001")


def _first() -> Advice:
    listed = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in listed:
        fix = f'Make "{MIDDLEWARE}" the first of MIDDLEWARE.'
        return Advice(
            "error", "middleware", "The middleware is missing: nothing answers.", fix, "watchpost.W002"
        )
    before = [one.rpartition(".")[2] for one in listed[: listed.index(MIDDLEWARE)]]
    if before:
        words = f"The middleware stands behind {', '.join(before)}, which may turn probes away."
        fix = "Make it the first of MIDDLEWARE."
        return Advice("warning", "middleware", words, fix, "watchpost.W002")
    return Advice("ok", "middleware", "The middleware stands first.")


def _heartbeats(conf: Conf) -> Iterator[Advice]:
    """Those that this process has imported."""
    for slug, problem in misused():
        yield Advice(
            "warning", "heartbeat", f"The heartbeat {slug!r} {problem}.", "Mend it.", "watchpost.W005"
        )
    if used() and conf.ping is None and not any("['PING_" in one.where for one in conf.problems):
        words = (
            f"Nobody is told of the heartbeats {', '.join(sorted(used())[:5])}: WATCHPOST has no PING_URL."
        )
        fix = 'Set WATCHPOST = {"PING_URL": "https://…", "PING_KEY": os.environ["WATCHPOST_PING_KEY"]}.'
        yield Advice("warning", "heartbeat", words, fix, "watchpost.W004")


def _paths(conf: Conf) -> Iterator[Advice]:
    """Each path as a probe asks it: by address instead of name, and by http."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    try:
        handler = WSGIHandler()
    except Exception as problem:  # noqa: BLE001  the project's own middleware
        words = f"The application cannot be built: {type(problem).__name__}: {problem}"
        yield Advice("error", "application", words, "Mend that first: nothing answers at all.")
        return
    for group, path in conf.paths.items():
        request = RequestFactory().get(path, HTTP_HOST=_STRANGE_HOST)
        with _silence():
            answer: Any = handler.get_response(request)
        said = _json(answer.content)
        if answer.status_code in (200, 503) and said.get("status") in tuple(Status):
            yield Advice("ok", path, f"It answers {answer.status_code}, {said['status']}.")
        else:
            words = f"It answers {answer.status_code} to a probe that asks by address and http."
            yield Advice(
                "error", path, words, "Put the middleware first; ALLOWED_HOSTS and redirects come after it."
            )
        if group == "all" and (view := _view_at(path)):
            words = f"Your URLconf has {view} there, which is never reached."
            yield Advice("warning", path, words, f"Take it out, or set WATCHPOST['HEALTH_PATHS']['{group}'].")


@contextmanager
def _silence() -> Iterator[None]:
    """A refused host is logged as an error and mailed to the admins; here it was on purpose."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _json(content: bytes) -> Mapping[str, Any]:
    with suppress(ValueError):
        read = json.loads(content)
        return read if isinstance(read, dict) else {}
    return {}


def _view_at(path: str) -> str:
    """The view that the URLconf names for exactly this path; a pattern for everything is no view of it."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    except Exception:  # noqa: BLE001  a URLconf that cannot be imported is told by Django itself
        return ""
    literal = "".join(match.route.split("<")[:1]).strip("^$/")
    return match._func_path if literal == path.strip("/") else ""


def _token(conf: Conf) -> Advice:
    if conf.tokens:
        return Advice("ok", "token", "Whoever sends the token sees messages and values.")
    words = "There is no token: nobody, the monitor either, sees more than names and states."
    fix = 'Set WATCHPOST = {"HEALTH_TOKEN": os.environ["WATCHPOST_HEALTH_TOKEN"]} and give it to the monitor.'
    return Advice("warning", "token", words, fix)


def _results(conf: Conf) -> Iterator[Advice]:
    """Every check, run once under its own deadline, as they run in the background."""
    watch = gather(conf)
    if not watch.groups["all"]:
        yield Advice("warning", "checks", "No check runs.", 'Leave out HEALTH_CHECKS, or name "auto" in it.')
        return
    for reading in _run_once(watch):
        yield _advice(reading)


def _run_once(watch: Watch) -> list[Reading]:
    readings = watch.runner.snapshot.readings
    longest = max(one.check.timeout for one in readings.values())
    began = monotonic()
    watch.runner.start()
    watch.runner.wait(readings, longest + 5)
    watch.runner.stop()
    assert monotonic() - began < longest + 10  # noqa: S101  deadlines hold
    return list(watch.runner.snapshot.readings.values())


_STATES = {Status.OK: "ok", Status.DEGRADED: "warning", Status.ERROR: "error", Status.UNKNOWN: "warning"}


def _advice(reading: Reading) -> Advice:
    check, result = reading.check, reading.result
    words = result.message or ("It works." if result.status is Status.OK else f"It is {result.status.value}.")
    if result.observed is not None and result.unit and result.status is Status.OK:
        words = f"{words} ({result.observed:g} {result.unit})"
    state = _STATES[result.status] if check.critical or result.status is not Status.ERROR else "warning"
    return Advice(state, check.id, words, result.fix if state != "ok" else "")
