"""``watchpost token create``: a bearer token for the API, printed once."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    create = parser.add_subparsers(dest="action", metavar="ACTION", required=True).add_parser(
        "create",
        help="create a token and print it once",
        description="create a token and print it once",
        allow_abbrev=False,
    )
    create.add_argument("--name", metavar="N", required=True, help="what it is for")
    create.add_argument("--project", metavar="P", help="for this project alone (default: all projects)")
    create.add_argument("--read-only", action="store_true", help="may look but not change")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock
    from watchpost.accounts.links import make_token
    from watchpost.cli.find import find_project

    name = args.name.strip()
    if not 0 < len(name) <= 100:
        raise Refusal("--name: must be a text of 1 to 100 characters")
    project = find_project(args.project) if args.project else None
    token = make_token(name, project, args.read_only, clock.now())
    data = {
        "name": name,
        "token": token,
        "project": project.slug if project else None,
        "read_only": args.read_only,
    }
    out.show(data, [token])
    if not out.json:
        out.note("This is shown once: only its SHA-256 is kept.")
    return 0


COMMAND = Command("token", "create tokens for the API", configure, run)
