"""The form of a maintenance window: what it shows, and what was typed as a spec or as two moments."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from watchpost.monitors.models import MaintenanceWindow
from watchpost.monitors.recurrence import DAY_NAMES, DAYS, next_of, rule_words
from watchpost.monitors.window_spec import window_spec_of
from watchpost.web import words

HOWS = (("once", "Once"), ("weekly", "Every week"), ("cron", "By cron"))
PLACES = {  # where the writer finds fault -> the field
    "starts_at": "starts", "ends_at": "ends", "weekly": "days", "weekly.days": "days", "weekly.at": "at",
    "cron": "cron", "for": "for", "timezone": "zone", "first_day": "first_day", "last_day": "last_day",
}  # fmt: skip
MISSING = {  # said instead of the words meant for a file
    "starts": "Write a date and a time.",
    "ends": "Write a date and a time.",
    "days": "Tick at least one day.",
    "at": "Write the time it begins.",
    "cron": "Write an expression such as 0 2 * * 0.",
    "for": "Write how long it lasts, such as 2h.",
}
LABELS = {
    "starts": "From", "ends": "Until", "days": "On", "at": "At", "cron": "Cron expression", "for": "For",
    "zone": "Time zone", "first_day": "First day", "last_day": "Last day", "reason": "Why",
}  # fmt: skip
KINDS = {
    "starts": "datetime-local",
    "ends": "datetime-local",
    "at": "time",
    "first_day": "date",
    "last_day": "date",
}
HINTS = {
    "for": "90m, 2h, 3d",
    "cron": "minute, hour, day of the month, month, day of the week",
    "first_day": "may stay empty",
    "last_day": "may stay empty",
}
LONGEST = {"cron": 100, "for": 20, "zone": 64, "reason": 200}
_NEEDS_SUBJECT = ("is", "must", "has", "holds", "lies", "comes", "stands", "names")
_NAME = 100  # a longer reason is no name


@dataclass
class Input:
    """One field as the template draws it."""

    name: str
    value: str
    error: str = ""

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def type(self) -> str:
        return KINDS.get(self.name, "text")

    @property
    def hint(self) -> str:
        return HINTS.get(self.name, "")

    @property
    def longest(self) -> int | None:
        return LONGEST.get(self.name)

    @property
    def described(self) -> str:
        """The ids of what is said beside it."""
        said = ([f"h-{self.name}"] if self.hint else []) + ([f"e-{self.name}"] if self.error else [])
        return " ".join(said)


@dataclass
class WindowForm:
    """What was typed, or what one begins with; ``shown`` when it was sent and no window came of it."""

    values: dict[str, str]
    how: str = "once"
    days: Sequence[str] = ()
    errors: dict[str, str] = field(default_factory=dict)
    preview: list[dict[str, str]] | None = None
    rule: str = ""
    shown: bool = False
    hows: Sequence[tuple[str, str]] = HOWS

    @property
    def status(self) -> int:
        return 422 if self.errors else 200

    @property
    def inputs(self) -> dict[str, Input]:
        return {name: Input(name, self.values.get(name, ""), self.errors.get(name, "")) for name in LABELS}

    @property
    def week(self) -> list[tuple[str, str, str, bool]]:
        """Value, short name, whole name, and whether it is ticked."""
        return [(day, name[:3], name, day in self.days) for day, name in zip(DAYS, DAY_NAMES, strict=True)]

    @property
    def zones(self) -> list[str]:
        """The zones that are likeliest meant: the person's own, and none."""
        return sorted({timezone.get_current_timezone_name(), "UTC"})

    def refused(self, errors: Sequence[tuple[str, str]]) -> WindowForm:
        """With every fault at its field, in words that fit a form."""
        self.shown = True
        for where, what in errors:
            name = _place(where)
            empty = not (self.days if name == "days" else self.values.get(name))
            said = MISSING[name] if empty and name in MISSING else _sentence(LABELS[name], what)
            self.errors.setdefault(name, said)
        return self

    def previewed(self, row: MaintenanceWindow, now: datetime) -> WindowForm:
        """With the next three windows of a series that is not yet set."""
        self.shown, self.rule, self.preview = True, rule_words(row), stretches_in_words(row, now)
        return self


def _place(where: str) -> str:
    while where and where not in PLACES:
        where = where.rpartition(".")[0]
    return PLACES.get(where, "reason")


def _sentence(label: str, what: str) -> str:
    said = f"{label} {what}" if what.split(" ", 1)[0] in _NEEDS_SUBJECT else f"{what[:1].upper()}{what[1:]}"
    return said if said.endswith("?") else f"{said}."


def new_form(now: datetime) -> WindowForm:
    """What the form begins with: the next hour, or two hours on a night to Sunday."""
    begins = {"starts": now, "ends": now + timedelta(hours=1)}
    shown = {name: timezone.localtime(at).strftime("%Y-%m-%dT%H:%M") for name, at in begins.items()}
    usual = {"at": "02:00", "for": "2h", "zone": timezone.get_current_timezone_name()}
    return WindowForm(shown | usual, days=("sun",))


def typed_form(post: QueryDict) -> WindowForm:
    how = post.get("how", "once")
    values = {name: post.get(name, "").strip() for name in LABELS if name != "days"}
    return WindowForm(values, how if how in dict(HOWS) else "once", post.getlist("days"))


def form_of(row: MaintenanceWindow) -> WindowForm:
    """A series to be changed. It never becomes a window that comes once."""
    spec = window_spec_of(row)
    values = {
        "at": row.at, "cron": row.cron, "for": str(spec["for"]), "zone": row.zone,
        "first_day": str(spec.get("first_day", "")), "last_day": str(spec.get("last_day", "")),
        "reason": row.reason,
    }  # fmt: skip
    return WindowForm(values, "cron" if row.cron else "weekly", row.days, hows=HOWS[1:])


def spec_typed(form: WindowForm) -> dict[str, Any]:
    """The rule as a file would say it; what is left empty is left out."""
    given = form.values
    spec: dict[str, Any] = {
        "for": given["for"], "timezone": given["zone"] or "UTC",
        "first_day": given["first_day"], "last_day": given["last_day"],
    }  # fmt: skip
    if form.how == "weekly":
        spec["weekly"] = {"days": list(form.days), "at": given["at"]}
    else:
        spec["cron"] = given["cron"]
    return {key: value for key, value in spec.items() if value != "" or key in ("cron", "for")}


def named(reason: str) -> dict[str, str]:
    """Why a series exists is its name, unless that is too long for one."""
    return {"name" if len(reason) <= _NAME else "reason": reason} if reason else {}


def named_after_rule(row: MaintenanceWindow) -> bool:
    return row.name.casefold() == rule_words(row)[:_NAME].strip().casefold()


def moments_typed(values: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """From and until, in the person's own zone."""
    return _local(values["starts"]), _local(values["ends"])


def _local(text: str) -> datetime | None:
    try:
        read = parse_datetime(text)
    except ValueError:
        return None
    return timezone.make_aware(read) if read and timezone.is_naive(read) else read


# ---- what is planned, for lists -------------------------------------------------------------------


def window_rows(rows: Sequence[MaintenanceWindow], now: datetime) -> list[dict[str, Any]]:
    """The windows that run, then those to come, then series at rest or over."""
    found = []
    for row in rows:
        ahead = next_of(row, now)
        starts, ends = ahead[0] if ahead else (None, None)
        rule = rule_words(row)
        found.append({
            "window": row,
            "rule": rule,
            "why": "" if named_after_rule(row) else row.name,
            "running": starts is not None and starts <= now,
            "starts": starts,
            "ends": ends,
            "next": stretches_in_words(row, now) if rule else [],
            "state": "paused" if row.paused else "maintenance" if ahead else "none",
        })  # fmt: skip
    return sorted(found, key=lambda one: (one["starts"] is None, one["starts"] or now, one["window"].pk))


def stretches_in_words(row: MaintenanceWindow, now: datetime) -> list[dict[str, str]]:
    """The next three on the clock of the window's zone, and on the person's where that shows another time."""
    own, found = timezone.get_current_timezone(), []
    for start, end in next_of(row, now):
        there = zoneinfo.ZoneInfo(row.zone)
        before = start - timedelta(seconds=1)  # of a leap at the very beginning, too
        turns = before.astimezone(there).utcoffset() != end.astimezone(there).utcoffset()
        alike = words.stretch(start, end, there, now) == words.stretch(start, end, own, now)
        found.append({
            "there": words.stretch(start, end, there, now),
            "here": "" if alike else words.stretch(start, end, own, now, there),
            "turns": "the clocks change" if turns else "",
        })  # fmt: skip
    return found
