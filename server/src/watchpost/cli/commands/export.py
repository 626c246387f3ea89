"""``watchpost export``: what is there, as a file that ``apply`` takes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

from watchpost.cli.command import Command, Out


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("--project", metavar="P", help="this project alone, by its slug")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost.monitors.spec import variables_in

    document = _document(args.project)
    variables = variables_in(document)
    out.show({"document": document, "variables": variables}, _lines(document, variables))
    return 0


def _document(only: str | None) -> dict[str, Any]:
    from watchpost.cli.find import find_project
    from watchpost.cli.wanted_monitors import brief_spec_of, lists_of
    from watchpost.incidents.models import Channel
    from watchpost.monitors import edit
    from watchpost.monitors.models import Project
    from watchpost.monitors.window_spec import window_spec_of

    projects = [find_project(only)] if only else list(Project.objects.order_by("slug"))
    document: dict[str, Any] = {"version": 1, "projects": []}
    for project in projects:
        lists = lists_of(brief_spec_of(monitor) for monitor in project.monitors.order_by("slug"))
        entry: dict[str, Any] = {"name": project.name, "slug": project.slug}
        series = project.windows.filter(starts_at=None).prefetch_related("monitors").order_by("slug")
        lists["maintenance"] = [window_spec_of(row) for row in series]
        document["projects"].append(entry | {key: specs for key, specs in lists.items() if specs})
    channels = Channel.objects.order_by("name")
    if only:
        channels = channels.filter(projects__slug=only)
    if specs := [edit.channel_spec_of(channel) for channel in channels]:
        document["channels"] = specs
    return document


def _lines(document: dict[str, Any], variables: list[str]) -> Iterator[str]:
    from watchpost.monitors.as_yaml import write_yaml

    if variables:
        yield "# Secrets are read from the environment. On this server those left unset keep their value:"
        yield from (f"#   {name}" for name in variables)
    yield write_yaml(document).rstrip("\n")


COMMAND = Command(
    "export",
    "print projects, monitors, heartbeats, maintenance and channels as a file for apply",
    configure,
    run,
)
