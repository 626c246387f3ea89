"""What another tool knew, planned and written. Heartbeats are found again by their uuid.

What is here and not there is left alone, and so is what was set here and has no name there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from watchpost.cli.imported_channels import Plan, plan_channels
from watchpost.cli.step import Step
from watchpost.heartbeats.make import make_with_code
from watchpost.heartbeats.models import Heartbeat
from watchpost.importers import Found, Left, Wanted
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.spec import write_config

_MOST_AT_ONCE = 500
_LONGEST_KEY = 22


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
    planned = plan_channels(project, found.channels)
    plan.steps += planned.steps
    plan.same += planned.same
    plan.left += planned.left
    if found.ping_key:
        _plan_key(plan, project, found.ping_key, take_key)
    plan.left += found.left
    return plan


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
    if len(key) > _LONGEST_KEY:
        plan.left.append(
            Left(what, f"is longer than {_LONGEST_KEY} characters there", "jobs take this project's")
        )
    elif other is not None:
        why = f"is that of the project {other.slug} here"
        plan.left.append(Left(what, why, f"import into {other.slug}, or let jobs take this project's"))
    elif not take:
        why = "is not taken by itself: jobs that ping with this project's own would be unknown then"
        fix = "import with --take-ping-key if there are none; else those that ping by name take this key"
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
        monitor = (
            Monitor.objects.select_for_update(of=("self",)).select_related("project").filter(pk=pk).first()
        )
        if monitor is None:
            raise edit.Invalid([("uuid", "was deleted meanwhile")])
        edit.update_monitor(monitor, edit.spec_of(monitor) | spec, now)


def _refuse(plan: Plan, one: Wanted, error: edit.Invalid) -> None:
    said = ", ".join(f"{where} {what}" for where, what in error.errors)
    plan.left.append(Left(_named(one), f"not brought: {said}", "change it there and import again", True))


def _named(one: Wanted) -> str:
    return one.label if one.label == str(one.code) else f"{one.label} ({one.code})"
