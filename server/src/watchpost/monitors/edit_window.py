"""Writes maintenance windows; reached through ``monitors/edit.py``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from watchpost.monitors.changes import announce
from watchpost.monitors.models import MaintenanceWindow, Monitor, Project
from watchpost.monitors.spec import Problems

FIRST, LAST = 1970, 9000  # years; beyond them another zone leaves the calendar


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
    """A window to come is removed, a running one ends now, a past one stays as it was."""
    with transaction.atomic():
        if window.starts_at > now:
            announce("window", window.pk, now)
            window.delete()
        elif window.ends_at > now:
            window.ends_at = now
            window.save(update_fields=["ends_at"])
            announce("window", window.pk, now)
