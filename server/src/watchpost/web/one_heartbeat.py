"""What the page of a heartbeat shows beside what every monitor's page has."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from watchpost.core.heartbeat import Sign
from watchpost.core.words import duration_words, read_count
from watchpost.engine.load import away_between
from watchpost.heartbeats.addresses import mail_addresses
from watchpost.heartbeats.models import Heartbeat, Ping
from watchpost.heartbeats.recipes import Job, recipes_for
from watchpost.heartbeats.rows import time_of
from watchpost.heartbeats.runs import Run, misses_of, runs_of
from watchpost.heartbeats.standing import Standing, standing_of
from watchpost.monitors.models import Monitor
from watchpost.web import beats

RUNS = 20
MISSES = 8
PLACES = 100  # of the strip: all that are kept
SHOWN_BYTES = 1500  # of the newest output; its own page has all of it
MAILS = {"by_id": "By mail", "by_name": "By mail, with the project's ping key and its name"}
ENDS = (Sign.SUCCESS, Sign.FAIL)


def about_heartbeat(
    request: HttpRequest, monitor: Monitor, may_change: bool, now: datetime
) -> dict[str, Any]:
    """``may_change``: whoever only looks is not shown the address, for it is all that a ping needs."""
    row = monitor.heartbeat
    row.monitor = monitor  # already read
    one = standing_of(row, now, away_between(now))
    runs = runs_of(monitor.pk)
    return {
        "found_under": "/heartbeats/",  # in the menu, although its page is a monitor's
        "one": one,
        "beat_shape": beats.shape(one.state),
        "beat_word": beats.word(one.state),
        "says": beats.says(one, now),
        "due": _clock(one, one.due, now),
        "end": _clock(one, one.end.at if one.end else None, now),
        "away": duration_words(one.away_s) if one.away_s else "",
        "last_ping": time_of(row.last_ping),
        "misses": misses_of(monitor.pk, MISSES),
        **_table(request, one, runs),
        **_drawn(runs, now),
        **_newest_output(monitor.pk, runs, now),
        **(_connect(request, one) if may_change else {}),
    }


def _clock(one: Standing, at: datetime | None, now: datetime) -> beats.Clocks | None:
    return None if at is None or one.config is None else beats.clock_of(one.config, at, now)


def _table(request: HttpRequest, one: Standing, runs: list[Run]) -> dict[str, Any]:
    pages = max(1, -(-len(runs) // RUNS))
    page = min(read_count(request.GET.get("runs", ""), 1000) or 1, pages)
    shown = runs[(page - 1) * RUNS : page * RUNS]
    return {
        "rows": [beats.run_row(run, one.beat.last_start) for run in shown],
        "runs_total": len(runs),
        "first_run": (page - 1) * RUNS + 1,
        "last_run": (page - 1) * RUNS + len(shown),
        "newer": page - 1 if page > 1 else None,
        "older": page + 1 if page < pages else None,
    }


def _drawn(runs: list[Run], now: datetime) -> dict[str, Any]:
    ends = [run for run in reversed(runs) if run.sign in ENDS][-PLACES:]
    if not ends:
        return {}
    bars = [(run.sign, run.took_s) for run in ends]
    titles = [beats.bar_title(run, now) for run in ends]
    return {"bars": beats.strip(bars, max(24, len(ends)), 60, titles)}


def _newest_output(monitor_id: int, runs: list[Run], now: datetime) -> dict[str, Any]:
    """Its end: that is where a job says how it went."""
    last = next((run for run in runs if run.size), None)
    found = Ping.objects.filter(monitor_id=monitor_id, n=last.n).first() if last else None
    if last is None or found is None or not found.body:
        return {}
    body = bytes(found.body)
    tail = body[-SHOWN_BYTES:]
    if len(tail) < len(body):  # begin where a character does, and where a line does if one is near
        tail = tail.lstrip(bytes(range(0x80, 0xC0)))
        cut = tail.find(b"\n", 0, 200)
        tail = tail[cut + 1 :]
    shown = beats.printed(tail)
    return {
        "output": beats.Printed(shown.text, shown.note, len(body), shown.is_text),
        "output_n": last.n,
        "output_says": "Output of the last run"
        if last is runs[0] and last.sign in ENDS
        else "The newest output",
    }


def _connect(request: HttpRequest, one: Standing) -> dict[str, Any]:
    row, monitor = one.row, one.row.monitor
    url = f"{settings.SITE_URL}/ping/{row.code}"
    by_slug = f"{settings.SITE_URL}/ping/{monitor.project.ping_key}/{row.slug}"
    config = one.config
    when = (config.schedule, config.timezone) if config else ("", "UTC")
    own = row.slug if _is_alone(one) else ""
    job = Job(url, monitor.slug, *when, settings.SITE_URL, monitor.project.ping_key, own)
    recipes = recipes_for(job)
    how = next((each for each in recipes if each.key == request.GET.get("how")), recipes[0])
    addresses = [("By its own id", url)]
    if row.slug:
        addresses.append(("By the project's ping key and its name", by_slug))
    addresses += [(MAILS[how], address) for how, address in mail_addresses(monitor).items()]
    return {
        "url": url,
        "addresses": addresses,
        "recipes": recipes,
        "how": how,
        "snippet": how.write(job),
    }


def _is_alone(one: Standing) -> bool:
    """Whether its name means no other heartbeat of the project, too: pings to such a name are refused."""
    twins = Heartbeat.objects.filter(project_id=one.row.project_id, slug=one.row.slug)
    return not twins.exclude(pk=one.row.pk).exists()
