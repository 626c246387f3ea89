"""``watchpost monitor pause|resume|look|delete MONITOR``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from watchpost.cli.command import Command, Out

if TYPE_CHECKING:
    from watchpost.monitors.models import Monitor

_ACTIONS = {
    "pause": "stop looking until it is resumed",
    "resume": "look again",
    "look": "look now, outside the schedule",
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
    if args.action == "look":
        return _look(monitor, name, out)
    changed = True
    if args.action == "delete":
        edit.delete_monitor(monitor, clock.now(), operator())
    else:
        changed = edit.set_paused(monitor, args.action == "pause", clock.now(), operator())
    said = f"{name} is {_DONE[args.action]}." if changed else f"{name} was {_DONE[args.action]} already."
    out.show({"monitor": name, "action": args.action, "changed": changed}, [said])
    return 0


def _look(monitor: Monitor, name: str, out: Out) -> int:
    from watchpost import clock
    from watchpost.monitors.ask import look_now

    asked = look_now([monitor], clock.now())
    out.show({"monitor": name, "action": "look", "changed": asked.ok}, [asked.sentence])
    return 0 if asked.ok else 1


COMMAND = Command("monitor", "pause, resume, look at or delete a monitor", configure, run)
