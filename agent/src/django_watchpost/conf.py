"""The setting ``WATCHPOST``, read strictly: what cannot be used is one clear line, and its default stands.

``HEALTH_PATHS``      where the endpoint answers, by group: ``{"all": "/health/", "ready": "/health/ready/",
                      "live": "/health/live/"}``; None closes one.
``HEALTH_TOKEN``      whoever sends it as ``Authorization: Bearer`` sees messages and values: a text,
                      or several while one is being replaced.
``HEALTH_CHECKS``     ``"auto"`` for those that fit this project, and one's own as dotted paths or
                      ``(path, {field: value})``.
``HEALTH_OVERRIDES``  by id (``cache.*``): critical, interval, timeout, tags, other fields, or
                      ``enabled: False``.
``HEALTH_GROUPS``     which checks a path sums up: ids, or ``tag:ready``.
``CELERY``            ``False``: the agent stays out of workers and Beat; else where their reports are kept:
                      ``"auto"``, ``"broker"``, ``"cache"``, ``"cache:<alias>"`` or a folder (``"/path"``).
``PING_URL``          the Watchpost server that heartbeats are told to: ``https://watchpost.example.com``.
``PING_KEY``          the project's ping key; it may stand in the address, too (``…/ping/<key>``).
``API_KEY``           the project's API key: with it, Celery Beat's entries become heartbeats by themselves.
``HEARTBEATS``        ``False``: they do not; or by name of the entry (``report-*``): ``False``, or
                      ``{"grace": 7200, "depends_on": "health"}``: seconds, and the slug of the monitor (or a
                      list) that they stand on.
``DSN``               of the project at the Watchpost server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from django_watchpost.heartbeats.target import Target, read_target

AUTO = "auto"
GROUPS = ("all", "ready", "live")
_PATHS: Mapping[str, str | None] = {"all": "/health/", "ready": "/health/ready/", "live": "/health/live/"}
_SUMS: Mapping[str, tuple[str, ...]] = {"all": ("*",), "ready": ("tag:ready",)}
_KEYS = (
    "API_KEY",
    "CELERY",
    "DSN",
    "HEARTBEATS",
    "HEALTH_PATHS",
    "HEALTH_TOKEN",
    "HEALTH_CHECKS",
    "HEALTH_OVERRIDES",
    "HEALTH_GROUPS",
    "PING_KEY",
    "PING_URL",
)
_PLACES = ("auto", "broker", "cache")
_SHORT_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that cannot be used: where it stands, and what to do."""

    where: str
    sentence: str

    def __str__(self) -> str:
        return f"WATCHPOST{self.where}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Conf:
    """What the agent works with. ``problems``: what of the setting was left out, and why."""

    paths: Mapping[str, str] = field(default_factory=lambda: {n: p for n, p in _PATHS.items() if p})
    tokens: tuple[str, ...] = ()
    checks: tuple[tuple[Any, Mapping[str, Any]], ...] = ((AUTO, {}),)  # a dotted path, or the class itself
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(_SUMS))
    celery: str = AUTO  # or "off", or where reports are kept
    ping: Target | None = None  # None: heartbeats are told to nobody
    api_key: str = ""
    heartbeats: Mapping[str, Mapping[str, Any] | bool] | None = field(
        default_factory=dict
    )  # None: not Beat's
    dsn: str = ""
    problems: tuple[Problem, ...] = ()


def read_conf(value: Any = None) -> Conf:
    """Reads ``settings.WATCHPOST``, or ``value``. Never raises."""
    given = getattr(settings, "WATCHPOST", None) if value is None else value
    reader = _Reader()
    if given is None:
        return Conf()
    if not isinstance(given, Mapping):
        reader.refuse("", f"must be a dict, not {type(given).__name__}; it is left out as a whole")
        return Conf(problems=tuple(reader.problems))
    for key in given:
        if key not in _KEYS:
            reader.refuse(f"[{key!r}]", f"is not a setting{_nearest(str(key), _KEYS)}")
    return Conf(
        paths=reader.paths(given.get("HEALTH_PATHS")),
        tokens=reader.tokens(given.get("HEALTH_TOKEN")),
        checks=reader.checks(given.get("HEALTH_CHECKS")),
        overrides=reader.overrides(given.get("HEALTH_OVERRIDES")),
        groups=reader.groups(given.get("HEALTH_GROUPS")),
        celery=reader.celery(given.get("CELERY")),
        ping=reader.ping(given.get("PING_URL"), given.get("PING_KEY")),
        api_key=reader.text("API_KEY", given.get("API_KEY")),
        heartbeats=reader.heartbeats(given.get("HEARTBEATS")),
        dsn=str(given.get("DSN") or ""),
        problems=tuple(reader.problems),
    )


def _nearest(word: str, words: Iterable[str]) -> str:
    found = get_close_matches(word, list(words), 1)
    return f"; did you mean {found[0]}?" if found else f"; there are {', '.join(sorted(words))}"


class _Reader:
    """Takes the values apart and keeps what it could not use."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, where: str, sentence: str) -> None:
        self.problems.append(Problem(where, sentence))

    def paths(self, value: Any) -> dict[str, str]:
        paths: dict[str, str | None] = dict(_PATHS)
        for name, path in self._items("HEALTH_PATHS", value, GROUPS):
            where = f"['HEALTH_PATHS'][{name!r}]"
            if path is None:
                paths[name] = None
            elif not isinstance(path, str) or not path.startswith("/") or any(c in path for c in "?# \n"):
                self.refuse(where, f"must be a path such as /health/, not {path!r}; {_PATHS[name]} stands")
            else:
                paths[name] = path
        taken: dict[str, str] = {}
        for name, path in paths.items():
            bare = (path or "").rstrip("/")
            if path and bare in taken:
                self.refuse("['HEALTH_PATHS']", f"gives {taken[bare]!r} and {name!r} the same path {path}")
            elif path:
                taken[bare] = name
        return {name: path for name, path in paths.items() if path and taken.get(path.rstrip("/")) == name}

    def tokens(self, value: Any) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else value
        if given is None:
            return ()
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
            self.refuse("['HEALTH_TOKEN']", "must be a text or a list of texts; nobody sees details")
            return ()
        tokens = tuple(one.strip() for one in given if one.strip())  # a file of a secret ends with a new line
        if any(len(one) < _SHORT_TOKEN for one in tokens):
            words = f"is shorter than {_SHORT_TOKEN} characters and easily guessed; it is used all the same"
            self.refuse("['HEALTH_TOKEN']", words)
        return tokens

    def checks(self, value: Any) -> tuple[tuple[Any, Mapping[str, Any]], ...]:
        if value is None:
            return ((AUTO, {}),)
        if not isinstance(value, (list, tuple)):
            self.refuse("['HEALTH_CHECKS']", "must be a list of dotted paths; the default ['auto'] stands")
            return ((AUTO, {}),)
        found = []
        for number, one in enumerate(value):
            path, options = (one, {}) if isinstance(one, (str, type)) else _pair(one)
            if path is None:
                words = "must be a dotted path or (path, {field: value}); it is left out"
                self.refuse(f"['HEALTH_CHECKS'][{number}]", words)
            else:
                found.append((path, options))
        return tuple(found)

    def overrides(self, value: Any) -> dict[str, Mapping[str, Any]]:
        found = {}
        for name, fields in self._items("HEALTH_OVERRIDES", value):
            if isinstance(fields, Mapping):
                found[str(name)] = fields
            else:
                self.refuse(f"['HEALTH_OVERRIDES'][{name!r}]", "must be a dict such as {'interval': 60}")
        return found

    def groups(self, value: Any) -> dict[str, tuple[str, ...]]:
        groups = dict(_SUMS)
        for name, wanted in self._items("HEALTH_GROUPS", value, tuple(_SUMS)):
            listed = (wanted,) if isinstance(wanted, str) else wanted
            if isinstance(listed, (list, tuple)) and all(isinstance(one, str) for one in listed):
                groups[name] = tuple(listed)
            else:
                self.refuse(
                    f"['HEALTH_GROUPS'][{name!r}]", "must be a list of ids or 'tag:…'; it is left out"
                )
        return groups

    def celery(self, value: Any) -> str:
        if value is None or value is True:
            return AUTO
        if value is False:
            return "off"
        if isinstance(value, str) and (value in _PLACES or value.startswith(("/", "cache:"))):
            return value
        words = f"must be False, {', '.join(map(repr, _PLACES))}, 'cache:<alias>' or a folder, not {value!r}"
        self.refuse("['CELERY']", words)
        return AUTO

    def ping(self, url: Any, key: Any) -> Target | None:
        url, key = self.text("PING_URL", url), self.text("PING_KEY", key)
        if not url and not key:
            return None
        try:
            return read_target(url, key)
        except ValueError as error:
            self.refuse(
                "['PING_URL']" if not url or key else "['PING_KEY']", f"{error}; heartbeats say nothing"
            )
            return None

    def text(self, key: str, value: Any) -> str:
        if value is None or isinstance(value, str):
            return (value or "").strip()
        self.refuse(f"[{key!r}]", f"must be a text, not {type(value).__name__}; it is left out")
        return ""

    def heartbeats(self, value: Any) -> dict[str, Mapping[str, Any] | bool] | None:
        if value is False:
            return None
        found: dict[str, Mapping[str, Any] | bool] = {}
        for name, one in self._items("HEARTBEATS", None if value is True else value):
            if isinstance(one, bool) or _is_wish(one):
                found[str(name)] = one
            else:
                words = (
                    "must be False, or {'grace': seconds} with 60 to 31536000, or {'depends_on': 'health'} "
                    "with the slugs of monitors, or both"
                )
                self.refuse(f"['HEARTBEATS'][{name!r}]", f"{words}; it is left out")
        return found

    def _items(self, key: str, value: Any, known: Iterable[str] = ()) -> list[tuple[Any, Any]]:
        if value is None:
            return []
        if not isinstance(value, Mapping):
            self.refuse(f"[{key!r}]", f"must be a dict, not {type(value).__name__}; the default stands")
            return []
        names = tuple(known)
        for name in value:
            if names and name not in names:
                self.refuse(f"[{key!r}][{name!r}]", f"is unknown{_nearest(str(name), names)}")
        return [(name, one) for name, one in value.items() if not names or name in names]


def _is_wish(value: Any) -> bool:
    """``{"grace": 7200, "depends_on": "health"}``: one of them, or both."""
    if not isinstance(value, Mapping) or not value or set(value) - {"grace", "depends_on"}:
        return False
    grace, parents = value.get("grace", 60), value.get("depends_on", ["health"])
    is_grace = isinstance(grace, int) and not isinstance(grace, bool) and 60 <= grace <= 31_536_000
    listed = [parents] if isinstance(parents, str) else parents
    is_listed = isinstance(listed, (list, tuple)) and bool(listed)
    return is_grace and is_listed and all(isinstance(one, str) and one.strip() for one in listed)


def _pair(value: Any) -> tuple[Any, Mapping[str, Any]]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        path, options = value
        if isinstance(path, (str, type)) and isinstance(options, Mapping):
            return path, options
    return None, {}
