"""A series of maintenance windows as people ask for it, in the shape of the YAML file: read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.utils.text import slugify

from watchpost.core.windows import Rule, Weekly, shortest_pause
from watchpost.core.words import duration_words
from watchpost.monitors import spec as asked
from watchpost.monitors.models import MaintenanceWindow
from watchpost.monitors.recurrence import (
    DAY_NAMES,
    DAYS,
    Cron,
    check_cron,
    nearest_zone,
    rule_of,
    rule_words,
    zones,
)
from watchpost.monitors.sentences import did_you_mean
from watchpost.monitors.spec import Differences, Environ, Problems

WINDOW_KEYS = (
    "name", "slug", "monitors", "weekly", "cron", "for", "timezone", "first_day", "last_day", "reason",
    "paused",
)  # fmt: skip
WEEKLY_KEYS = ("days", "at")
FIRST, LAST = 1970, 9000  # years; beyond them another zone leaves the calendar
LONGEST_S = 30 * 86400.0
ONCE = "a window that comes once is set on the page or by the API; a file holds those that recur"
_AT = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_SINCE = datetime(2001, 1, 1, tzinfo=UTC)  # a Monday: from here on a rule is tried


@dataclass(frozen=True)
class AskedWindow:
    """A checked spec: ``columns`` of the row, slugs of its monitors; none is the whole project."""

    columns: dict[str, Any]
    monitors: tuple[str, ...]


def read_window(
    spec: Mapping[str, Any],
    known: Iterable[str],
    environ: Environ = None,
    existing: MaintenanceWindow | None = None,
    must_be_named: bool = False,
) -> AskedWindow:
    """``known`` are the slugs of the project's monitors; one without a name is named after its rule, unless
    it must have one. Raises Invalid with everything that is wrong."""
    problems = Problems()
    asked.refuse_nul(spec, problems)
    for key in spec:
        if key in ("starts_at", "ends_at"):
            problems.add(key, ONCE)
        elif key not in WINDOW_KEYS:
            problems.add(key, f"there is no key {key}; {did_you_mean(str(key), list(WINDOW_KEYS))}")
    given = {
        key: asked.resolve_text(value, key, environ, problems)
        for key, value in spec.items()
        if key in WINDOW_KEYS and value is not None
    }
    problems.stop()
    columns = _rule_columns(given, problems)
    columns["reason"] = _reason(given.get("reason", ""), problems)
    columns["paused"] = asked.read_flag(given.get("paused", False), "paused", problems)
    monitors = _monitors(given.get("monitors", []), list(known), problems)
    columns["name"] = ""
    if must_be_named or "name" in given:
        columns["name"] = asked.read_text(given.get("name"), "name", problems, 100)
    wanted = given.get("slug") or (existing.slug if existing else "")
    if wanted:
        columns["slug"] = asked.read_slug(wanted, "slug", problems)
    problems.stop()
    said = rule_words(MaintenanceWindow(**columns))
    columns["name"] = columns["name"] or f"{said[:1].upper()}{said[1:100]}".strip()
    columns.setdefault("slug", slugify(columns["name"])[:60].strip("-"))
    return AskedWindow(columns, monitors)


def _rule_columns(given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Days, time, cron, length, zone, first and last day; each alone first, then together."""
    before = len(problems.found)
    columns: dict[str, Any] = {"days": [], "at": "", "cron": ""}
    if "weekly" in given and "cron" in given:
        problems.add("cron", "stands beside weekly; keep one of the two")
    elif "weekly" in given:
        columns["days"], columns["at"] = _weekly(given["weekly"], problems)
    elif "cron" in given:
        columns["cron"] = _cron(given["cron"], problems)
    else:
        problems.add("weekly", 'is missing; write weekly: { days: [sun], at: "02:00" }, or cron: "0 2 * * 0"')
    if "for" in given:
        columns["lasts_s"] = _length(given["for"], problems)
    else:
        problems.add("for", "is missing; write how long it lasts, such as 2h")
    columns["zone"] = _zone(given.get("timezone", "UTC"), problems)
    columns["first_day"] = _day(given.get("first_day"), "first_day", problems)
    columns["last_day"] = _day(given.get("last_day"), "last_day", problems)
    if len(problems.found) == before:
        _check_together(columns, problems)
    return columns


def _length(value: Any, problems: Problems) -> int:
    seconds = asked.read_duration(value, "for", problems, 60, LONGEST_S)
    if seconds % 1:
        problems.add("for", f"{asked.write_duration(seconds)} is no whole number of seconds; round it")
    return int(seconds)


def _check_together(columns: Mapping[str, Any], problems: Problems) -> None:
    first, last = columns["first_day"], columns["last_day"]
    if first and last and last < first:
        problems.add("last_day", f"{last} lies before the first day, {first}; write a later one")
        return
    rule = rule_of(MaintenanceWindow(slug="", **{k: v for k, v in columns.items() if k != "lasts_s"}))
    if first and last and next(rule.starts(_SINCE), None) is None:
        problems.add("last_day", f"comes before the window would begin once, from {first}; write a later one")
        return
    pause, lasts_s = shortest_pause(_on_plain_clock(rule), _SINCE), columns["lasts_s"]
    if pause is not None and lasts_s >= pause.total_seconds():
        lasts, apart = duration_words(lasts_s), duration_words(pause.total_seconds())
        problems.add(
            "for",
            f"{lasts} is as long as the time from one beginning to the next ({apart}) or longer, so it would "
            "hardly ever end; write less, or pause the monitors instead",
        )


def _on_plain_clock(rule: Rule) -> Rule:
    """The rule on a clock that never turns: a night of 23 hours makes no day of 23 hours of it."""
    assert isinstance(rule, Weekly | Cron)  # noqa: S101  # there are two
    return replace(rule, zone=UTC, first=None, last=None)


def _weekly(value: Any, problems: Problems) -> tuple[list[str], str]:
    if not isinstance(value, dict):
        problems.add("weekly", 'must be a mapping, such as { days: [sun], at: "02:00" }')
        return [], ""
    for key in value:
        if key not in WEEKLY_KEYS:
            problems.add(
                f"weekly.{key}", f"there is no key {key}; {did_you_mean(str(key), list(WEEKLY_KEYS))}"
            )
    return _days(value.get("days"), problems), _at(value.get("at"), problems)


def _days(value: Any, problems: Problems) -> list[str]:
    where = "weekly.days"
    if isinstance(value, str):
        value = [value]
    if not value and (value is None or isinstance(value, list | tuple)):
        problems.add(where, "names no day; write one or more of mon, tue, wed, thu, fri, sat, sun")
        return []
    found = set()
    names = {**dict(zip(DAYS, DAYS, strict=True)), **{d.casefold(): d[:3].lower() for d in DAY_NAMES}}
    for word in asked.read_texts(value, where, problems):
        day = names.get(word.strip().casefold())
        if day:
            found.add(day)
        else:
            problems.add(where, f"{word!r} is no day of the week; {did_you_mean(word, _near_days(word))}")
    return [day for day in DAYS if day in found]


def _near_days(word: str) -> list[str]:
    """Short names for short words: of sudnay the nearest is sunday, of sn it is sun."""
    return list(DAYS) if len(word) < 5 else [name.lower() for name in DAY_NAMES]


def _at(value: Any, problems: Problems) -> str:
    where = "weekly.at"
    if value is None or value == "":
        problems.add(where, 'is missing; write the time it begins on the zone\'s clock, such as "02:00"')
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
        # YAML 1.1 reads 12:30 as a number to the base of sixty.
        problems.add(where, f'is not a text; put it in quotes: "{value // 60:02d}:{value % 60:02d}"')
    elif isinstance(value, str) and (match := _AT.fullmatch(value.strip())):
        return f"{int(match[1]):02d}:{match[2]}"
    else:
        problems.add(where, f'{value!r} is no time of the day; write hours and minutes, such as "02:00"')
    return ""


def _cron(value: Any, problems: Problems) -> str:
    if not isinstance(value, str):
        problems.add("cron", 'must be a text in quotes, such as "0 2 * * 0"')
        return ""
    text = " ".join(value.split())
    if len(text) > 100:
        problems.add("cron", "is longer than 100 characters; use ranges and steps, such as 0 2-6/2 * * *")
    elif wrong := check_cron(text, _SINCE):
        problems.add("cron", wrong)
    return text


def _zone(value: Any, problems: Problems) -> str:
    if isinstance(value, str) and value in zones():
        return value
    near = nearest_zone(value) if isinstance(value, str) else None
    fix = f"did you mean {near}?" if near else "write a name of the IANA database, such as Europe/Lisbon"
    problems.add("timezone", f"there is no zone {value}; {fix}")
    return "UTC"


def _day(value: Any, where: str, problems: Problems) -> date | None:
    if value is None or value == "":
        return None
    try:
        # A datetime is a date to Python, and its time would be lost without a word.
        day = value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        problems.add(where, f"{value!r} is no day; write one such as 2026-12-31")
        return None
    if FIRST <= day.year <= LAST:
        return day
    problems.add(where, f"must lie between the years {FIRST} and {LAST}")
    return None


def _reason(value: Any, problems: Problems) -> str:
    if value == "":
        return ""
    return asked.read_text(value, "reason", problems, 200)


def _monitors(value: Any, known: list[str], problems: Problems) -> tuple[str, ...]:
    names = asked.read_texts(value, "monitors", problems)
    for name in names:
        if name not in known:
            problems.add("monitors", f"there is no monitor {name}; {did_you_mean(name, sorted(known))}")
    return names


def window_spec_of(row: MaintenanceWindow) -> dict[str, Any]:
    """A series in the shape of the file: defaults left out. Its monitors may be prefetched."""
    spec: dict[str, Any] = {"name": row.name, "slug": row.slug}
    if members := sorted(monitor.slug for monitor in row.monitors.all()):
        spec["monitors"] = members
    spec |= _words(_columns_of(row))
    return asked.write_config({key: value for key, value in spec.items() if value not in ("", False)}, "")


def window_differences(row: MaintenanceWindow, wanted: AskedWindow) -> Differences:
    """What an update would change, in the words of the file."""
    before = {"name": row.name} | _short(_words(_columns_of(row)))
    after = {"name": wanted.columns["name"]} | _short(_words(wanted.columns))
    blank = dict.fromkeys([*before, *after], "")
    found = asked.column_differences(blank | before, blank | after)
    members = ", ".join(sorted(monitor.slug for monitor in row.monitors.all()))
    if members != (now := ", ".join(sorted(wanted.monitors))):
        found.append(("monitors", members or "all", now or "all"))
    return found


def _short(words: dict[str, Any]) -> dict[str, Any]:
    weekly = words.get("weekly")
    return words | ({"weekly": f"{', '.join(weekly['days'])} {weekly['at']}"} if weekly else {})


def _columns_of(row: MaintenanceWindow) -> dict[str, Any]:
    names = ("days", "at", "cron", "lasts_s", "zone", "first_day", "last_day", "reason", "paused")
    return {name: getattr(row, name) for name in names}


def _words(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns under the names and in the forms of the file."""
    rule = {"cron": columns["cron"]} if columns["cron"] else {
        "weekly": {"days": list(columns["days"]), "at": columns["at"]}
    }  # fmt: skip
    days = {
        key: columns[key].isoformat() if columns[key] else "" for key in ("first_day", "last_day")
    }  # text, so that JSON holds it, too
    return {
        **rule,
        "for": asked.write_duration(columns["lasts_s"]),
        "timezone": columns["zone"],
        **days,
        "reason": columns["reason"],
        "paused": columns["paused"],
    }
