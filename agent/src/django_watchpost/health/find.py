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
    named: set[str] = set()
    for number, (path, options) in enumerate(conf.checks):
        where = f"['HEALTH_CHECKS'][{number}]"
        try:
            listed = list(_automatic() if path == AUTO else _named(path, options))
        except Exception as problem:  # noqa: BLE001  their import, their constructor
            name = path if isinstance(path, str) else path.__qualname__
            words = f"{name} cannot be used: {type(problem).__name__}: {scrub(str(problem))}"
            problems.append(Problem(where, words))
            continue
        for given in listed:
            check = _usable(given, where, problems)
            if check is None:
                continue
            name = _free(check.id, checks) if isinstance(check, Foreign) else check.id
            if name in named:
                words = f"has the id {name!r} of another before it, which it replaces; give it one of its own"
                problems.append(Problem(where, f"{words}: (path, {{'id': '{name}-2'}})"))
            if path != AUTO:  # one of the agent's may be replaced on purpose
                named.add(name)
            checks[name] = replace(check, id=name) if name != check.id else check
    _override(checks, conf.overrides, problems)
    return Found(checks, tuple(problems))


def unmatched(checks: Iterable[Check], conf: Conf) -> Iterator[Problem]:
    """What ``HEALTH_GROUPS`` names and no check fits: a path that sums up nothing is always "ok"."""
    listed, default = list(checks), Conf().groups
    for name, wanted in conf.groups.items():
        for one in wanted if wanted != default[name] else ():
            if not members(listed, [one]):
                near = get_close_matches(one, [check.id for check in listed], 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield Problem(f"['HEALTH_GROUPS'][{name!r}]", f"{one!r} fits no check{hint}")


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


def _usable(check: Check, where: str, problems: list[Problem]) -> Check | None:
    """The check with what can be worked with: a wrong value is told, and the default stands. None: it has no
    name. What somebody wrote must not break the others."""
    if not isinstance(check.id, str) or not check.id:
        words = f"{type(check).__qualname__} is left out: its id must be a text, not {check.id!r}"
        problems.append(Problem(where, words))
        return None
    for key in ("interval", "timeout", "tags"):
        default, value = getattr(Check, key), getattr(check, key)
        if words := _unfit(key, value, default):
            problems.append(Problem(where, f"{words}; {default!r} stands"))
            check = replace(check, **{key: default})
        elif key == "tags":
            check = replace(check, tags=_listed(value))
    return check


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
        present = True if key == "enabled" else getattr(check, str(key), None)
        if key != "enabled" and key not in known:
            words = f"has no field {key!r}; there are {', '.join(sorted(known))}, enabled"
            problems.append(Problem(where, words))
        elif words := _unfit(key, value, present):
            problems.append(Problem(where, words))
        elif key != "enabled":
            taken[key] = _listed(value) if isinstance(present, tuple) else value
    return replace(check, **taken)


def _unfit(key: str, value: Any, present: Any) -> str:
    """Why a field that holds ``present`` cannot hold ``value``; empty when it can."""
    if key in ("interval", "timeout"):
        fits, kind = _is_time(value), f"seconds from {_LEAST_S:g} to {_MOST_S:g}"
    elif isinstance(present, bool):
        fits, kind = isinstance(value, bool), "True or False"
    elif isinstance(present, (int, float)):
        fits = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        kind = "a number"
    elif isinstance(present, tuple):
        fits, kind = isinstance(value, (str, list, tuple, set, frozenset)), "a list"
        if key == "tags" and fits and not isinstance(value, str):
            fits = all(isinstance(one, str) for one in value)
    else:
        return ""
    return "" if fits else f"{key} must be {kind}, not {value!r}"


def _listed(value: Any) -> tuple[Any, ...]:
    """One text is one entry, and not its letters."""
    return (value,) if isinstance(value, str) else tuple(value)


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _LEAST_S <= value <= _MOST_S
