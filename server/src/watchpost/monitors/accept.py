"""Somebody says that what was found is as it should be: the baseline learns it, the next look agrees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from watchpost.core.types import Finding
from watchpost.monitors.changes import announce
from watchpost.monitors.models import Monitor, MonitorLast, MonitorState
from watchpost.monitors.spec import Invalid
from watchpost.registry import kinds

TRIES = 5


def acceptable(monitor: Monitor) -> set[tuple[str, str]]:
    """(code, subject) of what the last look found and a person may declare to be expected."""
    kind, last = kinds().get(monitor.kind), MonitorLast.objects.filter(monitor=monitor).first()
    state = MonitorState.objects.filter(monitor=monitor).first()
    if kind is None or kind.accept is None or last is None or state is None:
        return set()
    found = [_finding(row) for row in last.findings or []]
    return {
        (one.code, one.subject)
        for one in found
        if dict(kind.accept(state.baseline, last.facts or {}, one)) != state.baseline
    }


def accept_finding(monitor: Monitor, code: str, subject: str, now: datetime) -> None:
    """Takes what the last look found into the baseline. Raises Invalid when there is no such finding, or
    nothing about it that could be expected."""
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
                announce("monitor", monitor.pk, now)
                return
    raise Invalid([("code", "somebody else was faster; try again")])


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(row["code"], row["subject"], row["sentence"], row["fix"])


def _is(row: dict[str, Any], code: str, subject: str) -> bool:
    return bool(row["code"] == code and row["subject"] == subject)
