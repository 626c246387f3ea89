"""Heartbeats that another tool knew, planned and written. They are found again by their uuid.

What is here and not there is left alone, and so is what was set here and has no name there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from watchpost.cli.step import Step
from watchpost.heartbeats.make import make_with_code
from watchpost.heartbeats.models import Heartbeat
from watchpost.importers import Found, Left, Wanted
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.spec import write_config

_MOST_AT_ONCE = 500


@dataclass
class Plan:
    """``same``: how many are as they are there. ``left``: what is not brought."""

    steps: list[Step] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    same: int = 0


def plan_import(project: Project, found: Found) -> Plan:
    """Reads and checks; writes nothing."""
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
