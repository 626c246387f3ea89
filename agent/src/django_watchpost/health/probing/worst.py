"""Several things that one look found, as one result: the worst first, the others beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django_watchpost.health.contract import Result, Status

_ORDER = (Status.ERROR, Status.DEGRADED)


def worst(found: Sequence[Result], fine: Result) -> Result:
    """``fine`` with the trouble of ``found`` in it: its status, code, sentence and fix are those of the worst
    (the first among equals); what else is wrong stands in ``details["also"]``. ``fine`` keeps its value,
    unless the trouble has one of its own."""
    if not found:
        return fine
    ranked = sorted(found, key=lambda one: _ORDER.index(one.status))
    first, rest = ranked[0], ranked[1:]
    details = {**fine.details, **first.details}
    if rest:
        details["also"] = [
            {"state": one.status.value, "code": one.code, "message": one.message, "fix": one.fix}
            for one in rest
        ]
    if first.observed is None:
        return replace(first, observed=fine.observed, unit=fine.unit, details=details)
    return replace(first, details=details)
