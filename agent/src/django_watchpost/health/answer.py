"""Answers whoever asks how the application is, from the last results alone: no I/O, whatever is broken."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from hmac import compare_digest

from django.http import HttpRequest, HttpResponse

from django_watchpost import __version__
from django_watchpost.conf import Conf
from django_watchpost.health.contract import Status
from django_watchpost.health.process import Watch, gather, is_testing, watching
from django_watchpost.health.report import HEALTH_JSON, JSON, TEXT, Report, fresh, sum_up, write
from django_watchpost.health.run import run_check
from django_watchpost.health.runner import Reading, Runner

FIRST_S = 1.0  # who asks first waits this long for the first results, and nobody waits after that
_POLL_S = 0.01
_ALIVE = b'{"status": "ok"}'
_METHODS = ("GET", "HEAD")
_NOT_OURS = "The token is not the one in WATCHPOST['HEALTH_TOKEN']; details are hidden."
_BEGAN = time.monotonic()


class Endpoint:
    """The paths of the endpoint and what they answer."""

    def __init__(self, conf: Conf) -> None:
        self._tokens = tuple(one.encode() for one in conf.tokens)
        # With and without the slash at the end: probes do not follow redirects.
        self.groups = {
            spelt: name for name, path in conf.paths.items() for spelt in (path, path.rstrip("/") or "/")
        }

    def answer(self, request: HttpRequest, group: str) -> HttpResponse:
        """Waits only for the very first results of this process, at most a second."""
        if (early := _early(request, group)) is not None:
            return early
        if is_testing():
            return self._write(request, _run_now(group))
        watch = watching()
        watch.runner.wait(watch.groups[group], FIRST_S)
        return self._cached(request, group, watch)

    async def answer_async(self, request: HttpRequest, group: str) -> HttpResponse:
        """The same without holding up the event loop."""
        if (early := _early(request, group)) is not None:
            return early
        if is_testing():
            return self._write(request, await asyncio.to_thread(_run_now, group))
        watch = watching()
        await _wait(watch.runner, watch.groups[group])
        return self._cached(request, group, watch)

    def _cached(self, request: HttpRequest, group: str, watch: Watch) -> HttpResponse:
        """A stranger's answer is written once for all who ask until a result changes it."""
        snapshot, now = watch.runner.snapshot, time.monotonic()
        if now <= snapshot.good_until and "HTTP_AUTHORIZATION" not in request.META:
            key = (group, _kind(request))
            known = snapshot.rendered.get(key)
            if known is None:
                known = self._render(request, _report(watch, group, now), is_told_all=False)
                snapshot.rendered[key] = known
            return _respond(request, *known)
        return self._write(request, _report(watch, group, now))

    def _write(self, request: HttpRequest, report: Report) -> HttpResponse:
        is_told_all, has_wrong = self._may_know(request)
        response = _respond(request, *self._render(request, report, is_told_all))
        if has_wrong:
            response["WWW-Authenticate"] = 'Bearer realm="health", error="invalid_token"'
            response["X-Watchpost-Token"] = _NOT_OURS
        return response

    def _render(self, request: HttpRequest, report: Report, is_told_all: bool) -> tuple[bytes, str, int]:
        kind = _kind(request)
        return write(report, kind, is_told_all, time.monotonic()), kind, _status(report.status)

    def _may_know(self, request: HttpRequest) -> tuple[bool, bool]:
        """Whether the sender is told all, and whether a token was sent that is none."""
        scheme, _, given = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
        if scheme.lower() != "bearer":
            return False, False
        sent = given.strip().encode("utf-8", "surrogateescape")
        fits = [compare_digest(sent, one) for one in self._tokens]  # each of them: no time tells which
        return any(fits), not any(fits)


def _early(request: HttpRequest, group: str) -> HttpResponse | None:
    """What needs no results: another method, and whether the process is alive."""
    if request.method not in _METHODS:
        response = HttpResponse(status=204 if request.method == "OPTIONS" else 405)
        response["Allow"] = "GET, HEAD, OPTIONS"
        return _quiet(response)
    if group == "live":
        kind = _kind(request)
        body = {TEXT: b"ok\n", HEALTH_JSON: b'{"status": "pass"}'}.get(kind, _ALIVE)
        return _respond(request, body, kind, 200)
    return None


def _kind(request: HttpRequest) -> str:
    accept = str(request.META.get("HTTP_ACCEPT", "")).lower()
    if HEALTH_JSON in accept:
        return HEALTH_JSON
    is_text = TEXT in accept and JSON not in accept and "text/html" not in accept
    return TEXT if is_text or request.META.get("QUERY_STRING") == "format=text" else JSON


def _status(status: Status) -> int:
    return 503 if status is Status.ERROR else 200


def _respond(request: HttpRequest, body: bytes, kind: str, status: int) -> HttpResponse:
    charset = "; charset=utf-8" if kind == TEXT else ""
    response = HttpResponse(
        b"" if request.method == "HEAD" else body, content_type=kind + charset, status=status
    )
    response["Content-Length"] = str(len(body))
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept, Authorization"
    return _quiet(response)


def _quiet(response: HttpResponse) -> HttpResponse:
    """Django would log each 503 as an error and mail it to the admins, at every probe."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


async def _wait(runner: Runner, ids: Iterable[str]) -> None:
    wanted, ends = tuple(ids), time.monotonic() + FIRST_S
    while not runner.snapshot.knows(wanted) and time.monotonic() < ends:
        await asyncio.sleep(_POLL_S)


def _report(watch: Watch, group: str, now: float) -> Report:
    readings = watch.runner.snapshot.readings
    mine = fresh((readings[one] for one in watch.groups[group]), now)
    more = {
        "agent": __version__,
        "process": {"host": socket.gethostname(), "pid": os.getpid(), "age_s": round(now - _BEGAN, 1)},
    }
    if watch.problems:
        more["problems"] = [str(one) for one in watch.problems]
    return Report(sum_up(mine), mine, more)


def _run_now(group: str) -> Report:
    """In a test: every check of the group, one after the other, on the connections of the test."""
    from datetime import UTC, datetime

    from django_watchpost.conf import read_conf

    watch, readings = gather(read_conf()), []
    for name in watch.groups[group]:
        check, began = watch.runner.snapshot.readings[name].check, time.monotonic()
        result, now = run_check(check, gives_back=False), time.monotonic()
        at = datetime.now(UTC)
        readings.append(Reading(check, result, at, at, now, round((now - began) * 1000, 3)))
    more = {"agent": __version__, "problems": [str(one) for one in watch.problems]}
    return Report(sum_up(readings), readings, more)
