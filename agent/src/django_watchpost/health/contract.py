"""What a health check is: a dataclass with a ``run``, and what it says.

    @dataclass(kw_only=True)
    class Payments(Check):
        id: str = "payments"
        critical: bool = False
        interval: float = 60.0

        def run(self) -> Result:
            took_ms = ping_the_bank()
            return ok(observed=took_ms, unit="ms")

``run`` may be ``async def``. It is called in a thread of its own, may open one database connection (which is
closed afterwards), and may raise: an exception is an error with its words as the message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a check is. UNKNOWN: it has not answered yet; nobody may conclude anything from it."""

    OK = "ok"
    DEGRADED = "degraded"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """What one run found.

    ``code`` names the trouble for machines (``database.too_many_connections``), ``message`` is a sentence for
    people, ``fix`` says what to do. ``observed`` with its ``unit`` is what a chart shows (12.5 "ms", 97
    "connections"). ``details`` holds further plain values. Of these only the status is shown to strangers.
    """

    status: Status
    message: str = ""
    observed: float | int | None = None
    unit: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    fix: str = ""


def ok(message: str = "", **more: Any) -> Result:
    """All is well."""
    return Result(Status.OK, message, **more)


def degraded(message: str, **more: Any) -> Result:
    """It works, and somebody should look at it: the endpoint still answers 200."""
    return Result(Status.DEGRADED, message, **more)


def error(message: str, **more: Any) -> Result:
    """It does not work. Of a critical check: the endpoint answers 503."""
    return Result(Status.ERROR, message, **more)


@dataclass(kw_only=True)
class Check:
    """One thing that is looked at again and again, in the background.

    ``interval`` and ``timeout`` are seconds; a run that lasts longer than ``timeout`` is an error, whatever
    it does. A failing check that is not ``critical`` makes the application degraded, not broken. ``tags``
    put it into groups (``ready``).
    """

    id: str
    critical: bool = True
    tags: tuple[str, ...] = ()
    interval: float = 30.0
    timeout: float = 5.0

    def run(self) -> Result | Awaitable[Result]:
        """Looks once. May block, raise, or be ``async def``."""
        raise NotImplementedError(f"{type(self).__name__} has no run()")

    @classmethod
    def found(cls) -> Iterable[Check]:
        """The checks of this class that fit this application's settings: one for each alias, or none."""
        return (cls(),)  # type: ignore[call-arg]  # each class gives its id a default
