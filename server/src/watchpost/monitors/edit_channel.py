"""Writes channels; reached through ``monitors/edit.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from watchpost.config.secret import unseal_all
from watchpost.core.types import Severity
from watchpost.incidents.models import Channel
from watchpost.monitors import spec as asked
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Project
from watchpost.monitors.sentences import did_you_mean
from watchpost.monitors.spec import Differences, Environ, Invalid, Problems, Stored
from watchpost.registry import Config, channels

CHANNEL_KEYS = ("name", "kind", "projects", "min_severity", "enabled")


@dataclass(frozen=True)
class AskedChannel:
    """A checked spec of a channel: ``columns`` of the row, its own keys, the projects it hears."""

    columns: dict[str, Any]
    own: Stored
    projects: tuple[str, ...]


def read_channel(
    spec: Mapping[str, Any],
    environ: Environ = None,
    existing: Channel | None = None,
    projects: Iterable[str] | None = None,
) -> AskedChannel:
    """A spec checked without writing. ``projects`` are the slugs it may name. Raises Invalid."""
    problems = Problems()
    asked.refuse_nul(spec, problems)
    name = _channel_name(spec.get("name"), problems)
    kind = channels().get(str(spec.get("kind") or (existing.kind if existing else "")))
    if kind is None:
        names, value = sorted(channels()), spec.get("kind")
        problems.add("kind", f"there is no channel kind {value}; {did_you_mean(str(value), names)}")
        raise Invalid(problems.found)
    if existing is not None and existing.kind != kind.name:
        problems.add("kind", f"stays {existing.kind}; for another kind make a channel with another name")
    own = {key: value for key, value in spec.items() if key not in CHANNEL_KEYS}
    prefix, stored = (existing.name, existing.config) if existing else (name, {})
    config = asked.read_config(
        kind.config, kind.secrets, own, environ, stored, prefix, problems, CHANNEL_KEYS
    )
    hears = asked.read_texts(spec.get("projects") or [], "projects", problems)
    known = set(projects) if projects is not None else set(Project.objects.values_list("slug", flat=True))
    for slug in hears:
        if slug not in known:
            problems.add("projects", f"there is no project {slug}; {did_you_mean(slug, sorted(known))}")
    severity = _severity(spec.get("min_severity", _default_severity(kind.pages)), problems)
    enabled = asked.read_flag(spec.get("enabled", True), "enabled", problems)
    problems.stop()
    assert config is not None  # noqa: S101  # no problems: there is a config
    columns = {"name": name, "kind": kind.name, "min_severity": int(severity), "enabled": enabled}
    return AskedChannel(columns, config, hears)


def _channel_name(value: Any, problems: Problems) -> str:
    name = asked.read_text(value, "name", problems, 60)
    if name and slugify(name) != name:
        problems.add("name", f"{name!r} is not possible; write {slugify(name) or 'ops-mail'}")
    return name


def _default_severity(pages: bool) -> str:
    return Severity.ERROR.word if pages else Severity.WARNING.word


def _severity(value: Any, problems: Problems) -> Severity:
    words = {severity.word: severity for severity in Severity}
    if value not in words:
        problems.add("min_severity", f"there is no severity {value}; write one of {', '.join(words)}")
    return words.get(value, Severity.WARNING)


def create_channel(
    spec: Mapping[str, Any], now: datetime, applied: bool = False, environ: Environ = None
) -> Channel:
    """A channel. Raises Invalid."""
    wanted = read_channel(spec, environ)
    _refuse_twin(wanted.columns["name"], None)
    try:
        with transaction.atomic():
            channel = Channel.objects.create(
                applied=applied, created_at=now, config=wanted.own.sealed, **wanted.columns
            )
            channel.projects.set(Project.objects.filter(slug__in=wanted.projects))
            announce("channel", channel.pk, now)
    except IntegrityError:  # somebody was faster between the check and the write
        _refuse_twin(wanted.columns["name"], None)
        raise
    return channel


def _refuse_twin(name: str, existing: Channel | None) -> None:
    others = Channel.objects.filter(name=name)
    if (others.exclude(pk=existing.pk) if existing else others).exists():
        raise asked.twin("name", f"there is a channel {name} already; give this one another name")


def update_channel(channel: Channel, spec: Mapping[str, Any], now: datetime, environ: Environ = None) -> bool:
    """Makes the channel what the whole spec says; whether anything changed. Raises Invalid."""
    wanted = read_channel(spec, environ, channel)
    _refuse_twin(wanted.columns["name"], channel)
    changed = bool(channel_differences(channel, wanted))
    if not changed and asked.same_words(channel.config, wanted.own.sealed):
        return False
    try:
        _write(channel, wanted, now)
    except IntegrityError:  # somebody was faster between the check and the write
        _refuse_twin(wanted.columns["name"], channel)
        raise
    return changed


def _write(channel: Channel, wanted: AskedChannel, now: datetime) -> None:
    with transaction.atomic():
        if asked.differing(channel.config, wanted.own, _readable_config(channel)):
            channel.broken, channel.broken_at = "", None  # new credentials deserve a new try
        channel.config = wanted.own.sealed
        for column, value in wanted.columns.items():
            setattr(channel, column, value)
        channel.save(update_fields=["config", "broken", "broken_at", *wanted.columns])
        channel.projects.set(Project.objects.filter(slug__in=wanted.projects))
        announce("channel", channel.pk, now)


def channel_differences(channel: Channel, wanted: AskedChannel) -> Differences:
    """What an update would change, in the words of the file."""
    found = asked.column_differences(
        _channel_words(_channel_columns(channel)), _channel_words(wanted.columns)
    )
    before, after = ", ".join(sorted(_hears(channel))), ", ".join(sorted(wanted.projects))
    if before != after:
        found.append(("projects", before, after))
    return found + asked.differing(channel.config, wanted.own, _readable_config(channel))


def _channel_columns(channel: Channel) -> dict[str, Any]:
    return {name: getattr(channel, name) for name in ("name", "kind", "min_severity", "enabled")}


def _channel_words(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {**columns, "min_severity": Severity(columns["min_severity"]).word}


def _hears(channel: Channel) -> set[str]:
    return {project.slug for project in channel.projects.all()}  # .all() takes what was prefetched


def switch_channel(channel: Channel, enabled: bool, now: datetime) -> None:
    """On, which also gives a broken channel a new try, or off. Its secrets need not be readable."""
    with transaction.atomic():
        channel.enabled = enabled
        if enabled:
            channel.broken, channel.broken_at = "", None
        channel.save(update_fields=["enabled", "broken", "broken_at"])
        announce("channel", channel.pk, now)


def delete_channel(channel: Channel, now: datetime) -> None:
    with transaction.atomic():
        announce("channel", channel.pk, now)
        channel.delete()


def channel_config_of(channel: Channel) -> Config:
    """The channel's validated Config, secrets in the clear."""
    return channels()[channel.kind].config.model_validate(unseal_all(channel.config))


def _readable_config(channel: Channel) -> Config | None:
    """None when its secrets belong to another key, or this version refuses it: an edit mends both."""
    try:
        return channel_config_of(channel)
    except ValueError:
        return None


def channel_spec_of(channel: Channel) -> dict[str, Any]:
    """The channel in the shape of the file: defaults left out, secrets as ``${NAME}``."""
    words = _channel_words(_channel_columns(channel))
    pages = channels()[channel.kind].pages
    defaults = {"min_severity": _default_severity(pages), "enabled": True}
    spec = {key: value for key, value in words.items() if key not in defaults or value != defaults[key]}
    if hears := sorted(_hears(channel)):
        spec["projects"] = hears
    return spec | asked.write_config(channel.config, channel.name)
