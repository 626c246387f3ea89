"""The ``watchpost`` command. Global options may stand anywhere; the rest belongs to the command."""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys
import textwrap
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path

from watchpost.cli import commands
from watchpost.cli.command import USAGE, Command, Out, Refusal, defused
from watchpost.cli.parser import Parser
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
    parser = Parser(
        prog="watchpost",
        description="Watches a Django application from the outside and says in plain words what is wrong.",
        epilog="Begin with watchpost up; it prints a link to sign in. watchpost COMMAND --help says more.",
        parents=[global_options()],
    )
    parser.add_argument("--version", action="version", version=f"watchpost {_version()}")
    parts = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in find_commands().values():
        part = parts.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            epilog=f"{_settings()}\n\n{_EVERYWHERE}" if command.serves else _EVERYWHERE,
            formatter_class=RawDescriptionHelpFormatter,
        )
        part.set_defaults(run=command.run, serves=command.serves)
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
    _open_streams()
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            sys.stdout.flush()
    except Refusal as refusal:
        for line in refusal.lines:
            sys.stderr.write(f"watchpost: {defused(line)}\n")
        return USAGE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _drop_output()
        return 0
    except OSError as error:
        if error.filename is not None:  # not an output, but a file of ours: that is for the log
            raise
        sys.stderr.write(f"watchpost: the output could not be written ({error.strerror})\n")
        _drop_output()
        return USAGE


def _run(argv: Sequence[str]) -> int:
    named = find_commands().get(argv[0]) if argv else None
    if named is not None and named.words is not None:
        return named.words(argv[1:])
    parser = build_parser()
    options, rest = global_options().parse_known_args(argv)
    if options.data_dir:
        os.environ["WATCHPOST_DATA_DIR"] = str(Path(options.data_dir).absolute())
    if not rest:
        parser.print_help(sys.stderr)
        return USAGE
    args = parser.parse_args(rest)
    args.json = options.json
    with nullcontext() if args.serves else _database_errors_as_lines():
        code: int = args.run(args, Out(json=options.json, colour=_wants_colour()))
    return code


@contextmanager
def _database_errors_as_lines() -> Iterator[None]:
    """A command that wants Django has loaded it by the time its database fails."""
    try:
        yield
    except Exception as error:
        django_db = sys.modules.get("django.db")
        if django_db is None or not isinstance(error, django_db.DatabaseError):
            raise
        said = " ".join(str(error).split())
        raise Refusal(
            f"the database could not be used ({said}); try again, or ask watchpost doctor"
        ) from None


def _open_streams() -> None:
    """A closed output is no reason to fail, and names in any script go out whole: always as UTF-8."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  for as long as we live
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _drop_output() -> None:
    """What is still in the buffer goes nowhere: the interpreter would complain of it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    sys.exit(main())
