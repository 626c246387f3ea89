"""``watchpost import TOOL``: brings what another tool watches, and says what it could not bring."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from watchpost import importers
from watchpost.cli.command import Command, Out, Refusal

if TYPE_CHECKING:
    from watchpost.cli.import_plan import Plan
    from watchpost.monitors.models import Project


def configure(parser: ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="tool", metavar="TOOL", required=True)
    for name in importers.tools():
        says = f"bring the checks of a {name} project, each with its uuid; may be run again"
        part = parts.add_parser(name, help=says, description=says, allow_abbrev=False)
        source = part.add_mutually_exclusive_group(required=True)
        source.add_argument("--url", metavar="URL", help="its address, such as https://hc.example.com")
        source.add_argument(
            "--database",
            metavar="DB",
            help="its database instead: a SQLite file or postgresql://; brings channels, too",
        )
        part.add_argument("--api-key", metavar="KEY", help="a key of the project there")
        part.add_argument(
            "--api-key-stdin", action="store_true", help="read the key from standard input instead"
        )
        part.add_argument("--their-project", metavar="NAME", help="which project of its database")
        part.add_argument(
            "--take-ping-key", action="store_true", help="the project here takes the ping key of theirs"
        )
        part.add_argument("--project", required=True, metavar="P", help="the project here")
        part.add_argument("--dry-run", action="store_true", help="only say what would be brought")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost.cli.find import find_project
    from watchpost.cli.imported import plan_import

    project = find_project(args.project)
    try:
        found = _found(args, project, out)
    except importers.Unreadable as error:
        raise Refusal(str(error)) from None
    plan = plan_import(project, found, args.take_ping_key)
    if not args.dry_run:
        _write(plan, out)
    out.show(_data(plan, args.dry_run), _lines(plan, out, args.dry_run))
    return 1 if any(one.whole for one in plan.left) else 0


def _found(args: Namespace, project: Project, out: Out) -> importers.Found:
    """Raises Unreadable."""
    from watchpost.heartbeats.models import Heartbeat

    tool = importers.importer(args.tool)
    if args.database is not None:
        if args.api_key or args.api_key_stdin:
            raise Refusal("--api-key: a database is read without one; leave it out, or give --url")
        out.note(f"reading the database of {tool.title} ...")
        return tool.read(args.database, args.their_project or "")
    for option, given in (("--their-project", args.their_project), ("--take-ping-key", args.take_ping_key)):
        if given:
            raise Refusal(f"{option}: only a database tells it; give --database, or leave it out")
    out.note(f"asking {tool.title} ...")
    codes = Heartbeat.objects.filter(project=project).values_list("code", flat=True)
    return tool.fetch(args.url, _key(args), list(codes))


def _key(args: Namespace) -> str:
    if args.api_key_stdin:
        return sys.stdin.readline().strip()
    if not args.api_key:
        raise Refusal(
            "--api-key: give the key of the project there, or --api-key-stdin to read it from standard input"
        )
    return str(args.api_key)


def _write(plan: Plan, out: Out) -> None:
    """Each heartbeat whole or not at all, one after the other: pings come in meanwhile. When it breaks off,
    it says how far it came."""
    from watchpost import clock
    from watchpost.monitors import edit

    if len(plan.steps) > 500:
        out.note(f"writing {len(plan.steps)} heartbeats ...")
    written: list[Any] = []
    try:
        for step in plan.steps:
            try:
                step.write(clock.now())
                written.append(step)
            except edit.Invalid as error:  # somebody changed something between the plan and this
                said = ", ".join(f"{where} {what}" for where, what in error.errors)
                left = importers.Left(step.what, f"not brought: {said}", "import again", whole=True)
                plan.left.insert(0, left)
    except BaseException:
        count = f"{len(written)} of {len(plan.steps)} were written"
        out.note(f"broken off: {count}, each of them whole; run it again for the rest")
        raise
    plan.steps = written


def _data(plan: Plan, dry: bool) -> dict[str, Any]:
    from watchpost.cli.wording import step_data

    return {
        "dry_run": dry,
        "created": sum(step.sign == "+" for step in plan.steps),
        "changed": sum(step.sign == "~" for step in plan.steps),
        "unchanged": plan.same,
        "missing": sum(one.whole for one in plan.left),
        "steps": [step_data(step) for step in plan.steps],
        "not_brought": [
            {"what": one.what, "why": one.why, "fix": one.fix, "missing": one.whole} for one in plan.left
        ],
    }


def _lines(plan: Plan, out: Out, dry: bool) -> Iterator[str]:
    from watchpost.cli.wording import step_lines

    for step in plan.steps:
        yield from step_lines(step, out)
    if plan.left:
        yield "Not brought, or different here:"
        for one in plan.left:
            yield out.paint(f"! {one.what}", "red" if one.whole else "yellow")
            yield f"    {one.why}"
            yield f"    fix: {one.fix}"
    data = _data(plan, dry)
    verb = "{} to create, {} to change, {} as they are" if dry else "{} created, {} changed, {} as they were"
    missing = f", {data['missing']} could not be brought" if data["missing"] else ""
    yield verb.format(data["created"], data["changed"], data["unchanged"]) + missing + "."


COMMAND = Command("import", "bring what another monitoring tool watches", configure, run)
