"""``watchpost project create NAME``: a project with its keys."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    create = parser.add_subparsers(dest="action", metavar="ACTION", required=True).add_parser(
        "create",
        help="create a project and print its DSN and keys once",
        description="create a project and print its DSN and keys once",
        allow_abbrev=False,
    )
    create.add_argument("name", metavar="NAME", help="what people call it, such as Shop")
    create.add_argument("--slug", metavar="S", help="its identity (default: made from the name)")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock
    from watchpost.accounts.keys import create_project_with_keys
    from watchpost.monitors import edit

    try:
        project, keys = create_project_with_keys(args.name, clock.now(), args.slug)
    except edit.Invalid as error:
        raise Refusal(
            *(f"{'NAME' if where == 'name' else '--' + where}: {what}" for where, what in error.errors)
        ) from None
    data = {"id": str(project.pk), "slug": project.slug, **keys}
    out.show(data, _lines(data))
    return 0


def _lines(data: dict[str, Any]) -> list[str]:
    return [
        f"Project {data['slug']} is created.",
        f"  DSN       {data['dsn']}",
        f"  ping key  {data['ping_key']}",
        f"  API key   {data['api_key']}  (shown once)",
    ]


COMMAND = Command("project", "create projects", configure, run)
