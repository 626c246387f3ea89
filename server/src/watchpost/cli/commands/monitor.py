"""``watchpost monitor pause|resume|delete MONITOR``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from watchpost.cli.command import Command, Out

_ACTIONS = {
    "pause": "stop looking until it is resumed",
    "resume": "look again",
    "delete": "delete it with its history",
}
_DONE = {"pause": "paused", "resume": "resumed", "delete": "deleted"}


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("monitor", metavar="MONITOR", help="slug, project/slug or id")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter, operator

    enter()
    from watchpost import clock
    from watchpost.cli.find import find_monitor
    from watchpost.monitors import edit

    monitor = find_monitor(args.monitor)
    name = f"{monitor.project.slug}/{monitor.slug}"
    changed = True
    if args.action == "delete":
        edit.delete_monitor(monitor, clock.now(), operator())
    else:
        changed = edit.set_paused(monitor, args.action == "pause", clock.now(), operator())
    said = f"{name} is {_DONE[args.action]}." if changed else f"{name} was {_DONE[args.action]} already."
    out.show({"monitor": name, "action": args.action, "changed": changed}, [said])
    return 0


COMMAND = Command("monitor", "pause, resume or delete a monitor", configure, run)
