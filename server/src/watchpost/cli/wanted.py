"""From a configuration file to a plan: everything is checked, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from watchpost.cli.command import Refusal
from watchpost.cli.document import Document, Path
from watchpost.cli.installation import operator
from watchpost.cli.step import Step, removal
from watchpost.cli.wanted_monitors import PROJECT_KEYS, monitors_in, sections
from watchpost.cli.wanted_windows import left_over, read_maintenance
from watchpost.core.family import circle
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.links import circle_words, parents_of
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.sentences import did_you_mean

_TOP = ("version", "projects", "channels")


@dataclass
class Reader:
    """Reads one document against the database, collecting every problem with its line."""

    document: Document
    environ: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    links: list[Step] = field(default_factory=list)  # dependencies, once all monitors exist
    windows: list[Step] = field(default_factory=list)  # after that
    projects: dict[str, Project] = field(default_factory=dict, repr=False)
    named: set[tuple[str, str]] = field(default_factory=set)  # (project, slug); ("", name) is a channel

    def refuse(self, path: Path, what: str) -> None:
        self.problems.append(self.document.at(path, what))

    def items(self, holder: Any, key: str, path: Path) -> list[tuple[Path, dict[str, Any]]]:
        """The mappings in a list, with their paths."""
        value = holder.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse((*path, key), "must be a list")
            return []
        found = []
        for place, item in enumerate(value):
            if isinstance(item, dict):
                found.append(((*path, key, place), {str(name): inner for name, inner in item.items()}))
            else:
                self.refuse((*path, key, place), "must be a mapping, such as { name: ... }")
        return found

    def unknown_keys(self, holder: dict[str, Any], known: tuple[str, ...], path: Path) -> None:
        for key in holder:
            if key not in known:
                self.refuse((*path, key), f"there is no key {key}; {did_you_mean(str(key), list(known))}")

    def read(self, prune: bool) -> list[Step]:
        data = self.document.data
        if not isinstance(data, dict):
            raise Refusal(self.document.at((), "must begin with version: 1 and hold projects: or channels:"))
        self.unknown_keys(data, _TOP, ())
        if data.get("version") != 1:
            self.refuse(("version",), "must be 1; write version: 1")
        projects = self.items(data, "projects", ())
        for path, entry in projects:
            self._project(path, entry)
        slugs = {edit.slug_of(entry) for _, entry in projects} | set(
            Project.objects.values_list("slug", flat=True)
        )
        for path, entry in self.items(data, "channels", ()):
            self._channel(path, entry, slugs)
        if self.problems:
            raise Refusal(*sorted(self.problems, key=self.document.line_of))
        return [*self.steps, *self.links, *self.windows, *self._leftovers(prune)]

    def once(self, group: str, name: str, path: Path, what: str) -> bool:
        if name and (group, name) in self.named:
            self.refuse(
                path, f"{what} {name} stands twice in this file; give one of them another slug or name"
            )
            return False
        self.named.add((group, name))
        return True

    def _project(self, path: Path, entry: dict[str, Any]) -> None:
        self.unknown_keys(entry, (*PROJECT_KEYS, *sections()), path)
        slug, name = edit.slug_of(entry), entry.get("name") or entry.get("slug")
        self.once("project", slug, path, "the project")  # told, and all else in it, too
        existing = Project.objects.filter(slug=slug).first()
        try:
            edit.check_project(name, slug)
        except edit.Invalid as error:
            self.located(path, error)
        if existing is None:
            self.steps.append(
                Step(
                    "+",
                    f"project {slug}",
                    [],
                    lambda now: edit.create_project(str(name), now, slug, True),
                    path,
                )
            )
        elif entry.get("name") and existing.name != entry["name"]:
            change = [("name", existing.name, str(name))]
            self.steps.append(
                Step(
                    "~",
                    f"project {slug}",
                    change,
                    lambda now: edit.rename_project(existing, str(name), now),
                    path,
                )
            )
        self._monitors(path, entry, slug, existing)

    def _monitors(self, path: Path, entry: dict[str, Any], slug: str, project: Project | None) -> None:
        monitors = monitors_in(self, entry, path)
        kept = {one.slug: one for one in project.monitors.prefetch_related("depends_on")} if project else {}
        siblings = {edit.slug_of(spec) for _, spec in monitors} | kept.keys()
        graph: dict[str, tuple[str, ...]] = {}
        places: dict[str, Path] = {}
        for place, spec in monitors:
            name = edit.slug_of(spec)
            is_first = self.once(slug, name, place, "the monitor")
            existing = kept.get(name)
            try:
                wanted = edit.read_monitor(project, spec, self.environ, existing, siblings)
            except edit.Invalid as error:
                self.located(place, error)
                continue
            if not is_first:
                continue
            graph[name] = (*wanted.depends_on, *wanted.counted)
            places[name] = place
            self._monitor(place, spec, slug, existing, wanted, siblings)
        for name, way in _circles(graph):
            self.refuse(places[name], f"{circle_words(way)}")
        self.windows += read_maintenance(self, path, entry, slug, project, siblings)

    def _monitor(
        self,
        path: Path,
        spec: dict[str, Any],
        slug: str,
        existing: Monitor | None,
        wanted: edit.AskedMonitor,
        siblings: set[str],
    ) -> None:
        name = f"monitor {slug}/{wanted.columns['slug']}"
        if existing is None:
            alone = {key: value for key, value in spec.items() if key != "depends_on"}
            self.steps.append(
                Step(
                    "+",
                    name,
                    [],
                    lambda now: edit.create_monitor(
                        self.project_of(slug), alone, now, True, self.environ, siblings
                    ),
                    path,
                )
            )
        else:
            changes = edit.differences(existing, wanted)
            before = parents_of(existing)
            # Links are cut first and made last, so that turning one round is never a circle in between.
            cut = spec | {"depends_on": [parent for parent in wanted.depends_on if parent in before]}
            sign = "~" if changes else "="
            self.steps.append(
                Step(
                    sign,
                    name,
                    changes,
                    lambda now: edit.update_monitor(existing, cut, now, self.environ, siblings),
                    path,
                )
            )
        if wanted.depends_on or wanted.counted:
            self.links.append(Step("=", name, [], lambda now: self._link(slug, wanted, spec, now), path))

    def _link(self, slug: str, wanted: edit.AskedMonitor, spec: dict[str, Any], now: datetime) -> None:
        monitor = self.project_of(slug).monitors.get(slug=wanted.columns["slug"])
        edit.update_monitor(monitor, spec, now, self.environ)

    def project_of(self, slug: str) -> Project:
        """Read once: by now the project exists."""
        if slug not in self.projects:
            self.projects[slug] = Project.objects.get(slug=slug)
        return self.projects[slug]

    def _channel(self, path: Path, spec: dict[str, Any], projects: set[str]) -> None:
        name = str(spec.get("name") or "")
        is_first = self.once("", name, path, "the channel")
        existing = Channel.objects.filter(name=name).first()
        try:
            wanted = edit.read_channel(spec, self.environ, existing, projects)
        except edit.Invalid as error:
            self.located(path, error)
            return
        if not is_first:
            return
        if existing is None:
            self.steps.append(
                Step(
                    "+",
                    f"channel {name}",
                    [],
                    lambda now: edit.create_channel(spec, now, True, self.environ),
                    path,
                )
            )
            return
        changes = edit.channel_differences(existing, wanted)
        self.steps.append(
            Step(
                "~" if changes else "=",
                f"channel {name}",
                changes,
                lambda now: edit.update_channel(existing, spec, now, self.environ),
                path,
            )
        )

    def located(self, path: Path, error: edit.Invalid) -> None:
        for where, what in error.errors:
            inner = tuple(int(part) if part.isdigit() else part for part in where.split(".")) if where else ()
            self.refuse((*path, *inner), what)

    def _leftovers(self, prune: bool) -> list[Step]:
        """What an earlier apply created and this file no longer names; written only with --prune."""
        found = list(left_over(self.named))
        for monitor in Monitor.objects.filter(applied=True).select_related("project").order_by("pk"):
            if (monitor.project.slug, monitor.slug) not in self.named:
                found.append(
                    removal(
                        f"monitor {monitor.project.slug}/{monitor.slug}",
                        lambda row, now: edit.delete_monitor(row, now, operator()),
                        monitor,
                    )
                )
        for channel in Channel.objects.filter(applied=True).order_by("pk"):
            if ("", channel.name) not in self.named:
                found.append(removal(f"channel {channel.name}", edit.delete_channel, channel))
        for project in Project.objects.filter(applied=True).order_by("pk"):
            by_hand = (
                project.monitors.filter(applied=False).exists()
                or edit.own_channels(project).filter(applied=False).exists()
            )
            if ("project", project.slug) not in self.named and not by_hand:
                found.append(
                    removal(
                        f"project {project.slug}",
                        lambda row, now: edit.delete_project(row, now, operator()),
                        project,
                    )
                )
        return found if prune else [Step(step.sign, step.what, [], lambda _: None) for step in found]


def _circles(graph: Mapping[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    """Every circle once: a name in it, and the way round."""
    found, told = [], set[str]()
    for start in graph:
        way = circle(start, graph) if start not in told and graph[start] else ()
        if way:
            found.append((start, way))
            told.update(way)
    return found


def make_plan(document: Document, environ: Mapping[str, str], prune: bool) -> list[Step]:
    """Every step in the order of writing. Raises Refusal with all that is wrong."""
    return Reader(document, environ).read(prune)


def write_plan(document: Document, environ: Mapping[str, str], prune: bool, now: datetime) -> list[Step]:
    """Reads and writes in one transaction: all of the file or nothing."""
    with transaction.atomic():
        steps = make_plan(document, environ, prune)
        for step in steps:
            try:
                step.write(now)
            except edit.Invalid as error:
                raise Refusal(*(document.at(step.path, what) for _, what in error.errors)) from None
    return steps
