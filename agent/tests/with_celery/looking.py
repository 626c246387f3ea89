"""Runs checks as the runner would."""

from __future__ import annotations

from typing import Any

from django_watchpost.health import Result
from tests.celery_stack import wait_for

QUICK = {"silent_after": 4.0, "grace": 0.0}


def see(check: Any) -> tuple[str, str, str]:
    result: Result = check.run()
    return result.status.value, result.code, result.message


def until(check: Any, status: str, code: str = "", within_s: float = 40.0) -> Result:
    """Runs ``check`` as the runner would, until it says so."""
    last: list[Result] = []

    def is_so() -> bool:
        last[:] = [check.run()]
        return (last[0].status.value, last[0].code) == (status, code)

    try:
        wait_for(is_so, within_s, 0.5)
    except BaseException:
        print("the last answer:", last)
        raise
    return last[0]
