"""What a monitor says of others: those it depends on, and those its kind counts. Both by slug, both checked
before anything is written, and together without a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from watchpost.config.secret import unseal_all
from watchpost.core.family import circle
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.sentences import did_you_mean, dotted
from watchpost.monitors.spec import Invalid, Problems
from watchpost.registry import Config, Kind, kinds


def counted_by(kind: Kind, config: Config) -> tuple[str, ...]:
    """The slugs its judge asks for."""
    return kind.past(config).names


def counted_by_row(monitor: Monitor) -> tuple[str, ...]:
    """The same of a row; a configuration that cannot be read counts nobody."""
    kind = kinds().get(monitor.kind)
    if kind is None or not kind.is_fed:
        return ()
    try:
        return counted_by(kind, kind.config.model_validate(unseal_all(monitor.config)))
    except ValueError:
        return ()


def check_parents(names: Iterable[str], slug: str, known: set[str], problems: Problems) -> None:
    for name in names:
        if name == slug:
            problems.add("depends_on", "a monitor cannot depend on itself; take it out of the list")
        elif name not in known:
            problems.add("depends_on", f"there is no monitor {name}; {did_you_mean(name, sorted(known))}")


def check_counted(
    names: Iterable[str], slug: str, known: set[str], own: Mapping[str, Any], problems: Problems
) -> None:
    """``own`` are the kind's own keys as they were written: the error names the place of the name in them."""
    for name in names:
        if name == slug:
            problems.add(_place(own, name), "a monitor cannot count itself; take it out of the list")
        elif name not in known:
            near = did_you_mean(name, sorted(known - {slug}))
            problems.add(_place(own, name), f"there is no monitor {name} in this project; {near}")


def _place(value: Any, name: str, path: tuple[str | int, ...] = ()) -> str:
    """Where the name stands, dotted; empty when it stands nowhere."""
    if value == name:
        return dotted(path)
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    return next((found for key, each in inner if (found := _place(each, name, (*path, key)))), "")


def slugs_of(project: Project | None) -> set[str]:
    return set(project.monitors.values_list("slug", flat=True)) if project else set()


def parents_of(monitor: Monitor) -> set[str]:
    return {parent.slug for parent in monitor.depends_on.all()}  # .all() takes what was prefetched


def set_parents(monitor: Monitor, slugs: Iterable[str]) -> None:
    wanted = set(slugs)
    if parents_of(monitor) != wanted:
        monitor.depends_on.set(Monitor.objects.filter(project=monitor.project_id, slug__in=wanted))


def refuse_circle(
    project: Project,
    existing: Monitor | None,
    slug: str,
    depends_on: tuple[str, ...],
    counted: tuple[str, ...],
) -> None:
    """Raises Invalid when the monitor as wanted would stand on itself by way of others, naming the way."""
    if not depends_on and not counted:
        return
    rows = Monitor.objects.filter(project=project)
    if existing is not None:
        rows = rows.exclude(pk=existing.pk)
    edges = {row.slug: (*sorted(parents_of(row)), *counted_by_row(row)) for row in _linked(rows)}
    edges[slug] = (*depends_on, *counted)
    way = circle(slug, edges)
    if way:
        where = "depends_on" if way[1] in depends_on else "of"
        raise Invalid([(where, circle_words(way))])


def _linked(rows: Any) -> Iterable[Monitor]:
    """Those of the rows that say something of others."""
    counting = [name for name, kind in kinds().items() if kind.is_fed]
    declared = rows.filter(depends_on__isnull=False)
    found = (declared | rows.filter(kind__in=counting)).distinct()
    linked: Iterable[Monitor] = found.prefetch_related("depends_on")
    return linked


def circle_words(way: tuple[str, ...]) -> str:
    return f"{' -> '.join(way)} is a circle: each of them would wait for the next; take one of them out"
