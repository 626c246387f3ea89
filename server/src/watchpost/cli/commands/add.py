"""``watchpost add URL``: begin to watch an address."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from watchpost.cli.command import Command, Out, Refusal
from watchpost.cli.wording import outcome_word

_WAIT_S = 15.0


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="the address, such as https://shop.example.com/")
    parser.add_argument(
        "--project", metavar="NAME", help="the project, made when there is none (default: the host)"
    )
    parser.add_argument("--contains", metavar="TEXT", help="a text the page must contain")
    parser.add_argument("--yes", action="store_true", help="create without asking")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    from watchpost import clock
    from watchpost.monitors import edit

    url, host = _address(args.url)
    project, name = _project(args.project or host)
    specs = _free(_specs(url, args.contains), project)
    try:
        edit.check_project(name)
        for spec in specs:
            edit.read_monitor(project, spec)
    except edit.Invalid as error:
        raise Refusal(*_errors(error)) from None
    for line in _announcement(project, name, specs):
        out.note(line)
    if not args.yes:
        _ask(out)
    made = _create(project, name, specs, clock.now())
    results = [
        {"monitor": f"{row.project.slug}/{row.slug}", "id": str(row.pk), **_first_look(row, out)}
        for row in made
    ]
    out.show({"created": results}, _result_lines(results))
    return 0


def _address(text: str) -> tuple[str, str]:
    url = text if "://" in text else f"https://{text}"
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise Refusal(f"URL: {text!r} is not an address; write it as https://shop.example.com/")
    return url, host


def _project(wanted: str) -> tuple[Any, str]:
    """The project of that name, and the name for a new one."""
    from django.utils.text import slugify

    from watchpost.monitors.models import Project

    slug = slugify(wanted.replace(".", "-"))[:60]
    found = (
        Project.objects.filter(slug__in=[wanted, slug]).first() or Project.objects.filter(name=wanted).first()
    )
    return found, wanted


def _specs(url: str, contains: str | None) -> list[dict[str, Any]]:
    """What each kind that can begin with an address would ask."""
    from pydantic import ValidationError

    from watchpost.monitors.sentences import explain
    from watchpost.registry import kinds

    found: list[dict[str, Any]] = []
    for kind in kinds().values():
        if kind.from_url is None:
            continue
        try:
            config = kind.from_url(url)
        except ValidationError as error:
            raise Refusal(*(f"URL: {what}" for _, what in explain(error, kind.config))) from None
        except ValueError as error:
            raise Refusal(f"URL: {error}") from None
        if config is not None:
            own = config.model_dump(mode="json", exclude_unset=True, by_alias=True)
            found.append({"name": _name(url, kind, not found), "kind": kind.name, **own})
    if contains:
        for spec in found:
            if spec["kind"] == "http":
                spec["expect"] = {**spec.get("expect", {}), "body_contains": contains}
    return found


def _name(url: str, kind: Any, first: bool) -> str:
    """``Home page`` for the root, else the path; other kinds carry their title."""
    path = urlsplit(url).path.strip("/")
    page = path.replace("/", " ")[:80] or "Home page"
    return page if first else f"{page} {kind.title}"


def _free(specs: list[dict[str, Any]], project: Any) -> list[dict[str, Any]]:
    """Names that are taken get the host in front; the very same monitor is refused."""
    from watchpost.monitors.edit import config_of, slug_of

    def url_of(monitor: Any) -> str | None:
        try:
            return getattr(config_of(monitor), "url", None)
        except ValueError:  # it cannot be read, so it is not known to be the same
            return None

    taken = {monitor.slug: monitor for monitor in project.monitors.all()} if project else {}
    for spec in specs:
        twin = taken.get(slug_of(spec))
        if twin is None:
            continue
        if twin.kind == spec["kind"] and url_of(twin) == spec.get("url"):
            raise Refusal(f"URL: {spec.get('url')} is watched already as {project.slug}/{twin.slug}")
        spec["name"] = f"{urlsplit(spec.get('url', '')).hostname} {spec['name']}"
    return specs


def _announcement(project: Any, name: str, specs: list[dict[str, Any]]) -> Iterator[str]:
    yield f"project {project.slug}" if project else f"+ project {name}"
    for spec in specs:
        yield f"+ monitor {spec['name']} ({spec['kind']}) {spec.get('url', '')} every 60 s"
        if text := spec.get("expect", {}).get("body_contains"):
            yield f"    must contain {text!r}"


def _ask(out: Out) -> None:
    if out.json or not sys.stdin.isatty():
        raise Refusal("--yes: nobody is here to be asked; add --yes to create this")
    out.errors.write("Create? [Y/n] ")
    out.errors.flush()
    if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
        raise Refusal("nothing was created")


def _create(project: Any, name: str, specs: list[dict[str, Any]], now: Any) -> list[Any]:
    from django.db import transaction
    from django.utils.text import slugify

    from watchpost.monitors import edit

    try:
        with transaction.atomic():
            slug = slugify(name.replace(".", "-"))[:60].strip("-")
            home = project or edit.create_project(name, now, slug=slug)
            return [edit.create_monitor(home, spec, now) for spec in specs]
    except edit.Invalid as error:
        raise Refusal(*_errors(error)) from None


def _errors(error: Any) -> list[str]:
    return [f"{where}: {what}" for where, what in error.errors]


def _first_look(monitor: Any, out: Out) -> dict[str, Any]:
    from watchpost.cli.installation import engine_runs

    if engine_runs():
        out.note(f"waiting for the first look at {monitor.slug} ...")
        return _wait_for_engine(monitor)
    out.note("no engine is running; looking once from here ...")
    return _look_here(monitor)


def _wait_for_engine(monitor: Any) -> dict[str, Any]:
    from watchpost.clock import monotonic
    from watchpost.monitors.models import MonitorLast

    until = monotonic() + _WAIT_S
    while monotonic() < until:
        last = MonitorLast.objects.filter(pk=monitor.pk).first()
        if last is not None:
            return {
                "outcome": last.outcome,
                "total_ms": last.total_ms,
                "findings": [
                    {"sentence": row.get("sentence"), "fix": row.get("fix")} for row in last.findings or []
                ],
                "by": "engine",
            }
        time.sleep(0.25)
    return {"outcome": None, "total_ms": None, "findings": [], "by": "engine"}


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
