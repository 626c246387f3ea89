"""``maintenance:`` of a project in a configuration file: series of windows, read into a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from watchpost.cli.document import Path
from watchpost.cli.installation import operator
from watchpost.cli.step import Step, removal
from watchpost.monitors import edit
from watchpost.monitors.models import MaintenanceWindow, Project
from watchpost.monitors.window_spec import AskedWindow, read_window, window_differences

if TYPE_CHECKING:
    from watchpost.cli.wanted import Reader


def read_maintenance(
    reader: Reader,
    path: Path,
    entry: dict[str, Any],
    slug: str,
    project: Project | None,
    monitors: Collection[str],
) -> list[Step]:
    """A step a series, to be written once the monitors exist. ``monitors`` are the slugs it may name."""
    rows = project.windows.filter(starts_at=None).prefetch_related("monitors") if project else ()
    kept = {row.slug: row for row in rows}
    steps = []
    for place, spec in reader.items(entry, "maintenance", path):
        name = edit.slug_of(spec)
        if not reader.once(f"{slug} maintenance", name, place, "the maintenance"):
            continue
        existing = kept.get(name)
        try:
            wanted = read_window(spec, monitors, reader.environ, existing, must_be_named=True)
        except edit.Invalid as error:
            reader.located(place, error)
            continue
        steps.append(_step(reader, place, spec, slug, existing, wanted))
    return steps


def _step(
    reader: Reader,
    path: Path,
    spec: Mapping[str, Any],
    slug: str,
    existing: MaintenanceWindow | None,
    wanted: AskedWindow,
) -> Step:
    what, environ = f"maintenance {slug}/{wanted.columns['slug']}", reader.environ
    if existing is None:
        return Step(
            "+",
            what,
            [],
            lambda now: edit.create_series(reader.project_of(slug), spec, operator(), now, True, environ),
            path,
        )
    changes = window_differences(existing, wanted)
    return Step(
        "~" if changes else "=",
        what,
        changes,
        lambda now: edit.update_series(existing, spec, now, environ),
        path,
    )


def left_over(named: set[tuple[str, str]]) -> Iterator[Step]:
    """Series an earlier apply created and the file no longer names."""
    rows = MaintenanceWindow.objects.filter(applied=True, starts_at=None).select_related("project")
    for row in rows.order_by("pk"):
        if (f"{row.project.slug} maintenance", row.slug) not in named:
            yield removal(f"maintenance {row.project.slug}/{row.slug}", edit.cancel_window, row)
