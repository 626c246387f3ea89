"""``python -m patient``: the shop alone (``light``, ``full``), the demonstration (``demo``), a ``fault``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from patient.child import end_with_parent
from patient.desk import Closed, Desk, ask
from patient.ending import Ending
from patient.stand import Stand, StandFailed, open_stand


def main() -> int:
    args = _parse()
    if args.command == "fault":
        return _order(args.data / "shop", args.name)
    end_with_parent(os.getppid())
    try:
        if args.command == "demo":
            from patient.demo import Demo

            Demo(args.data, args.shop_port, args.port, "full" if args.full else "light").run()
        else:
            _run(open_stand(args.command, args.data / "shop", args.shop_port))
    except StandFailed as problem:
        print(f"patient: {problem}", file=sys.stderr)
        return 2
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m patient", description="A Django shop to watch and to break."
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/demo"), help="the folder of everything it writes"
    )
    parts = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("light", "the shop on Python alone"),
        ("full", "the shop on nginx, PostgreSQL, Redis and Memcached"),
        ("demo", "the shop, Watchpost beside it, and a menu of faults"),
    ):
        part = parts.add_parser(name, help=words)
        part.add_argument("--shop-port", type=int, default=8000, help="preferred port of the shop")
    parts.choices["demo"].add_argument("--port", type=int, default=8090, help="preferred port of Watchpost")
    parts.choices["demo"].add_argument("--full", action="store_true", help="the full shop in its place")
    fault = parts.add_parser("fault", help="break something of the shop that runs, or heal it")
    fault.add_argument("name", nargs="?", default="", help="which; without it they are listed")
    return parser.parse_args()


def _run(stand: Stand) -> None:
    """Until SIGINT or SIGTERM."""
    ending, desk = Ending(), Desk(stand)
    try:
        stand.open()
        desk.open_door()
        ending.started()
        print(f"The shop is at {stand.url}", flush=True)
        while not ending.wanted.is_set():
            desk.work(0.2)
    except KeyboardInterrupt:
        pass
    finally:
        desk.close_door()
        stand.close()


def _order(folder: Path, name: str) -> int:
    try:
        answer = ask(folder, "toggle" if name else "list", name)
    except Closed as problem:
        print(f"patient: {problem}; start it with make demo", file=sys.stderr)
        return 2
    for fault in answer.get("faults", ()):
        print(f" {'x' if fault['is_broken'] else ' '} {fault['name']:<24} {fault['title']}")
    if answer["said"]:
        print(answer["said"], file=sys.stdout if answer["ok"] else sys.stderr)
    return 0 if answer["ok"] else 2


if __name__ == "__main__":
    sys.exit(main())
