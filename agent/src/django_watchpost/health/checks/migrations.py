"""Migrations that are in the code and not in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connections, router

from django_watchpost.health.contract import Check, Result, Status, degraded, error, ok
from django_watchpost.health.probing.connect import opened

Key = tuple[str, str]

_SHOWN = 3
_known: dict[Key, tuple[Key, ...]] = {}  # the code of a process does not change while it runs
_replaced: dict[Key, tuple[Key, ...]] = {}  # what squashed ones stand for


@dataclass(kw_only=True)
class Migrations(Check):
    """What ``migrate`` would do is compared with what it did. Reads alone, and never makes Django's table.
    ``deadline``: seconds for connecting, and again for the answer."""

    id: str = "migrations"
    alias: str = "default"
    interval: float = 60.0
    timeout: float = 15.0
    deadline: float = 5.0

    @classmethod
    def found(cls) -> Iterable[Check]:
        for alias in connections:
            name = "migrations" if alias == "default" else f"migrations.{alias}"
            settings = connections.databases[alias]
            is_dummy = settings["ENGINE"] == "django.db.backends.dummy"
            if not is_dummy and not (settings.get("TEST") or {}).get("MIRROR"):
                yield cls(id=name, alias=alias, critical=alias == "default")

    def run(self) -> Result:
        try:
            known = _read_code()
        except Exception as problem:  # noqa: BLE001  a migration may raise whatever it likes
            return _unreadable(problem)
        try:
            applied = self._read_database()
        except (DatabaseError, InterfaceError, OSError) as problem:
            said = f"The database {self.alias!r} did not answer ({type(problem).__name__})"
            return Result(Status.UNKNOWN, f"{said}: its own check says why.")
        if applied is None:
            return self._without_table(known)
        apps = {app for app, _ in applied}
        wanted = [one for one in known if one[0] in apps or self._belongs_here(one[0])]
        pending = [one for one in wanted if not _is_applied(one, applied, known)]
        return self._pending(pending) if pending else ok(observed=0, unit="migrations")

    def _read_database(self) -> frozenset[Key] | None:
        """What was applied; None where Django keeps no record."""
        from django.db.migrations.recorder import MigrationRecorder

        with opened(self.alias, self.deadline) as connection:
            recorder = MigrationRecorder(connection)
            return frozenset(recorder.applied_migrations()) if recorder.has_table() else None

    def _belongs_here(self, app: str) -> bool:
        """In a second database often only some apps are migrated: those with a record."""
        return self.alias == "default" and router.allow_migrate(self.alias, app)

    def _without_table(self, known: Mapping[Key, object]) -> Result:
        wanted = [one for one in known if self._belongs_here(one[0])]
        if not wanted:
            return ok("Django keeps no record of migrations here.", observed=0, unit="migrations")
        return error(
            f"The database {self.alias!r} was never migrated: none of {len(wanted)} migrations is applied.",
            code="migrations.pending",
            fix="Run manage.py migrate; is it the right database?",
            observed=len(wanted),
            unit="migrations",
        )

    def _pending(self, pending: list[Key]) -> Result:
        names = ", ".join(f"{app}.{name}" for app, name in pending[:_SHOWN])
        more = f" and {len(pending) - _SHOWN} more" if len(pending) > _SHOWN else ""
        is_one = len(pending) == 1
        return degraded(
            f"{len(pending)} migration{'' if is_one else 's'} of this code {'is' if is_one else 'are'} not "
            f"applied to the database {self.alias!r}: {names}{more}.",
            code="migrations.pending",
            fix="Run manage.py migrate as a step of the deployment"
            + ("." if self.alias == "default" else f" (--database {self.alias})."),
            observed=len(pending),
            unit="migrations",
            details={"pending": [f"{app}.{name}" for app, name in pending]},
        )


def _read_code() -> Mapping[Key, tuple[Key, ...]]:
    """The migrations of the installed apps, each with those it replaces. Raises what their modules raise, and
    ValueError where two ends of one app contradict each other."""
    from django.db.migrations.loader import MigrationLoader

    if not _known:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        if conflicts := loader.detect_conflicts():
            app, names = sorted(conflicts.items())[0]
            raise ValueError(f"{app} has several last migrations: {', '.join(sorted(names))}")
        nodes = loader.graph.nodes
        for key, migration in loader.disk_migrations.items():
            if key not in nodes:  # a squashed one stands for it
                _replaced[key] = tuple(migration.replaces)
        _known.update({key: tuple(nodes[key].replaces) for key in sorted(nodes) if nodes[key] is not None})
    return _known


def _is_applied(key: Key, applied: frozenset[Key], known: Mapping[Key, tuple[Key, ...]]) -> bool:
    """It is recorded, or all that it replaces are (Django records a squashed one at the next ``migrate``)."""
    if key in applied:
        return True
    replaces = known.get(key) or _replaced.get(key) or ()
    return bool(replaces) and all(_is_applied(one, applied, known) for one in replaces)


def _unreadable(problem: Exception) -> Result:
    said = " ".join(str(problem).split())
    return degraded(
        f"The migrations of this code cannot be read: {type(problem).__name__}: {said}",
        code="migrations.unreadable",
        fix="Run manage.py makemigrations --check; two last migrations are joined by makemigrations --merge.",
    )
