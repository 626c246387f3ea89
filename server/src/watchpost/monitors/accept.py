"""Somebody says that what was found is as it should be: the baseline learns it, the next look agrees.

One change is often seen by several monitors of a project: the name servers of a domain by all that watch a
name of it. It is accepted once, for all of them. Which findings are one change says the kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from watchpost.core.types import Finding
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Monitor, MonitorLast, MonitorState, Remark
from watchpost.monitors.spec import Invalid
from watchpost.registry import Kind, kinds

TRIES = 5
Key = tuple[str, str]  # code and subject


def acceptable(monitor: Monitor) -> dict[Key, tuple[Monitor, ...]]:
    """(code, subject) of what the last look found and a person may declare to be expected, each with the
    other monitors of the project that found the same change."""
    mine = _changes(monitor)
    if not mine:
        return {}
    others = [(one, {*_changes(one).values()}) for one in _like(monitor, {code for code, _ in mine})]
    return {key: tuple(one for one, found in others if change in found) for key, change in mine.items()}


def accept_finding(
    monitor: Monitor, code: str, subject: str, now: datetime, by: str = ""
) -> tuple[Monitor, ...]:
    """Takes what the last look found into the baseline, here and at each monitor of the project that found
    the same change; these monitors, the given one first. ``by`` is who says so, for their history. Raises
    Invalid when there is no such finding, or nothing about it that could be expected."""
    change = _changes(monitor).get((code, subject))
    who = by or "Somebody"
    others = [] if change is None else list(_like(monitor, {code}))
    _accept_here(monitor, code, subject, now, f"{who} said that this is expected")
    accepted = [monitor]
    for other in others:
        # A look in between may have changed what it found: what is no longer the same is left as it is.
        same = next((key for key, found in _changes(other).items() if found == change), None)
        if same is not None:
            try:
                _accept_here(other, *same, now, f"{who} said at {monitor.name} that this is expected")
                accepted.append(other)
            except Invalid:
                continue
    return tuple(accepted)


def _accept_here(monitor: Monitor, code: str, subject: str, now: datetime, said: str) -> None:
    kind = kinds()[monitor.kind]
    last = MonitorLast.objects.filter(monitor=monitor).first()
    row = next((one for one in (last.findings or [] if last else []) if _is(one, code, subject)), None)
    if last is None or row is None or kind.accept is None:
        raise Invalid([("code", f"{code or 'nothing'} is not among what the last look found")])
    finding = _finding(row)
    for _ in range(TRIES):  # the engine may store a baseline of its own in between
        state = MonitorState.objects.get(monitor=monitor)
        wanted = dict(kind.accept(state.baseline, last.facts or {}, finding))
        if wanted == state.baseline:
            raise Invalid([("code", f"{code} is not a matter of what is expected; mend what it says")])
        with transaction.atomic():
            rows = MonitorState.objects.filter(monitor=monitor, version=state.version)
            if rows.update(baseline=wanted, version=state.version + 1):
                Remark.objects.create(monitor=monitor, at=now, sentence=f"{said}: {finding.sentence}")
                announce("monitor", monitor.pk, now)
                return
    raise Invalid([("code", "somebody else was faster; try again")])


def _like(monitor: Monitor, codes: set[str]) -> Iterator[Monitor]:
    """The other monitors of the kind in the project whose last look found one of these."""
    rows = Monitor.objects.filter(project=monitor.project_id, kind=monitor.kind).exclude(pk=monitor.pk)
    found = rows.exclude(last__findings=None).values_list("pk", "last__findings")
    near = [pk for pk, findings in found if any(row["code"] in codes for row in findings or [])]
    yield from rows.filter(pk__in=near).order_by("name", "pk")


def _changes(monitor: Monitor) -> dict[Key, tuple[str, str]]:
    """Code and change of each finding of the last look that can be accepted, by its code and subject."""
    kind, last = kinds().get(monitor.kind), MonitorLast.objects.filter(monitor=monitor).first()
    state = MonitorState.objects.filter(monitor=monitor).first()
    if kind is None or kind.accept is None or last is None or state is None:
        return {}
    facts = last.facts or {}
    found = [_finding(row) for row in last.findings or []]
    return {
        (one.code, one.subject): (one.code, kind.change(state.baseline, facts, one))
        for one in found
        if _teaches(kind, state.baseline, facts, one)
    }


def _teaches(kind: Kind, baseline: Mapping[str, Any], facts: Mapping[str, Any], one: Finding) -> bool:
    return kind.accept is not None and dict(kind.accept(baseline, facts, one)) != baseline


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(row["code"], row["subject"], row["sentence"], row["fix"])


def _is(row: dict[str, Any], code: str, subject: str) -> bool:
    return bool(row["code"] == code and row["subject"] == subject)
