"""Which checks run here: those that fit this project, those of its own, as the settings override them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain, count
from typing import Any

from django.utils.module_loading import import_string

from django_watchpost.compat.foreign import Foreign, foreign_checks
from django_watchpost.conf import AUTO, Conf, Problem
from django_watchpost.guard import tell
from django_watchpost.health import checks as shipped
from django_watchpost.health.contract import Check
from django_watchpost.health.scrub import scrub

_LEAST_S, _MOST_S = 0.5, 86_400.0


@dataclass(frozen=True)
class Found:
    """The checks to run, by id, and what of the settings could not be used."""

    checks: Mapping[str, Check]
    problems: tuple[Problem, ...] = ()


def find_checks(conf: Conf) -> Found:
    """Never raises: a path that cannot be imported costs that check alone."""
    problems: list[Problem] = []
    checks: dict[str, Check] = {}
    for number, (path, options) in enumerate(conf.checks):
        where = f"['HEALTH_CHECKS'][{number}]"
        try:
            listed = list(_automatic() if path == AUTO else _named(path, options))
        except Exception as problem:  # noqa: BLE001  their import, their constructor
            name = path if isinstance(path, str) else path.__qualname__
            words = f"{name} cannot be used: {type(problem).__name__}: {scrub(str(problem))}"
            problems.append(Problem(where, words))
            continue
        for check in listed:
            name = _free(check.id, checks) if isinstance(check, Foreign) else check.id
            checks[name] = replace(check, id=name) if name != check.id else check
    _override(checks, conf.overrides, problems)
    return Found(checks, tuple(problems))


def members(checks: Iterable[Check], wanted: Sequence[str]) -> frozenset[str]:
    """The ids that a group sums up: ``cache.*`` by id, ``tag:ready`` by tag."""
    return frozenset(check.id for check in checks if any(_fits(check, one) for one in wanted))


def _fits(check: Check, wanted: str) -> bool:
    if wanted.startswith("tag:"):
        return wanted.removeprefix("tag:") in check.tags
    return fnmatchcase(check.id, wanted)


def _automatic() -> Iterator[Check]:
    """Those that ship with the agent and fit this project. One that breaks takes no other along."""
    for module in sorted(pkgutil.iter_modules(shipped.__path__), key=lambda one: one.name):
        name = f"{shipped.__name__}.{module.name}"
        try:
            for kind in _kinds(importlib.import_module(name)):
                yield from kind.found()
        except Exception:  # noqa: BLE001
            tell(name)


def _kinds(module: Any) -> list[type[Check]]:
    """The check classes that a module defines, in the order they stand there; ``_Base`` is none."""
    own = (one for name, one in vars(module).items() if not name.startswith("_"))
    return [
        one
        for one in own
        if isinstance(one, type) and issubclass(one, Check) and one.__module__ == module.__name__
    ]


def _free(name: str, taken: Iterable[str]) -> str:
    """Names of another package's checks are made up here: two that fall together are told apart."""
    numbered = (f"{name}-{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def _named(path: Any, options: Mapping[str, Any]) -> Iterable[Check]:
    target = import_string(path) if isinstance(path, str) else path
    if isinstance(target, Check):
        return (replace(target, **options),)
    if isinstance(target, type) and issubclass(target, Check):
        return (target(**options),) if options else target.found()
    theirs = foreign_checks(target, options)
    if theirs is None:
        raise TypeError(f"it is no Check but {type(target).__name__}")
    return theirs


def _override(
    checks: dict[str, Check], overrides: Mapping[str, Mapping[str, Any]], problems: list[Problem]
) -> None:
    for name, changes in overrides.items():
        where = f"['HEALTH_OVERRIDES'][{name!r}]"
        ids = [one for one in checks if fnmatchcase(one, name)]
        if not ids:
            near = get_close_matches(name, list(checks), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(checks) or 'none'}"
            problems.append(Problem(where, f"fits no check; {hint}"))
        for one in ids:
            changed = _changed(checks[one], changes, where, problems)
            if changed is None:
                del checks[one]
            else:
                checks[one] = changed


def _changed(check: Check, changes: Mapping[str, Any], where: str, problems: list[Problem]) -> Check | None:
    """The check with what can be changed of it; None when it is switched off."""
    if changes.get("enabled", True) is False:
        return None
    known = {one.name for one in fields(check)} - {"id"}
    taken: dict[str, Any] = {}
    for key, value in changes.items():
        if key == "enabled":
            continue
        if key not in known:
            words = f"has no field {key!r}; there are {', '.join(sorted(known))}, enabled"
            problems.append(Problem(where, words))
        elif key in ("interval", "timeout") and not _is_time(value):
            words = f"{key} must be seconds from {_LEAST_S:g} to {_MOST_S:g}, not {value!r}"
            problems.append(Problem(where, words))
        else:
            taken[key] = tuple(value) if key == "tags" else value
    return replace(check, **taken)


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _LEAST_S <= value <= _MOST_S
