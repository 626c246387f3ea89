"""Checks written for django-health-check (3 and 4), run by our runner: with deadlines, ages and no warning
that is a 500. Their package is not imported here; what they are shows in their shape."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any

from django_watchpost.health.contract import Check, Result, degraded, error, ok

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOLD_APART_BY = ("alias", "cache_alias", "database", "backend", "hostname", "name", "disk", "queue")


@dataclass(kw_only=True)
class Foreign(Check):
    """``check`` has ``run`` (4) or ``run_check`` (3)."""

    check: Any
    critical: bool = True

    def run(self) -> Result | Awaitable[Result]:
        return self._run_three() if hasattr(self.check, "run_check") else self._run_four()

    def _run_three(self) -> Result:
        """``check_status`` collects errors, and raises what it did not expect."""
        self.check.run_check()
        return _told(self.check.errors)

    async def _run_four(self) -> Result:
        """``get_result`` would hide what it does not know as "unknown error"; so ``run`` is called here."""
        import asyncio
        import inspect

        problem_base = _problem_base(self.check)
        try:
            if inspect.iscoroutinefunction(self.check.run):
                await self.check.run()
            else:
                await asyncio.to_thread(self.check.run)
        except problem_base as problem:
            return _told([problem])
        return ok()


def foreign_checks(target: Any, options: Mapping[str, Any]) -> Iterable[Check] | None:
    """The checks of ``target``: a check class or object of theirs, or the ``plugin_dir`` of version 3 with
    all that are registered. None: it is nothing of theirs."""
    registry = getattr(target, "_registry", None)
    if isinstance(registry, list) and hasattr(target, "register"):
        return [_wrap(plugin(**given)) for plugin, given in registry]
    if isinstance(target, type) and _is_theirs(target):
        return [_wrap(target(**options))]
    return [_wrap(target)] if _is_theirs(type(target)) else None


def _is_theirs(kind: type) -> bool:
    is_four = callable(getattr(kind, "get_result", None)) and callable(getattr(kind, "run", None))
    is_three = callable(getattr(kind, "run_check", None)) and callable(getattr(kind, "check_status", None))
    return is_three or is_four


def _wrap(check: Any) -> Foreign:
    limit = getattr(check, "timeout", None)
    is_critical = getattr(check, "critical_service", True) is not False
    timeout = limit.total_seconds() + 1 if isinstance(limit, timedelta) else 10.0
    return Foreign(id=_id(check), check=check, critical=is_critical, timeout=max(1.0, timeout))


def _id(check: Any) -> str:
    """``Database(alias='replica')`` is ``database.replica``: short, and the same tomorrow. The name of a host
    or a path, which their own names hold, would be another thing after each deploy."""
    name = _HUMP.sub("-", type(check).__name__).lower()
    name = name.removesuffix("-health-check").removesuffix("-check").removesuffix("-backend")
    named = {one.name for one in fields(check)} if is_dataclass(check) else set()
    told = next((getattr(check, key) for key in _TOLD_APART_BY if key in named), None)
    plain = ("", "default", socket.gethostname())  # of this container, where DNS() asks for its own name
    return f"{name}.{told}" if isinstance(told, str) and told not in plain else name


def _told(problems: Iterable[BaseException]) -> Result:
    """Version 3 gives several; the worst decides, and all are told."""
    listed = list(problems)
    if not listed:
        return ok()
    words = "; ".join(str(one) for one in listed)
    is_warning = all(any(kind.__name__ == "ServiceWarning" for kind in type(one).__mro__) for one in listed)
    return degraded(words) if is_warning else error(words)


def _problem_base(check: Any) -> type[BaseException]:
    """``HealthCheckException`` of the package that the check comes from."""
    for kind in type(check).__mro__:
        module = kind.__module__.partition(".")[0]
        if module == "health_check":
            import importlib

            found = importlib.import_module("health_check.exceptions").HealthCheckException
            return found if issubclass(found, BaseException) else Exception
    return Exception
