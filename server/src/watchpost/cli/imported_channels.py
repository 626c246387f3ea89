"""Channels that another tool knew, planned and written. They have no uuid here: one that leads to the same
place is the same, and one that has the name but leads elsewhere was changed here and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count

from django.db import transaction
from django.utils.text import slugify
from pydantic import ValidationError

from watchpost.cli.step import Step
from watchpost.importers import Left, WantedChannel
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Project
from watchpost.monitors.spec import write_config
from watchpost.registry import Config, channels


@dataclass
class Plan:
    """``same``: how many are as they are there. ``left``: what is not brought."""

    steps: list[Step] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    same: int = 0


def plan_channels(project: Project, wanted: Sequence[WantedChannel]) -> Plan:
    """Reads and checks; writes nothing. A channel that is made hears this project alone."""
    plan = Plan()
    here = list(Channel.objects.prefetch_related("projects").order_by("pk"))
    taken = {channel.name for channel in here}
    for one in wanted:
        leads = _config_of(one)
        if isinstance(leads, Left):
            plan.left.append(leads)
            continue
        same = [channel for channel in here if channel.kind == one.kind and _leads(channel) == leads]
        name = slugify(re.sub(r"[@.]", "-", one.label))[:60].strip("-_") or one.kind
        namesake = next((channel for channel in here if channel.name in _names(name, project)), None)
        if any(_hears(channel, project) for channel in same):
            plan.same += 1
        elif same:
            _plan_hearing(plan, same[0], project)
        elif namesake is not None and _hears(namesake, project):
            fix = "nothing, if it was changed here; else change it"
            plan.left.append(Left(f"channel {namesake.name}", "not changed: it leads elsewhere there", fix))
        else:
            _plan_new(plan, one, _free(name, project, taken), project)
    return plan


def _config_of(one: WantedChannel) -> Config | Left:
    try:
        return channels()[one.kind].config.model_validate(one.spec)
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        return Left(_named(one), f"not brought: {said}", "make it here")


def _named(one: WantedChannel) -> str:
    return f"channel {one.label} ({one.kind})"


def _leads(channel: Channel) -> Config | None:
    """None: what it holds is sealed with another key, or of another version."""
    try:
        return edit.channel_config_of(channel)
    except ValueError:
        return None


def _hears(channel: Channel, project: Project) -> bool:
    named = list(channel.projects.all())
    return not named or project in named


def _names(name: str, project: Project) -> tuple[str, str]:
    return name, f"{project.slug}-{name}"[:60]


def _free(name: str, project: Project, taken: set[str]) -> str:
    """Names are those of the whole installation: other projects may have an ``ops``, too."""
    numbered = (f"{name[:55]}-{number}" for number in count(2))
    found = next(each for each in chain(_names(name, project), numbered) if each not in taken)
    taken.add(found)
    return found


def _plan_new(plan: Plan, one: WantedChannel, name: str, project: Project) -> None:
    spec = write_config(one.spec, "") | {"name": name, "kind": one.kind, "projects": [project.slug]}
    try:
        edit.read_channel(spec)
    except edit.Invalid as error:
        said = ", ".join(f"{where} {what}" for where, what in error.errors)
        plan.left.append(Left(_named(one), f"not brought: {said}", "make it here"))
        return
    plan.steps.append(
        Step("+", f"channel {name} ({one.kind})", [], lambda now: edit.create_channel(spec, now))
    )
    plan.left += one.remarks


def _plan_hearing(plan: Plan, channel: Channel, project: Project) -> None:
    """There is one that leads there already, and hears other projects."""
    if channel.applied:
        why = f"does not hear {project.slug}: a configuration file says whom it hears"
        plan.left.append(
            Left(f"channel {channel.name}", why, f"add {project.slug} to its projects in that file")
        )
        return
    hears = sorted(each.slug for each in channel.projects.all())
    changes = [("projects", ", ".join(hears), ", ".join(sorted([*hears, project.slug])))]
    plan.steps.append(
        Step("~", f"channel {channel.name}", changes, lambda now: _hear(channel.pk, project, now))
    )


def _hear(pk: int, project: Project, now: datetime) -> None:
    """Raises edit.Invalid."""
    with transaction.atomic():
        channel = Channel.objects.select_for_update().filter(pk=pk).first()
        if channel is None:
            raise edit.Invalid([("channel", "was deleted meanwhile")])
        if channel.projects.exists():  # else it hears all by now
            channel.projects.add(project)
            announce("channel", channel.pk, now)
