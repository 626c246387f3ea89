"""``watchpost findings [CODE]``: every code there is, or what one means and how it is mended."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", default="", help="a code, or how some begin")


def run(args: Namespace, out: Out) -> int:
    from watchpost.codes import catalogue

    wanted = args.code.strip().lower().removesuffix(".")
    family = f"{wanted}." if wanted else ""
    found = [entry for code, entry in sorted(catalogue().items()) if f"{code}.".startswith(family)]
    if not found:
        raise Refusal(f"There is no finding {args.code!r}." + _nearest(wanted, list(catalogue())))
    exact = next((one for one in found if one.code == wanted), None)
    out.show(
        [_object(one, with_page=one is exact) for one in found],
        _page(exact.code) if exact and len(found) == 1 else _table(found, out),
    )
    return 0


def _nearest(wanted: str, codes: list[str]) -> str:
    near = get_close_matches(wanted, codes, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else " watchpost findings lists all."


def _object(entry: Any, with_page: bool) -> dict[str, Any]:
    page = {"page": "\n".join(_page(entry.code))} if with_page else {}
    return {
        "code": entry.code, "severity": entry.severity.word, "title": entry.title,
        "at_once": entry.settled, "lasting": entry.lasting,
    } | page  # fmt: skip


def _page(code: str) -> list[str]:
    from watchpost.codes import docs_path

    return docs_path(code).read_text("utf-8").splitlines()


def _table(found: list[Any], out: Out) -> Iterator[str]:
    width = max(len(entry.code) for entry in found)
    for entry in found:
        words = [word for word, holds in (("at once", entry.settled), ("lasting", entry.lasting)) if holds]
        more = f" ({', '.join(words)})" if words else ""
        yield f"{entry.code:<{width}}  {entry.severity.word:<8}  {entry.title}{more}"


COMMAND = Command("findings", "every finding there is, or what one means", configure, run)
