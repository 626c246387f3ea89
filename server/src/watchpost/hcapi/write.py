"""Checks made, changed and deleted as Healthchecks' API asks: always through ``monitors.edit``.

A project's writes of this kind come one after the other (its row is locked): two clients that upsert the same
check make one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils.text import slugify

from watchpost.hcapi.asked import THEIRS, Asked, Refused, pick_channels, read_check, to_spec
from watchpost.hcapi.rows import channels_of, check_of, rows_of
from watchpost.heartbeats.make import make_with_code, room_in
from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.spec import write_config


class NoRoom(Exception):
    """The project has as many checks as it may make by itself."""


def make_check(project: Project, posted: Asked, version: int, now: datetime) -> tuple[Heartbeat, bool]:
    """The check, and whether it is new. Raises Refused and NoRoom."""
    asked = read_check(posted)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        found = _find_same(project, asked, now)
        if found is None and room_in(project) <= 0:
            raise NoRoom
        row = _make(project, asked, version, now) if found is None else _change(found, asked, version, now)
        return row, found is None


def change_check(row: Heartbeat, posted: Asked, version: int, now: datetime) -> Heartbeat:
    """Only what was given. Raises Refused, also when it was deleted meanwhile."""
    asked = read_check(posted)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=row.project_id)
        return _change(row, asked, version, now)


def _find_same(project: Project, asked: Asked, now: datetime) -> Heartbeat | None:
    """By the fields that ``unique`` names. One of them that was not given matches nothing."""
    unique = asked.get("unique", ())
    if not unique or any(name not in asked for name in unique):
        return None
    rows = rows_of(project)
    if "slug" in unique:
        rows = rows.filter(slug=asked["slug"])
    if "name" in unique and asked["name"].strip():
        rows = rows.filter(monitor__name=asked["name"].strip())
    for row in rows:
        check = check_of(row, now)
        has = {
            "name": check.name,
            "slug": check.slug,
            "tags": check.tags,
            "timeout": check.config.period,
            "grace": check.config.grace,
        }
        wanted = asked | {"name": asked.get("name", "").strip()}
        wanted["tags"] = tuple(dict.fromkeys(asked.get("tags", "").split()))
        if all(has[name] == wanted[name] for name in unique):
            return row
    return None


def _make(project: Project, asked: Asked, version: int, now: datetime) -> Heartbeat:
    spec = _spec(project, asked, version, {})
    try:
        monitor = make_with_code(project, uuid4(), spec, now)
    except edit.Invalid as error:
        raise _refused(error) from None
    return rows_of(project).get(pk=monitor.pk)


def _change(row: Heartbeat, asked: Asked, version: int, now: datetime) -> Heartbeat:
    monitor = Monitor.objects.select_related("project").filter(pk=row.pk).first()
    if monitor is None:
        raise Refused("not found", 404)
    before = edit.spec_of(monitor)
    spec = _spec(monitor.project, asked, version, before)
    if spec.get("name") == "":
        spec["name"] = str(row.code)
    try:
        edit.update_monitor(monitor, before | spec, now)
    except edit.Invalid as error:
        raise _refused(error) from None
    return rows_of(monitor.project).get(pk=row.pk)


def _spec(project: Project, asked: Asked, version: int, before: Mapping[str, Any]) -> dict[str, Any]:
    """What changes. Raises Refused for channels that are none of the project's; who is told is the channels'
    own affair here, so nothing is kept of them."""
    if "channels" in asked:
        known = {str(one.pk): one.name for one in channels_of(project)}
        pick_channels(asked["channels"], known)
    if version < 3 and "name" in asked:
        asked = {"slug": slugify(asked["name"])} | asked
    return write_config(to_spec(asked, before), "")  # ${HOME} in a text is a text


def _refused(error: edit.Invalid) -> Refused:
    """Ours is stricter in places: a name must be one that can be seen."""
    where, what = error.errors[0]
    return Refused(f"json validation error: {THEIRS.get(where, where)} {what}".rstrip())
