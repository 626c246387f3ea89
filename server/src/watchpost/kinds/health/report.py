"""What an endpoint says, in one shape whatever its format: plain data, cleaned and bounded. Pure.

Nothing here trusts the other side: five thousand checks, a message of a megabyte, control characters and
numbers that are none become something that can be shown, stored and compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

OK, DEGRADED, ERROR, UNKNOWN = "ok", "degraded", "error", "unknown"
ORDER = {ERROR: 0, DEGRADED: 1, UNKNOWN: 2, OK: 3}
MOST_CHECKS = 200
MOST_WORDS = 500
MOST_ID = 48  # with its location it is the key of a track
_CODE = re.compile(r"[a-z][a-z0-9_]{0,29}(?:\.[a-z][a-z0-9_]{0,39}){1,3}")


@dataclass(frozen=True, slots=True)
class Inner:
    """One check. ``critical`` None: the format does not say. Times in seconds and milliseconds."""

    id: str
    state: str
    critical: bool | None = None
    message: str = ""
    code: str = ""
    fix: str = ""
    value: float | None = None
    unit: str = ""
    since: str = ""  # ISO 8601, aware
    age_s: float | None = None
    interval_s: float | None = None

    def to_facts(self) -> dict[str, Any]:
        """What there is, as JSON holds it. Of a check that is well its words are not needed."""
        words = {"message": self.message, "code": self.code, "fix": self.fix} if self.state != OK else {}
        kept = {
            "critical": self.critical, "value": self.value, "unit": self.unit, "since": self.since,
            "age_s": self.age_s, "interval_s": self.interval_s, **words,
        }  # fmt: skip
        return {"state": self.state} | {key: one for key, one in kept.items() if one not in (None, "")}

    @classmethod
    def from_facts(cls, name: str, facts: Mapping[str, Any]) -> Inner:
        return cls(name, **facts)


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. ``says`` is what the endpoint says of the whole, "" when it says nothing. ``told``: whether
    details are shown. ``left_out``: checks beyond the most that are kept."""

    format: str
    says: str
    checks: tuple[Inner, ...] = ()
    told: bool = True
    message: str = ""
    agent: str = ""
    process: str = ""
    process_age_s: float | None = None
    problems: tuple[str, ...] = ()
    left_out: int = 0


def settled(report: Report) -> Report:
    """Each check once, the worst first where there are too many of them."""
    checks = tuple(_apart(report.checks))
    if len(checks) > MOST_CHECKS:
        kept = sorted(checks, key=lambda one: ORDER[one.state])[:MOST_CHECKS]
        return replace(report, checks=tuple(kept), left_out=len(checks) - MOST_CHECKS)
    return replace(report, checks=checks)


def _apart(checks: Iterable[Inner]) -> Iterable[Inner]:
    """Two checks of one name are numbered."""
    seen: dict[str, int] = {}
    for one in checks:
        seen[one.id] = count = seen.get(one.id, 0) + 1
        yield one if count == 1 else replace(one, id=f"{one.id}#{count}")


def words(value: Any, most: int = MOST_WORDS) -> str:
    """One line of printable text; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value[: 4 * most].split())
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line if len(line) <= most else line[: most - 1] + "…"


def name(value: Any) -> str:
    """A check's name: what is too long keeps a mark of its own, so that two of them stay two."""
    whole = words(str(value), 1000) or "unnamed"
    whole = whole.replace("|", "/")
    if len(whole) <= MOST_ID:
        return whole
    return f"{whole[: MOST_ID - 7]}~{sha256(whole.encode()).hexdigest()[:6]}"


def code(value: Any) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def number(value: Any) -> float | None:
    """A finite number; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e15 else None


def seconds(value: Any) -> float | None:
    found = number(value)
    return found if found is not None and found >= 0 else None


def moment(value: Any) -> str:
    """An aware moment in ISO 8601, in UTC; "" for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC).isoformat() if at.tzinfo is not None else ""
    except (ValueError, OverflowError):
        return ""


def worst(checks: Iterable[Inner]) -> str:
    """The worst state there is; a check that is not critical makes the whole no worse than degraded."""
    states = {DEGRADED if one.state == ERROR and one.critical is False else one.state for one in checks}
    return next((state for state in (ERROR, DEGRADED) if state in states), OK)
