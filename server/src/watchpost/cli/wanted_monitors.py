"""``monitors:`` of a project in a configuration file, and the lists that kinds have beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from watchpost import registry
from watchpost.cli.document import Path

if TYPE_CHECKING:
    from watchpost.cli.wanted import Reader
    from watchpost.monitors.models import Monitor

PROJECT_KEYS = ("name", "slug", "monitors", "maintenance")


def sections() -> dict[str, str]:
    """Key of a project -> the kind whose monitors alone stand in that list."""
    return {kind.section: kind.name for kind in registry.kinds().values() if kind.section}


def monitors_in(reader: Reader, entry: Mapping[str, Any], path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Every monitor of a project with its place, whichever list it stands in; each spec names its kind."""
    found = reader.items(entry, "monitors", path)
    for section, kind in sections().items():
        for place, spec in reader.items(entry, section, path):
            named = spec.get("kind") or kind
            if named != kind and isinstance(named, str) and named in registry.kinds():
                reader.refuse(
                    (*place, "kind"),
                    f"is {named}, and {section}: holds {kind} monitors alone; move this one to monitors:",
                )
            found.append((place, spec | {"kind": named}))
    return found


def brief_spec_of(monitor: Monitor) -> dict[str, Any]:
    """Its spec without what the kind takes for granted: one that an API made has every key there is."""
    from watchpost.monitors import edit

    spec = edit.spec_of(monitor)
    try:
        clear = edit.config_of(monitor)
    except ValueError:  # its secrets belong to another key: everything is shown as it is kept
        return spec
    usual = {
        name
        for name, field in type(clear).model_fields.items()
        if not field.is_required() and getattr(clear, name) == field.get_default(call_default_factory=True)
    }
    return {key: value for key, value in spec.items() if key not in usual or key not in monitor.config}


def lists_of(specs: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """These in the lists of a project, each in the one of its kind: what ``monitors_in`` reads back."""
    own = {kind: section for section, kind in sections().items()}
    lists: dict[str, list[dict[str, Any]]] = {"monitors": [], **{section: [] for section in sections()}}
    for spec in specs:
        section = own.get(spec["kind"])
        if section is None:
            lists["monitors"].append(dict(spec))
        else:
            lists[section].append({key: value for key, value in spec.items() if key != "kind"})
    return lists
