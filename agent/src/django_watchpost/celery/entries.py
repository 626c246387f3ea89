"""Beat's entries as heartbeats: name, schedule, zone, or why one cannot be told. Opens nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import available_timezones

from django_watchpost.celery.tasks import TASK

_OURS_AND_CELERYS = (TASK, "celery.")
_NOT_PLAIN = re.compile(r"[^a-z0-9_-]+")
_MOST_NAME, _MOST_SCHEDULE = 60, 500
_SHORTEST_S, _LONGEST_S = 60, 31_536_000
# Also how long a run may take: no alarm for a task that is merely long.
_GRACE_S, _GRACE_OFTEN_S, _OFTEN_S = 3600, 1800, 3600
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


@dataclass(frozen=True, slots=True)
class Entry:
    """``schedule`` with ``zone``, or ``period_s``. ``is_grace_set``: by the settings, else it is only where
    the heartbeat begins and people may change it."""

    name: str
    slug: str
    task: str
    grace_s: int
    is_grace_set: bool = False
    schedule: str = ""
    zone: str = ""
    period_s: int = 0
    depends_on: tuple[str, ...] = ()  # slugs of monitors that it stands on


class Untold(Exception):
    """Why an entry does not become a heartbeat; empty when nobody needs to know."""


def slug_of(name: str) -> str:
    """One slug for each name, whatever other names there are."""
    plain = _NOT_PLAIN.sub("-", name.lower()).strip("-")[:_MOST_NAME]
    if plain == name:
        return f"beat-{plain}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:4]
    return f"beat-{plain}-{digest}" if plain else f"beat-{digest}"


def read_entry(name: str, entry: Any, wishes: Mapping[str, Any]) -> Entry:
    """Of what Beat's scheduler holds. ``wishes``: ``HEARTBEATS``. Raises Untold."""
    task = str(getattr(entry, "task", ""))
    if task.startswith(_OURS_AND_CELERYS) or name.startswith("celery."):
        raise Untold
    wish = next((one for pattern, one in wishes.items() if fnmatchcase(name, pattern)), None)
    if wish is False:
        raise Untold
    if getattr(getattr(entry, "model", None), "one_off", False):
        raise Untold("it runs once")
    try:
        when = entry.schedule
    except Exception as error:  # noqa: BLE001  whatever stands in the row
        raise Untold(f"its schedule cannot be read ({type(error).__name__}: {error})") from None
    made = _read_schedule(when)
    if isinstance(wish, Mapping) and "grace" in wish:
        made |= {"grace_s": int(wish["grace"]), "is_grace_set": True}
    if isinstance(wish, Mapping) and "depends_on" in wish:
        parents = wish["depends_on"]
        made["depends_on"] = (parents,) if isinstance(parents, str) else tuple(parents)
    return Entry(name=name, slug=slug_of(name), task=task, **made)


def whole_schedule(scheduler: Any) -> dict[str, Any]:
    """All entries that are switched on, by name. In the thread of Beat.

    django-celery-beat's scheduler holds only those that are due in the next hours; the others would look
    gone. So its table is read, as it does itself; nothing is written.
    """
    table = getattr(getattr(scheduler, "Model", None), "objects", None)
    if table is None or not hasattr(table, "enabled"):
        return dict(scheduler.schedule)
    return {str(one.name): _Row(one) for one in table.enabled()}


class _Row:
    """A row of django-celery-beat; its own entry would switch one off that cannot be used."""

    def __init__(self, model: Any) -> None:
        self.model, self.task = model, model.task

    @property
    def schedule(self) -> Any:
        return self.model.schedule


def _read_schedule(schedule: Any) -> dict[str, Any]:
    from celery import schedules

    if isinstance(schedule, schedules.crontab):
        return _read_crontab(schedule)
    if isinstance(schedule, schedules.schedule):
        every = schedule.run_every
        period_s = every.total_seconds() if isinstance(every, timedelta) else float(every)
        if period_s > _LONGEST_S:
            raise Untold("it runs less than once a year")
        grace_s = _GRACE_OFTEN_S if period_s < _OFTEN_S else _GRACE_S
        return {"period_s": max(_SHORTEST_S, round(period_s)), "grace_s": grace_s}
    kind = type(schedule).__name__
    raise Untold(f"when it is due ({kind}) can be told by no fixed schedule")


def _read_crontab(tab: Any) -> dict[str, Any]:
    zone = getattr(tab.tz, "key", None) or getattr(tab.tz, "zone", None) or str(tab.tz)
    if zone not in available_timezones():
        raise Untold(f"its time zone {zone} has no name in the tz database")
    days, weekdays = set(tab.day_of_month), set(tab.day_of_week)
    # Celery wants both, cron either: then only OnCalendar says it.
    is_both = len(days) < 31 and len(weekdays) < 7
    schedule = _calendar(tab) if is_both else _cron(tab)
    if len(schedule) > _MOST_SCHEDULE:
        raise Untold("its schedule is too long to be told")
    return {
        "schedule": schedule,
        "zone": zone,
        "grace_s": _GRACE_OFTEN_S if len(tab.hour) == 24 else _GRACE_S,
    }


def _cron(tab: Any) -> str:
    parts = ((tab.minute, 0, 59), (tab.hour, 0, 23), (tab.day_of_month, 1, 31), (tab.month_of_year, 1, 12),
             (tab.day_of_week, 0, 6))  # fmt: skip
    return " ".join(_short(values, low, high) for values, low, high in parts)


def _calendar(tab: Any) -> str:
    weekdays = ",".join(_DAYS[day] for day in sorted(tab.day_of_week))
    date = f"*-{_short(tab.month_of_year, 1, 12, '..')}-{_short(tab.day_of_month, 1, 31, '..')}"
    time = f"{_short(tab.hour, 0, 23, '..')}:{_short(tab.minute, 0, 59, '..')}:00"
    return f"{weekdays} {date} {time}"


def _short(values: Collection[int], low: int, high: int, to: str = "-") -> str:
    """A set of numbers as a field: ``*``, ``*/15``, ``1-5,9``."""
    found = sorted(values)
    if found == list(range(low, high + 1)):
        return "*"
    step = found[1] - found[0] if len(found) > 1 else 0
    if step > 1 and len(found) > 2 and found == list(range(low, high + 1, step)):
        return f"{'*' if to == '-' else low}/{step}"
    runs: list[list[int]] = []
    for one in found:
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}{to}{run[-1]}" for run in runs)
