"""Writes maintenance windows, those that come once and series; reached through ``monitors/edit.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count

from watchpost.monitors.changes import announce
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.monitors.recurrence import next_of
from watchpost.monitors.spec import Environ, Invalid, Problems, twin
from watchpost.monitors.window_spec import FIRST, LAST, AskedWindow, read_window, window_differences


def create_window(
    project: Project,
    monitors: Iterable[Monitor],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> MaintenanceWindow:
    """A window over ``monitors``, or over the whole project when there are none. Raises Invalid."""
    problems = Problems()
    for where, at in (("starts_at", starts_at), ("ends_at", ends_at)):
        if not FIRST <= at.year <= LAST:
            problems.add(where, f"must lie between the years {FIRST} and {LAST}")
    problems.stop()
    if ends_at <= starts_at:
        problems.add("ends_at", "is not after the beginning; write a later time")
    elif ends_at <= now:
        problems.add("ends_at", "has passed; write a time to come")
    elif ends_at - starts_at > timedelta(days=30):
        problems.add("ends_at", "is more than 30 days after the beginning; pause the monitor instead")
    if len(reason) > 200:
        problems.add("reason", "is longer than 200 characters; shorten it")
    members = list(monitors)
    if any(monitor.project_id != project.pk for monitor in members):
        problems.add("monitors", f"must be monitors of the project {project.slug}")
    problems.stop()
    with transaction.atomic():
        window = MaintenanceWindow.objects.create(
            project=project, starts_at=starts_at, ends_at=ends_at, reason=reason, created_by=actor
        )
        window.monitors.set(members)
        announce("window", window.pk, now)
    return window


def cancel_window(window: MaintenanceWindow, now: datetime) -> None:
    """A window to come is removed, a running one ends now, a past one stays as it was. A series is removed,
    whether it runs or not."""
    with transaction.atomic():
        if window.starts_at is None or window.ends_at is None or window.starts_at > now:
            announce("window", window.pk, now)
            window.delete()
        elif window.ends_at > now:
            window.ends_at = now
            window.save(update_fields=["ends_at"])
            announce("window", window.pk, now)


def end_window(window: MaintenanceWindow, now: datetime) -> bool:
    """What runs ends now, and a series goes on with its next window; whether any was running."""
    running = any(start <= now for start, _ in next_of(window, now, 1))
    if not running:
        return False
    with transaction.atomic():
        column = "ends_at" if window.starts_at is not None else "ended_at"
        setattr(window, column, now)
        window.save(update_fields=[column])
        announce("window", window.pk, now)
    return True


def create_series(
    project: Project,
    spec: Mapping[str, Any],
    actor: str,
    now: datetime,
    applied: bool = False,
    environ: Environ = None,
) -> MaintenanceWindow:
    """A series of windows, in the shape of the file. One that asks for no slug gets a free one; one that
    comes no more is refused, unless it was applied: a file may stay as it is when its last day has passed.
    Raises Invalid."""
    wanted = read_window(spec, _slugs_of(project), environ, must_be_named=applied)
    columns, free = dict(wanted.columns), not applied and not spec.get("slug")
    if free:
        columns["slug"] = _free_slug(project, columns["slug"])
    row = MaintenanceWindow(project=project, applied=applied, created_by=actor, **columns)
    if not applied and not row.paused and not next_of(row, now, 1):
        raise Invalid([("last_day", "has passed before the window would begin once more; write a later one")])
    try:
        with transaction.atomic():
            row.save()
            row.monitors.set(project.monitors.filter(slug__in=wanted.monitors))
            announce("window", row.pk, now)
    except IntegrityError:
        raise _taken(columns["slug"]) from None
    return row


def update_series(
    row: MaintenanceWindow, spec: Mapping[str, Any], now: datetime, environ: Environ = None
) -> bool:
    """Makes the series what the whole spec says; whether anything changed. Raises Invalid."""
    wanted = read_window(spec, _slugs_of(row.project), environ, row)
    if not window_differences(row, wanted) and row.slug == wanted.columns["slug"]:
        return False
    _write(row, wanted, now)
    return True


def _write(row: MaintenanceWindow, wanted: AskedWindow, now: datetime) -> None:
    for column, value in wanted.columns.items():
        setattr(row, column, value)
    try:
        with transaction.atomic():
            row.save(update_fields=list(wanted.columns))
            row.monitors.set(row.project.monitors.filter(slug__in=wanted.monitors))
            announce("window", row.pk, now)
    except IntegrityError:
        raise _taken(row.slug) from None


def pause_series(row: MaintenanceWindow, paused: bool, now: datetime) -> bool:
    """Whether that changed anything. A series that is paused while it runs ends at once, and one that is
    resumed in the middle of a window is in it."""
    with transaction.atomic():
        rows = MaintenanceWindow.objects.filter(pk=row.pk, starts_at=None, paused=not paused)
        changed = rows.update(paused=paused) == 1
        if changed:
            announce("window", row.pk, now)
    row.paused = paused
    return changed


def drop_windows_over(monitor: Monitor, now: datetime) -> None:
    """Before a monitor goes: a window over it alone would be one over the whole project."""
    alone = MaintenanceWindow.objects.annotate(size=Count("monitors")).filter(size=1)
    mine = MaintenanceWindow.objects.filter(pk__in=alone.values("pk"), monitors=monitor)
    for window in mine:
        announce("window", window.pk, now)
        window.delete()


def _slugs_of(project: Project) -> list[str]:
    return list(project.monitors.values_list("slug", flat=True))


def _free_slug(project: Project, wanted: str) -> str:
    wanted = wanted or "window"
    taken = set(project.windows.filter(slug__startswith=wanted[:50]).values_list("slug", flat=True))
    numbered = (f"{wanted[:55].rstrip('-')}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (wanted, *numbered) if slug not in taken)


def _taken(slug: str) -> Invalid:
    return twin("slug", f"this project has a window {slug} already; give this one another name or slug")
