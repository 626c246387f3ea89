"""What people name on the command line, found or refused with the nearest name."""

from __future__ import annotations

from watchpost.cli.command import Refusal
from watchpost.monitors.models import Monitor, Project
from watchpost.monitors.sentences import did_you_mean


def find_project(name: str) -> Project:
    """By slug or by name."""
    found = Project.objects.filter(slug=name).first() or Project.objects.filter(name=name).first()
    if found is None:
        known = list(Project.objects.order_by("slug").values_list("slug", flat=True)[:50])
        raise Refusal(f"--project: there is no project {name}; {did_you_mean(name, known)}")
    return found


def find_monitor(name: str) -> Monitor:
    """By slug, project/slug or id."""
    monitors = Monitor.objects.select_related("project")
    if "/" in name:
        project, _, slug = name.partition("/")
        found = list(monitors.filter(project__slug=project, slug=slug))
    else:
        found = list(monitors.filter(slug=name))
        if not found and name.isdecimal() and len(name) < 19:
            found = list(monitors.filter(pk=int(name)))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{monitor.project.slug}/{monitor.slug}" for monitor in found)
        raise Refusal(f"MONITOR: {name} stands for several monitors; write one of {names}")
    known = [f"{project}/{slug}" for project, slug in monitors.values_list("project__slug", "slug")[:500]]
    near = did_you_mean(name, known if "/" in name else sorted({entry.split("/")[1] for entry in known}))
    raise Refusal(f"MONITOR: there is no monitor {name}; {near}")
