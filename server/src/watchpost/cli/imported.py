"""What another tool knew, planned and written. Heartbeats are found again by their uuid.

What is here and not there is left alone, and so is what was set here and has no name there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from watchpost.cli.import_plan import Plan
from watchpost.cli.imported_channels import plan_channels
from watchpost.cli.step import Step
from watchpost.heartbeats.make import make_with_code
from watchpost.heartbeats.models import Heartbeat
from watchpost.importers import Found, Left, Wanted
from watchpost.monitors import edit
from watchpost.monitors.hold import hold
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.spec import write_config

_MOST_AT_ONCE = 500
_KEY = re.compile(r"[A-Za-z0-9_-]{1,22}")


def plan_import(project: Project, found: Found, take_key: bool = False) -> Plan:
    """Reads and checks; writes nothing. ``take_key``: the project gets the ping key that it has there."""
    plan, here = Plan(), _rows_of([one.code for one in found.heartbeats])
    for one in found.heartbeats:
        row = here.get(one.code)
        if row is None:
            _plan_new(plan, project, one)
        elif row.project_id != project.pk:
            there, slug = row.monitor.project.slug, row.monitor.slug
            why = f"not brought: its uuid is in the project {there} here"
            plan.left.append(Left(_named(one), why, f"import into {there}, or delete {there}/{slug}", True))
        elif row.monitor.applied:
            why = "not changed: a configuration file says how it is"
            plan.left.append(Left(_named(one), why, "change it in that file"))
        else:
            _plan_known(plan, row, one)
    elsewhere = [row for row in here.values() if row.project_id != project.pk]
    if elsewhere and len(elsewhere) == len(found.heartbeats):  # surely the wrong project
        slug = elsewhere[0].monitor.project.slug
        plan.left.append(Left("channels and the ping key", f"not looked at: the checks are in {slug} here",
                              f"import into {slug}"))  # fmt: skip
    else:
        _plan_around(plan, project, found, take_key)
    plan.left += found.left
    return plan


def _plan_around(plan: Plan, project: Project, found: Found, take_key: bool) -> None:
    planned = plan_channels(project, found.channels)
    plan.steps += planned.steps
    plan.same += planned.same
    plan.left += planned.left
    if found.ping_key:
        _plan_key(plan, project, found.ping_key, take_key)
    elif take_key:
        fix = "nothing: no job can have pinged by name there"
        plan.left.append(Left("the ping key", "not taken: their project has none", fix))


def _rows_of(codes: Sequence[UUID]) -> dict[UUID, Heartbeat]:
    rows: dict[UUID, Heartbeat] = {}
    for begin in range(0, len(codes), _MOST_AT_ONCE):
        some = Heartbeat.objects.filter(code__in=codes[begin : begin + _MOST_AT_ONCE])
        rows |= {row.code: row for row in some.select_related("monitor__project")}
    return rows


def _plan_new(plan: Plan, project: Project, one: Wanted) -> None:
    spec = write_config(one.spec, "") | {"paused": one.paused}
    try:
        named = {"name": str(one.code), **spec}  # as it is made: without a name it is called by its uuid
        edit.read_monitor(project, {**named, "kind": "heartbeat", "slug": "heartbeat"})
    except edit.Invalid as error:
        _refuse(plan, one, error)
        return

    def write(now: datetime) -> object:
        return make_with_code(project, one.code, spec, now)

    plan.steps.append(Step("+", _named(one) + (", paused" if one.paused else ""), [], write))


def _plan_known(plan: Plan, row: Heartbeat, one: Wanted) -> None:
    """Whether it is paused is this server's own affair by now: who has moved pauses the checks there."""
    spec = write_config(one.spec, "")
    monitor = row.monitor
    try:
        changes = edit.differences(
            monitor, edit.read_monitor(monitor.project, edit.spec_of(monitor) | spec, None, monitor)
        )
    except edit.Invalid as error:
        _refuse(plan, one, error)
        return
    if monitor.paused != one.paused:
        there, here = ("paused", "not") if one.paused else ("not paused", "paused")
        plan.left.append(Left(f"pause of {_named(one)}", f"it is {there} there and {here} here",
                              "pause or resume it here if you want that"))  # fmt: skip
    if changes:
        plan.steps.append(Step("~", _named(one), changes, lambda now: _change(row.pk, spec, now)))
    else:
        plan.same += 1


def _plan_key(plan: Plan, project: Project, key: str, take: bool) -> None:
    """Jobs that ping by name say the key: with theirs they change the host alone."""
    other = Project.objects.filter(ping_key=key).exclude(pk=project.pk).first()
    what = "the ping key"
    if project.ping_key == key:
        return
    if not _KEY.fullmatch(key):
        plan.left.append(
            Left(what, "not taken: theirs is no key that can be here", "jobs take this project's")
        )
    elif other is not None:
        why = f"is that of the project {other.slug} here"
        plan.left.append(Left(what, why, f"import into {other.slug}, or let jobs take this project's"))
    elif not take:
        why = "not taken: jobs that ping by name with the present key of this project would be unknown then"
        fix = "if no job does that yet, import with --take-ping-key; else give the jobs there the present key"
        plan.left.append(Left(what, why, fix))
    else:
        plan.steps.append(Step("~", f"{what} of {project.slug}", [], lambda _: _take_key(project.pk, key)))


def _take_key(pk: int, key: str) -> None:
    """Raises edit.Invalid."""
    try:
        with transaction.atomic():
            Project.objects.filter(pk=pk).update(ping_key=key)
    except IntegrityError:
        raise edit.Invalid([("ping key", "was taken by another project meanwhile")]) from None


def _change(pk: int, spec: dict[str, Any], now: datetime) -> None:
    """Raises edit.Invalid."""
    with transaction.atomic():
        monitor = Monitor.objects.filter(pk=pk).first()
        if monitor is None:
            raise edit.Invalid([("uuid", "was deleted meanwhile")])
        monitor = hold(monitor)
        edit.update_monitor(monitor, edit.spec_of(monitor) | spec, now)


def _refuse(plan: Plan, one: Wanted, error: edit.Invalid) -> None:
    said = ", ".join(f"{where} {what}" for where, what in error.errors)
    plan.left.append(Left(_named(one), f"not brought: {said}", "change it there and import again", True))


def _named(one: Wanted) -> str:
    return one.label if one.label == str(one.code) else f"{one.label} ({one.code})"
