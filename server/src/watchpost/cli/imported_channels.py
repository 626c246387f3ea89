"""Channels that another tool knew, planned and written. One that leads to the same place is the same; one
that was imported and leads elsewhere by now was changed, and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, count

from django.db import transaction
from django.utils.text import slugify
from pydantic import ValidationError

from watchpost.cli.import_plan import Plan
from watchpost.cli.step import Step
from watchpost.importers import Left, WantedChannel
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Fact, Project
from watchpost.monitors.spec import write_config
from watchpost.registry import Config, channels


def plan_channels(project: Project, wanted: Sequence[WantedChannel]) -> Plan:
    """Reads and checks; writes nothing. A channel that is made hears this project alone."""
    plan = Plan()
    here = {channel.pk: channel for channel in Channel.objects.prefetch_related("projects").order_by("pk")}
    origins = _origins([one.code for one in wanted])
    led = {pk: _leads(channel) for pk, channel in here.items()}
    taken = {channel.name for channel in here.values()}
    planned: list[tuple[str, Config]] = []
    for one in wanted:
        leads = _config_of(one)
        if isinstance(leads, Left):
            plan.left.append(leads)
            continue
        same = [here[pk] for pk in here if here[pk].kind == one.kind and led[pk] == leads]
        own = here.get(origins.get(one.code, 0))
        if any(_hears(channel, project) for channel in same) or (one.kind, leads) in planned:
            plan.same += 1
        elif own is not None and _hears(own, project):
            why = f"leads elsewhere here, as {own.name}: it was changed here, or there"
            plan.left.append(Left(_named(one), why, "change it here if theirs is right; else nothing"))
        elif same:
            _plan_hearing(plan, same[0], project)
        else:
            _plan_new(plan, one, _free(one, project, taken), project)
        planned.append((one.kind, leads))
    return plan


def _origins(codes: Sequence[str]) -> dict[str, int]:
    """The channel that each became when it was imported. It may be gone."""
    facts = Fact.objects.filter(pk__in=[_fact(code) for code in codes])
    return {fact.pk.removeprefix(_fact("")): int(fact.value) for fact in facts}


def _fact(code: str) -> str:
    return f"imported channel {code}"


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


def _free(one: WantedChannel, project: Project, taken: set[str]) -> str:
    """Names are those of the whole installation: other projects may have an ``ops``, too."""
    name = slugify(re.sub(r"[@.]", "-", one.label))[:60].strip("-_") or one.kind
    wanted = (name, f"{project.slug}-{name}"[:60].strip("-_"))
    numbered = (f"{name[:55]}-{number}" for number in count(2))
    found = next(each for each in chain(wanted, numbered) if each not in taken)
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

    def write(now: datetime) -> None:
        with transaction.atomic():
            made = edit.create_channel(spec, now)
            Fact.objects.update_or_create(name=_fact(one.code), defaults={"value": made.pk, "at": now})

    plan.steps.append(Step("+", f"channel {name} ({one.kind})", [], write))
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
