"""``watchpost project create NAME``: a project with its keys."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    create = parser.add_subparsers(dest="action", metavar="ACTION", required=True).add_parser(
        "create", help="create a project and print its DSN and keys once", allow_abbrev=False
    )
    create.add_argument("name", metavar="NAME")
    create.add_argument("--slug", metavar="S", help="its identity (default: made from the name)")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from django.db import transaction

    from watchpost import clock
    from watchpost.accounts.links import make_token
    from watchpost.monitors import edit

    now = clock.now()
    try:
        with transaction.atomic():
            project = edit.create_project(args.name, now, slug=args.slug)
            api_key = make_token(f"{project.name} (made with the project)"[:100], project, False, now)
    except edit.Invalid as error:
        raise Refusal(
            *(f"{'NAME' if where == 'name' else '--' + where}: {what}" for where, what in error.errors)
        ) from None
    data = {"id": str(project.pk), "slug": project.slug, "dsn": dsn_of(project), "ping_key": project.ping_key}
    out.show(data | {"api_key": api_key}, _lines(data | {"api_key": api_key}))
    return 0


def dsn_of(project: Any) -> str:
    """``https://<key>@host/<id>``: what an application sends its signals to."""
    from django.conf import settings

    scheme, _, rest = settings.SITE_URL.partition("://")
    return f"{scheme}://{project.dsn_key}@{rest}/{project.pk}"


def _lines(data: dict[str, Any]) -> list[str]:
    return [
        f"Project {data['slug']} is created.",
        f"  DSN       {data['dsn']}",
        f"  ping key  {data['ping_key']}",
        f"  API key   {data['api_key']}  (shown once)",
    ]


COMMAND = Command("project", "create projects", configure, run)
