"""The only place that writes projects, monitors, channels and windows: pages, API, CLI and ``apply``
all come through here. Every write is one transaction with its row in ``changes``."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, QuerySet
from django.utils.text import slugify

from watchpost.config.secret import unseal_all
from watchpost.incidents.models import Channel
from watchpost.monitors import links
from watchpost.monitors import spec as asked
from watchpost.monitors.changes import announce
from watchpost.monitors.edit_channel import (
    AskedChannel,
    channel_config_of,
    channel_differences,
    channel_spec_of,
    create_channel,
    delete_channel,
    read_channel,
    switch_channel,
    update_channel,
)
from watchpost.monitors.edit_incidents import leave_incidents
from watchpost.monitors.edit_window import (
    cancel_window,
    create_series,
    create_window,
    drop_windows_over,
    end_window,
    pause_series,
    update_series,
)
from watchpost.monitors.hold import hold, hold_all, hold_own
from watchpost.monitors.models import Monitor, MonitorState, Project
from watchpost.monitors.sentences import did_you_mean
from watchpost.monitors.spec import Differences, Environ, Invalid, Problems, Stored
from watchpost.registry import Config, kinds

__all__ = [
    "AskedChannel", "Invalid", "cancel_window", "channel_config_of", "channel_differences",
    "channel_spec_of", "create_channel", "create_series", "create_window", "delete_channel",
    "end_window", "pause_series", "read_channel", "switch_channel", "update_channel", "update_series",
]  # fmt: skip

MONITOR_KEYS = (
    "name", "slug", "kind", "interval", "timeout", "confirm", "recover", "resend", "environment", "tags",
    "paused", "depends_on",
)  # fmt: skip
_WEEK = 7 * 86400.0


@dataclass(frozen=True)
class AskedMonitor:
    """A checked spec of a monitor: ``columns`` of the row, its own keys, who it depends on."""

    columns: dict[str, Any]
    own: Stored
    depends_on: tuple[str, ...]
    counted: tuple[str, ...] = ()  # slugs its kind asks for


# ---- projects -----------------------------------------------------------------------------------


def create_project(name: str, now: datetime, slug: str | None = None, applied: bool = False) -> Project:
    """A project with fresh keys. Raises Invalid when the name or slug cannot be used."""
    name, slug = check_project(name, slug)
    if Project.objects.filter(slug=slug).exists():
        raise asked.twin("slug", f"there is a project {slug} already; give this one another slug")
    try:
        with transaction.atomic():
            project = Project.objects.create(
                name=name, slug=slug, applied=applied, created_at=now,
                dsn_key=randomness.token_hex(16), ping_key=randomness.token_urlsafe(16),
            )  # fmt: skip
            announce("project", project.pk, now)
    except IntegrityError:
        raise asked.twin("slug", f"there is a project {slug} already; give this one another slug") from None
    return project


def check_project(name: Any, slug: Any = None) -> tuple[str, str]:
    """Name and slug as they would be stored. Raises Invalid."""
    problems = Problems()
    name = asked.read_text(name, "name", problems, 100)
    if name or slug:
        slug = asked.read_slug(slug or slugify(name)[:60].strip("-"), "slug", problems)
    problems.stop()
    return name, slug


def rename_project(project: Project, name: str, now: datetime) -> bool:
    """Whether the name changed."""
    name, _ = check_project(name, project.slug)
    if project.name == name:
        return False
    with transaction.atomic():
        project.name = name
        project.save(update_fields=["name"])
        announce("project", project.pk, now)
    return True


def own_channels(project: Project) -> QuerySet[Channel]:
    """The channels that hear this project and no other."""
    heard = Channel.objects.annotate(heard=Count("projects"))
    return heard.filter(heard=1, pk__in=project.channels.values("pk"))


def delete_project(project: Project, now: datetime, actor: str = "Watchpost") -> None:
    """The project with its monitors, their history, and the channels that hear it alone: a channel that
    names no project hears all, so left without one it would tell everything to whom it told of one."""
    with transaction.atomic():
        for channel in own_channels(project):
            delete_channel(channel, now)
        for monitor in project.monitors.all():
            delete_monitor(monitor, now, actor)
        announce("project", project.pk, now)
        project.delete()


# ---- monitors -----------------------------------------------------------------------------------


def read_monitor(
    project: Project | None,
    spec: Mapping[str, Any],
    environ: Environ = None,
    existing: Monitor | None = None,
    siblings: Iterable[str] | None = None,
) -> AskedMonitor:
    """A spec checked without writing. ``siblings`` are the slugs ``depends_on`` may name; without them
    the project's monitors. Raises Invalid with everything that is wrong."""
    problems = Problems()
    asked.refuse_nul(spec, problems)
    common = {
        key: asked.resolve_text(value, key, environ, problems)
        for key, value in spec.items()
        if key in MONITOR_KEYS
    }
    columns = _monitor_columns(common, existing, problems)
    own = _monitor_config(spec, columns["slug"], environ, existing, problems)
    depends_on = asked.read_texts(common.get("depends_on") or [], "depends_on", problems)
    if depends_on:  # else nobody's slugs are read: a thousand monitors would read a million
        known = set(siblings) if siblings is not None else links.slugs_of(project)
        links.check_parents(depends_on, columns["slug"], known, problems)
    counted = links.counted_by(kinds()[columns["kind"]], own.clear) if own and columns["kind"] else ()
    if counted and own is not None:
        known = set(siblings) if siblings is not None else links.slugs_of(project)
        links.check_counted(counted, columns["slug"], known, own.sealed, problems)
    problems.stop()
    assert own is not None  # noqa: S101  # no problems: there is a config
    return AskedMonitor(columns, own, depends_on, counted)


def _monitor_columns(
    common: Mapping[str, Any], existing: Monitor | None, problems: Problems
) -> dict[str, Any]:
    name = asked.read_text(common.get("name"), "name", problems, 100)
    wanted = common.get("slug") or (existing.slug if existing else slugify(name)[:60].strip("-"))
    kind = _kind(common.get("kind"), existing, problems)
    every = common.get("interval", asked.usual_interval_s(kind))
    interval = asked.read_duration(every, "interval", problems, 5, _WEEK)
    timeout = asked.read_duration(common.get("timeout", min(10.0, interval)), "timeout", problems, 1, 60)
    if timeout > interval and "interval" not in dict(problems.found):
        fix = f"set timeout to at most {asked.write_duration(interval)} or look less often"
        said = f"{asked.write_duration(timeout)} is longer than the interval; {fix}"
        problems.add("timeout", said)
    return {
        "name": name,
        "slug": asked.read_slug(wanted, "slug", problems) if name or wanted else "",
        "kind": kind,
        "environment": asked.read_text(common.get("environment", "production"), "environment", problems, 30),
        "tags": list(asked.read_texts(common.get("tags") or [], "tags", problems)),
        "interval_s": interval,
        "timeout_s": timeout,
        "confirm": asked.read_whole(common.get("confirm", 2), "confirm", problems, 1, 20),
        "recover": asked.read_whole(common.get("recover", 2), "recover", problems, 1, 20),
        "resend_s": asked.read_duration(common.get("resend", 4 * 3600), "resend", problems, 60, 30 * 86400),
        "paused": asked.read_flag(common.get("paused", False), "paused", problems),
    }


def _kind(value: Any, existing: Monitor | None, problems: Problems) -> str:
    if value is None and existing is not None:
        return existing.kind
    if not isinstance(value, str) or value not in kinds():
        names = sorted(kinds())
        problems.add("kind", f"there is no kind {value}; {did_you_mean(str(value), names)}" if value
                     else f"is missing; write one of {', '.join(names)}")  # fmt: skip
        return ""
    if existing is not None and existing.kind != value:
        problems.add("kind", f"stays {existing.kind}; for another kind make a monitor with another slug")
    return str(value)


def _monitor_config(
    spec: Mapping[str, Any], slug: str, environ: Environ, existing: Monitor | None, problems: Problems
) -> Stored | None:
    kind = kinds().get(str(spec.get("kind") or (existing.kind if existing else "")))
    if kind is None:
        return None
    own = {key: value for key, value in spec.items() if key not in MONITOR_KEYS}
    stored = existing.config if existing else {}
    prefix = _prefix(existing) if existing else slug
    return asked.read_config(kind.config, kind.secrets, own, environ, stored, prefix, problems, MONITOR_KEYS)


def slug_of(spec: Mapping[str, Any]) -> str:
    """The identity a spec asks for: its slug, else made from the name. Empty when it has neither."""
    return str(spec.get("slug") or slugify(str(spec.get("name") or ""))[:60].strip("-"))


def _prefix(monitor: Monitor) -> str:
    return f"{monitor.project.slug}_{monitor.slug}"


def create_monitor(
    project: Project,
    spec: Mapping[str, Any],
    now: datetime,
    applied: bool = False,
    environ: Environ = None,
    siblings: Iterable[str] | None = None,
) -> Monitor:
    """A monitor and its state row. ``siblings`` are slugs that will exist when all of a file is written; who
    gives them checks the circles. Raises Invalid."""
    wanted = read_monitor(project, spec, environ, None, siblings)
    _refuse_twin(project, wanted.columns["slug"], None)
    if siblings is None:
        _refuse_circle(project, None, wanted)
    try:
        with transaction.atomic():
            monitor = Monitor.objects.create(
                project=project, applied=applied, created_at=now, config=wanted.own.sealed, **wanted.columns
            )
            kind = kinds()[monitor.kind]
            waits = f"waits for its first {kind.noun}" if kind.is_fed else "not looked at yet"
            MonitorState.objects.create(monitor=monitor, since=now, reason=waits)
            if wanted.depends_on:
                links.set_parents(monitor, wanted.depends_on)
            kind.keep_row(monitor, wanted.own.clear)
            announce("monitor", monitor.pk, now)
    except IntegrityError:  # somebody was faster between the check and the write
        _refuse_twin(project, wanted.columns["slug"], None)
        raise
    return monitor


def update_monitor(
    monitor: Monitor,
    spec: Mapping[str, Any],
    now: datetime,
    environ: Environ = None,
    siblings: Iterable[str] | None = None,
) -> bool:
    """Makes the monitor what the whole spec says; whether anything changed. ``siblings`` as above. Raises
    Invalid."""
    wanted = read_monitor(monitor.project, spec, environ, monitor, siblings)
    _refuse_twin(monitor.project, wanted.columns["slug"], monitor)
    if siblings is None:
        _refuse_circle(monitor.project, monitor, wanted)
    changed = bool(differences(monitor, wanted))
    if not changed and asked.same_words(monitor.config, wanted.own.sealed):
        return False
    try:
        _write(monitor, wanted, now)
    except IntegrityError:  # somebody was faster between the check and the write
        _refuse_twin(monitor.project, wanted.columns["slug"], Monitor.objects.get(pk=monitor.pk))
        raise
    return changed


def _write(monitor: Monitor, wanted: AskedMonitor, now: datetime) -> None:
    with transaction.atomic():
        locked = hold(monitor)
        monitor.revision = locked.revision + _asks_otherwise(locked, wanted)
        monitor.config = wanted.own.sealed
        for column, value in wanted.columns.items():
            setattr(monitor, column, value)
        monitor.save(update_fields=["config", "revision", *wanted.columns])
        links.set_parents(monitor, wanted.depends_on)
        kinds()[monitor.kind].keep_row(monitor, wanted.own.clear)
        if locked.paused != monitor.paused:
            kinds()[monitor.kind].forget_past(monitor.pk, now)
        announce("monitor", monitor.pk, now)


def differences(monitor: Monitor, wanted: AskedMonitor) -> Differences:
    """What an update would change, in the words of the file."""
    found = asked.column_differences(_monitor_words(_columns_of(monitor)), _monitor_words(wanted.columns))
    before, after = ", ".join(sorted(links.parents_of(monitor))), ", ".join(sorted(wanted.depends_on))
    if before != after:
        found.append(("depends_on", before, after))
    return found + asked.differing(monitor.config, wanted.own, _readable_config(monitor))


def _asks_otherwise(monitor: Monitor, wanted: AskedMonitor) -> bool:
    """A look made before such an edit answers another question and must be dropped."""
    timeout = monitor.timeout_s != wanted.columns["timeout_s"]
    return timeout or bool(asked.differing(monitor.config, wanted.own, _readable_config(monitor)))


def _columns_of(monitor: Monitor) -> dict[str, Any]:
    names = ("name", "slug", "kind", "environment", "tags", "interval_s", "timeout_s", "confirm", "recover",
             "resend_s", "paused")  # fmt: skip
    return {name: getattr(monitor, name) for name in names}


def _monitor_words(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns under the names and in the forms of the file."""
    spans = {"interval_s": "interval", "timeout_s": "timeout", "resend_s": "resend"}
    return {
        spans.get(key, key): asked.write_duration(value) if key in spans else value
        for key, value in columns.items()
    }


def _refuse_circle(project: Project, existing: Monitor | None, wanted: AskedMonitor) -> None:
    links.refuse_circle(project, existing, wanted.columns["slug"], wanted.depends_on, wanted.counted)


def _refuse_twin(project: Project, slug: str, existing: Monitor | None) -> None:
    if existing is not None and existing.slug == slug:
        return
    others = project.monitors.filter(slug=slug)
    if (others.exclude(pk=existing.pk) if existing else others).exists():
        raise asked.twin(
            "slug", f"this project has a monitor {slug} already; give this one another name or slug"
        )


def delete_monitor(monitor: Monitor, now: datetime, actor: str = "Watchpost") -> None:
    """The monitor and its history; an incident that has no other member is resolved and told so."""
    with transaction.atomic():
        hold_all(monitor)
        leave_incidents(monitor, actor, now)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM monitors_look WHERE monitor_id = %s", [monitor.pk])
            cursor.execute("DELETE FROM monitors_rollup WHERE monitor_id = %s", [monitor.pk])
            cursor.execute("DELETE FROM monitors_value WHERE monitor_id = %s", [monitor.pk])
        drop_windows_over(monitor, now)
        announce("monitor", monitor.pk, now)
        monitor.delete()


def set_paused(monitor: Monitor, paused: bool, now: datetime, actor: str = "") -> bool:
    """Whether that changed anything. ``actor`` is who stands in the monitor's history for it."""
    with transaction.atomic():
        hold_own(monitor)
        rows = Monitor.objects.filter(pk=monitor.pk, paused=not paused)
        changed = rows.update(paused=paused, paused_by=actor[:200]) == 1
        if changed:
            if monitor.kind in kinds():
                kinds()[monitor.kind].forget_past(monitor.pk, now)
            announce("monitor", monitor.pk, now)
    monitor.paused = paused
    return changed


def config_of(monitor: Monitor) -> Config:
    """The kind's validated Config, secrets in the clear."""
    return kinds()[monitor.kind].config.model_validate(unseal_all(monitor.config))


def _readable_config(monitor: Monitor) -> Config | None:
    """None when its secrets belong to another key, or this version refuses it: an edit mends both."""
    try:
        return config_of(monitor)
    except ValueError:
        return None


def spec_of(monitor: Monitor) -> dict[str, Any]:
    """The monitor in the shape of the file: defaults left out, secrets as ``${NAME}``."""
    words = _monitor_words(_columns_of(monitor))
    defaults = {
        "environment": "production",
        "tags": [],
        "interval": asked.write_duration(asked.usual_interval_s(monitor.kind)),
        "timeout": asked.write_duration(min(10.0, monitor.interval_s)),
        "confirm": 2,
        "recover": 2,
        "resend": "4h",
        "paused": False,
    }
    spec = {key: value for key, value in words.items() if key not in defaults or value != defaults[key]}
    if parents := sorted(links.parents_of(monitor)):
        spec["depends_on"] = parents
    return spec | asked.write_config(monitor.config, _prefix(monitor))
