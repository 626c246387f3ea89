"""A week's report in words: the same for the letter, as text and as HTML, and for the page. Pure but for
the models it reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from watchpost.core.types import Severity
from watchpost.core.words import duration_words
from watchpost.reports.endings import Due
from watchpost.reports.weekly import Happened, OfMonitor, OfProject, Report, Slow
from watchpost.web.words import milliseconds, percent, rough

_MARKED = 0.2  # a p95 that changed by less is as it was


@dataclass(frozen=True, slots=True)
class Line:
    """One row: whose it is, what is said of it, and where to read more. ``tone`` is good, warn or bad."""

    name: str
    says: str
    note: str = ""
    tone: str = ""
    path: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and its rows; ``more`` says what was left out."""

    title: str
    lines: tuple[Line, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """All that is said."""

    subject: str
    headline: str
    lead: str
    quiet: bool
    parts: tuple[Part, ...]


def tell(report: Report, zone: tzinfo) -> Told:
    """Times stand in ``zone``. A quiet week is told shortly: uptime and the slowest page, nothing else."""
    names = ", ".join(one.project.name for one in report.projects)
    monitors = _count(report.monitors, "monitor")
    where = f" in {_count(len(report.projects), 'project')}" if len(report.projects) > 1 else f" in {names}"
    lead = f"{report.week.words}: {monitors}{where}."
    if report.is_quiet and report.slowest:
        slow = report.slowest[0]
        lead += f" The slowest page was {slow.monitor.name}: {_speed(slow)}."
    return Told(
        _subject(report), headline(report), lead, report.is_quiet, _parts(report, zone, report.is_quiet)
    )


def headline(report: Report) -> str:
    """The week in one sentence."""
    if report.is_quiet:
        if any(one.uptime is not None for one in report.projects):
            return "A quiet week: nothing was down, and nothing ends soon."
        return "Nothing was looked at this week."
    said = []
    if report.down_s >= 1:
        said.append(f"{_minutes(report.down_s)} of downtime")
    if report.all_incidents:
        said.append(_count(report.all_incidents, "incident"))
    if report.ended:
        said.append(f"{report.ended} {'thing has' if report.ended == 1 else 'things have'} ended")
    if ends := report.all_dues - report.ended:
        said.append(f"{ends} {'thing ends' if ends == 1 else 'things end'} within 60 days")
    whole = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else said[0]
    return f"{whole[:1].upper()}{whole[1:]}."


def _subject(report: Report) -> str:
    whole = [one.uptime for one in report.projects if one.uptime is not None]
    where = f"[{report.projects[0].project.name}] " if len(report.projects) == 1 else ""
    if report.is_quiet:
        return f"{where}A quiet week, {report.week.words}"
    said = []
    if whole:
        said.append(f"{percent(min(whole))} up" + (" at worst" if len(whole) > 1 else ""))
    if report.all_incidents:
        said.append(_count(report.all_incidents, "incident"))
    return f"{where}Week of {report.week.words}: {', '.join(said) or 'something ends soon'}"


def _parts(report: Report, zone: tzinfo, quiet: bool) -> tuple[Part, ...]:
    parts = [Part("Uptime", tuple(_project(one) for one in report.projects))]
    if not quiet:
        left, later = report.all_incidents - len(report.incidents), report.all_dues - len(report.dues)
        parts += [
            Part("Longest down", tuple(_monitor(one) for one in report.worst)),
            Part(
                "Incidents",
                tuple(_incident(one, zone) for one in report.incidents),
                f"and {_count(left, 'more incident')}" if left else "",
            ),
            Part(
                "Ended, or ends within 60 days" if report.ended else "Ends within 60 days",
                tuple(_due(one, report.made_at, zone) for one in report.dues),
                f"and {later} more" if later else "",
            ),
            Part("Slowest pages", tuple(_slow(one) for one in report.slowest)),
        ]
    return tuple(part for part in parts if part.lines)


def _project(one: OfProject) -> Line:
    down = f"down for {_minutes(one.down_s)}" if one.down_s >= 1 else "never down"
    if one.uptime is None:
        return Line(one.project.name, "not judged", "", "", f"/projects/{one.project.slug}/")
    note = f"{_count(one.monitors, 'monitor')}, {down}"
    tone = "bad" if one.down_s >= 1 else "good"
    return Line(one.project.name, f"{percent(one.uptime)} up", note, tone, f"/projects/{one.project.slug}/")


def _monitor(one: OfMonitor) -> Line:
    path, project = f"/monitors/{one.monitor.pk}/", one.monitor.project.name
    note = f"{percent(one.uptime)} up" if one.uptime is not None else ""
    return Line(one.monitor.name, f"down for {_minutes(one.down_s)}", note, "bad", path, project)


def _slow(one: Slow) -> Line:
    change, path = one.change, f"/monitors/{one.monitor.pk}/"
    tone = "warn" if change is not None and change >= _MARKED else ""
    says = f"95 of 100 answers within {milliseconds(one.p95_ms)}"
    return Line(one.monitor.name, says, _change(one), tone, path, one.monitor.project.name)


def _speed(one: Slow) -> str:
    return f"95 of 100 answers within {milliseconds(one.p95_ms)}, {_change(one)}"


def _change(one: Slow) -> str:
    change, before = one.change, milliseconds(one.before_ms)
    if change is None:
        return "the week before is not known"
    if abs(change) < _MARKED:
        return f"as the week before ({before})"
    how = "slower" if change > 0 else "faster"
    return f"{abs(change) * 100:.0f} % {how} than the week before ({before})"


def _due(due: Due, now: datetime, zone: tzinfo) -> Line:
    left_s = due.left_s(now)
    says = f"in {rough(left_s)}" if left_s > 0 else f"ended {rough(-left_s)} ago"
    tone = "bad" if left_s <= 0 else "warn" if left_s <= 7 * 86_400 else ""
    projects = ", ".join(dict.fromkeys(one.project.name for one in due.monitors))
    note = f"on {_moment(due.at, zone)}" + (f"; {due.note[:1].lower()}{due.note[1:]}" if due.note else "")
    return Line(due.what, says, note, tone, "/calendar/", projects)


def _incident(one: Happened, zone: tzinfo) -> Line:
    row = one.incident
    lasted = duration_words(one.lasted_s)
    says = f"open for {lasted}" if one.is_open else f"lasted {lasted}"
    title = f"{row.title[:1].upper()}{row.title[1:]}"
    cause = f" Cause: {one.cause}" if one.cause and one.cause.rstrip(".") != title.rstrip(".") else ""
    tone = "bad" if row.severity >= Severity.ERROR else "warn"
    note = f"From {_moment(row.began_at, zone)}.{cause}"
    return Line(title, says, note, tone, f"/incidents/{row.pk}/", row.project.name)


def _moment(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _minutes(seconds: float) -> str:
    """Minutes and hours; under a minute its seconds."""
    return duration_words(seconds if seconds < 60 else round(seconds / 60) * 60)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
