"""The ``watchpost`` command. Global options may stand anywhere; the rest belongs to the command."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import textwrap
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from watchpost.cli import commands
from watchpost.cli.command import USAGE, Command, Out, Refusal
from watchpost.config.table import SETTINGS

_EVERYWHERE = "Every command also takes --data-dir D, --json and honours NO_COLOR."


def find_commands() -> Mapping[str, Command]:
    """Every command by name, found by file."""
    found = {}
    for module in pkgutil.iter_modules(commands.__path__):
        if module.ispkg or module.name.startswith("_"):
            continue
        command = importlib.import_module(f"{commands.__name__}.{module.name}").COMMAND
        found[command.name] = command
    return dict(sorted(found.items()))


def global_options() -> ArgumentParser:
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--data-dir", metavar="D", help="the data folder (default: WATCHPOST_DATA_DIR, else ./data)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON value instead of text")
    return parser


def build_parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="watchpost",
        description="Watches a Django application from the outside and says in plain words what is wrong.",
        epilog="Begin with watchpost up; it prints a link to sign in. watchpost COMMAND --help says more.",
        parents=[global_options()],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"watchpost {_version()}")
    parts = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in find_commands().values():
        part = parts.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=f"{_settings()}\n\n{_EVERYWHERE}" if command.lists_settings else _EVERYWHERE,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        part.set_defaults(run=command.run)
        command.configure(part)
    return parser


def _settings() -> str:
    """The table of settings as help prints it."""
    lines = ["settings: WATCHPOST_NAME, or WATCHPOST_NAME_FILE (a file), or watchpost.toml"]
    for setting in SETTINGS:
        default = f" Default: {setting.default}." if setting.default and len(setting.default) < 40 else ""
        said = textwrap.wrap(f"{setting.doc}{default}", 54)
        lines.append(f"  {setting.name:<21} {said[0]}")
        lines += [" " * 24 + line for line in said[1:]]
    return "\n".join(lines)


def _version() -> str:
    try:
        return metadata.version("watchpost")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. 0: done; 2: the user can put it right; others as the command documents."""
    parser = build_parser()
    options, rest = global_options().parse_known_args(sys.argv[1:] if argv is None else list(argv))
    if options.data_dir:
        os.environ["WATCHPOST_DATA_DIR"] = str(Path(options.data_dir).absolute())
    args = parser.parse_args(rest)
    args.json = options.json
    return _run(args, Out(json=options.json, colour=_wants_colour()))


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _run(args: Namespace, out: Out) -> int:
    try:
        code: int = args.run(args, out)
        out.stream.flush()
        return code
    except Refusal as refusal:
        for line in refusal.lines:
            out.errors.write(f"watchpost: {line}\n")
        return USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


if __name__ == "__main__":
    sys.exit(main())
