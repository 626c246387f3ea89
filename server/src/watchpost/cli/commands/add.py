"""``watchpost add URL``: look around an address, show what was found, and watch what is wanted of it."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.wording import outcome_word

if TYPE_CHECKING:
    from watchpost.discovery.offer import Offer
    from watchpost.registry.site import Proposal

_WAIT_S = 15.0


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the address, such as https://shop.example.com/")
    parser.add_argument(
        "--project", metavar="NAME", help="the project, made when there is none (default: the host)"
    )
    parser.add_argument("--contains", metavar="TEXT", help="a text the page must contain")
    parser.add_argument("--only", action="store_true", help="watch this page alone; look for nothing else")
    parser.add_argument("--yes", action="store_true", help="create everything found, without asking")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock
    from watchpost.monitors import edit

    url, host = _address(args.url)
    project, name = _project(args.project or host)
    _check(name, edit)
    found = _found(args, url, project, out)
    for line in _announcement(project, name, found):
        out.note(line)
    if not found.new:
        gone = [_gone(one) for one in found.gone]
        out.show({"created": [], "gone": gone}, [f"Nothing new: what was found at {url} is watched already."])
        return 0
    _check_specs(project, found.new)
    chosen = found.new if args.yes else _ask(found.new, out)
    made = _create(project, name, chosen, clock.now())
    results = _first_looks(made, out)
    out.show({"created": results, "gone": [_gone(one) for one in found.gone]}, _result_lines(results))
    return 0


def _check(name: str, edit: Any) -> None:
    try:
        edit.check_project(name)
    except edit.Invalid as error:
        raise Refusal(*_errors(error)) from None


def _check_specs(project: Any, proposals: Sequence[Proposal]) -> None:
    from watchpost.monitors import edit

    try:
        for one in proposals:
            edit.read_monitor(project, {"slug": "new", **one.spec})
    except edit.Invalid as error:
        raise Refusal(*_errors(error)) from None


def _address(text: str) -> tuple[str, str]:
    from watchpost.discovery.scout import read_address
    from watchpost.registry.place import place
    from watchpost.registry.shown import quoted

    try:
        return text, place(read_address(text)).host
    except ValueError as error:
        # A password stays out of logs and terminals.
        shown = "what was typed" if "@" in text else quoted(text)
        raise Refusal(f"URL: {shown} is not an address: {error}") from None


def _project(wanted: str) -> tuple[Any, str]:
    """The project of that name, and the name for a new one."""
    from django.utils.text import slugify

    from watchpost.monitors.models import Project

    slug = slugify(wanted.replace(".", "-"))[:60]
    found = (
        Project.objects.filter(slug__in=[wanted, slug]).first() or Project.objects.filter(name=wanted).first()
    )
    return found, wanted


def _found(args: Namespace, url: str, project: Any, out: Out) -> Offer:
    """What a look around proposes, or the page alone."""
    from watchpost.discovery.make import alone, discover

    if args.only:
        found = alone(url, project)
    else:
        out.note(f"looking around {url} ...")
        try:
            found = discover(url, project).offer
        except ValueError as error:
            raise Refusal(f"URL: {error}") from None
    if args.contains and found.new and found.new[0].spec["kind"] == "http":
        first = found.new[0]
        spec = {**first.spec, "expect": {**first.spec.get("expect", {}), "body_contains": args.contains}}
        found = replace(found, new=(replace(first, spec=spec), *found.new[1:]))
    return found


def _announcement(project: Any, name: str, found: Offer) -> Iterator[str]:
    from watchpost.registry import kinds

    yield f"project {project.slug}" if project else f"+ project {name}"
    for number, one in enumerate(found.new, 1):
        where = one.spec.get("url") or one.spec.get("host") or one.spec.get("domain") or ""
        every = one.every(kinds()[str(one.spec["kind"])].interval_s)
        yield f"{number:>3}  {one.spec['name']} ({one.spec['kind']}) {where} every {every}"
        yield f"     {one.why}"
        if text := (one.spec.get("expect") or {}).get("body_contains"):
            yield f"     must contain {text if isinstance(text, str) else ', '.join(text)!r}"
    for one, monitor in found.known:
        if one.spec is monitor.spec:
            yield f"  =  {monitor.name} ({monitor.kind}): {one.why}"
        else:
            yield f"  =  {one.spec['name']} ({one.spec['kind']}) is watched already as {monitor.name}"
    for gone in found.gone:
        yield f"  -  {gone.monitor.name} ({gone.monitor.kind}): {gone.why} Delete it?"


def _ask(found: Sequence[Proposal], out: Out) -> Sequence[Proposal]:
    """All of it, or all but the numbers somebody names."""
    if out.json or not sys.stdin.isatty():
        raise Refusal("--yes: nobody is here to be asked; add --yes to create this")
    while True:
        out.errors.write("Create all? [Y/n, or the numbers to leave out, such as 3 5] ")
        out.errors.flush()
        typed = sys.stdin.readline()
        answer = typed.strip().lower().replace(",", " ")
        if answer in ("", "y", "yes") and typed:
            return found
        if answer in ("n", "no") or not typed:
            raise Refusal("nothing was created")
        left_out = [int(word) for word in answer.split() if word.isdecimal() and len(word) < 4]
        if len(left_out) == len(answer.split()) and all(1 <= one <= len(found) for one in left_out):
            chosen = [one for number, one in enumerate(found, 1) if number not in left_out]
            if chosen:
                return chosen
        out.note(f"write y, n, or some of the numbers 1 to {len(found)}")


def _create(project: Any, name: str, chosen: Sequence[Proposal], now: Any) -> list[Any]:
    from django.db import transaction
    from django.utils.text import slugify

    from watchpost.discovery.make import make_all
    from watchpost.monitors import edit

    try:
        with transaction.atomic():
            slug = slugify(name.replace(".", "-"))[:60].strip("-")
            home = project or edit.create_project(name, now, slug=slug)
            return make_all(home, chosen, now)
    except edit.Invalid as error:
        raise Refusal(*_errors(error)) from None


def _gone(one: Any) -> dict[str, Any]:
    return {"monitor": one.monitor.name, "id": str(one.monitor.id), "why": one.why}


def _errors(error: Any) -> list[str]:
    return [f"{where}: {what}" for where, what in error.errors]


def _first_looks(made: list[Any], out: Out) -> list[dict[str, Any]]:
    from watchpost.cli.installation import engine_runs

    if engine_runs():
        out.note(f"waiting for the first look{'s' if len(made) > 1 else ''} ...")
        looks = _wait_for_engine(made)
    else:
        out.note("no engine is running; looking once from here ...")
        looks = [_look_here(one) for one in made]
    return [
        {"monitor": f"{row.project.slug}/{row.slug}", "id": str(row.pk), **look}
        for row, look in zip(made, looks, strict=True)
    ]


def _wait_for_engine(made: list[Any]) -> list[dict[str, Any]]:
    from watchpost.clock import monotonic
    from watchpost.monitors.models import MonitorLast

    until, seen = monotonic() + _WAIT_S, dict[int, Any]()
    while monotonic() < until and len(seen) < len(made):
        seen = {row.pk: row for row in MonitorLast.objects.filter(pk__in=[one.pk for one in made])}
        time.sleep(0.25)
    return [_seen(seen.get(one.pk)) for one in made]


def _seen(last: Any) -> dict[str, Any]:
    if last is None:
        return {"outcome": None, "total_ms": None, "findings": [], "by": "engine"}
    found = [{"sentence": row.get("sentence"), "fix": row.get("fix")} for row in last.findings or []]
    return {"outcome": last.outcome, "total_ms": last.total_ms, "findings": found, "by": "engine"}


def _look_here(monitor: Any) -> dict[str, Any]:
    from watchpost import clock
    from watchpost.prober.once import look_once

    try:
        seen = look_once(monitor, clock.now())
    except ValueError as error:
        raise Refusal(f"created, but it cannot be looked at: {error}") from None
    return {
        "outcome": seen.observation.outcome.value,
        "total_ms": seen.observation.total_ms,
        "findings": [{"sentence": finding.sentence, "fix": finding.fix} for finding in seen.verdict.findings],
        "by": "command",
    }


def _result_lines(results: list[dict[str, Any]]) -> Iterator[str]:
    for row in results:
        if row["outcome"] is None:
            yield f"{row['monitor']}: created, not looked at within {_WAIT_S:.0f} s; see watchpost explain"
            continue
        yield f"{row['monitor']}: {outcome_word(row['outcome'], row['findings'])} in {row['total_ms']:.0f} ms"
        for finding in row["findings"]:
            yield f"    {finding['sentence']}"
            if finding["fix"]:
                yield f"    {finding['fix']}"
        if row["by"] == "command":
            yield "    It is looked at again once watchpost up runs."


COMMAND = Command(
    "add", "watch an address: shows what it will create, creates it, looks at it", configure, run
)
