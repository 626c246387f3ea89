"""The static files: whether ``collectstatic`` ran for this code, and whether this process knows it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from django_watchpost.health.contract import Check, Result, Status, degraded, error, ok
from django_watchpost.health.probing.collected import (
    Budget,
    Comparison,
    Hashes,
    ManifestTrouble,
    Mark,
    compare,
    manifest_path,
    marks,
    read_manifest,
    root_path,
)

_COLLECT = "Run manage.py collectstatic --noinput with each release, before its workers start."
_RESTART = "Restart the application's workers after collectstatic, not before it."
_MOST_NAMED = 3


@dataclass(kw_only=True)
class StaticFiles(Check):
    """Each static file was collected, in this version, and lies where the pages of this process say.

    Every ``full_every`` seconds the files are compared; at each run only their times are looked at, and a
    change is judged. What appears under a running process is told after ``settles_in`` seconds, and that a
    restart is due after ``restarts_in``: a release that is under way is no trouble. ``most_files`` and
    ``most_seconds`` bound one look; ``ignore`` holds patterns as for ``collectstatic --ignore``. Not
    critical: pages without styles are no reason to take a machine out of service.
    """

    id: str = "static"
    critical: bool = False
    interval: float = 30.0
    timeout: float = 30.0
    full_every: float = 3600.0
    settles_in: float = 25.0
    restarts_in: float = 300.0
    most_files: int = 20_000
    most_seconds: float = 15.0
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._hashes: Hashes = {}
        self._good: Result | None = None  # the last answer while all was well
        self._amiss_since: float | None = None
        self._looked = 0.0
        self._marks: Mapping[str, Mark | None] = {}

    @classmethod
    def found(cls) -> Iterable[Check]:
        """Not while somebody works on it: with DEBUG Django serves the sources themselves, as WhiteNoise does
        with its finders. Nor where another host serves the files and the storage knows nothing of them."""
        is_elsewhere = bool(urlsplit(str(settings.STATIC_URL or "")).netloc) and not settings.STATIC_ROOT
        if settings.DEBUG or not apps.is_installed("django.contrib.staticfiles") or _is_at_work():
            return ()
        is_uncollected = getattr(settings, "WHITENOISE_USE_FINDERS", False)
        return () if (is_elsewhere or is_uncollected) and _is_plain() else (cls(),)

    def run(self) -> Result:
        now = time.monotonic()
        is_recent = self._amiss_since is None and now - self._looked < self.full_every
        if self._good is not None and is_recent and marks(set(self._marks)) == self._marks:
            return self._good
        self._looked = now
        result = self._look(now)
        if result.status is Status.OK:
            self._good, self._amiss_since = result, None
            return result
        if self._amiss_since is None:
            self._amiss_since = now
        is_release = result.code == "static.restart_needed" and result.status is Status.DEGRADED
        patience = self.restarts_in if is_release else self.settles_in
        if self._good is not None and now - self._amiss_since < patience:
            return self._good
        self._good = None
        return result

    def _look(self, now: float) -> Result:
        from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

        storage: Any = staticfiles_storage
        budget = Budget(self.most_files, now + self.most_seconds)
        try:
            dir(storage)  # loads it now: isinstance() would take an AttributeError of its loading for a "no"
            is_manifest = isinstance(storage, ManifestFilesMixin)
            root = root_path(storage)
            loaded = dict(storage.hashed_files) if is_manifest else {}
            if not is_manifest:
                return self._judge_plain(storage, root, budget)
            is_local = bool(manifest_path(storage))
            kept = read_manifest(storage) if is_local else loaded
        except ManifestTrouble as problem:
            return _without_manifest(problem, bool(loaded), _is_strict(storage))
        except ImproperlyConfigured as problem:
            return _without_root(str(problem))
        except (ValueError, AttributeError) as problem:  # Django's own, of a manifest that it cannot take
            return _without_manifest(ManifestTrouble(str(problem)), False, True)
        if not kept and not is_local:
            return _without_manifest(ManifestTrouble("the storage gave no manifest"), False, True)
        found = compare(storage, kept, loaded, self.ignore, budget, self._hashes)
        self._remember(found, manifest_path(storage))
        return _judge(found, kept, loaded, _is_strict(storage))

    def _judge_plain(self, storage: Any, root: str, budget: Budget) -> Result:
        if not root:
            return ok("The files lie elsewhere, without a manifest: what lies there is not looked at.")
        found = compare(storage, None, {}, self.ignore, budget, self._hashes)
        self._remember(found, root)
        if found.seen and len(found.not_collected) == found.seen:
            words = f"STATIC_ROOT ({root}) holds none of the {found.seen} static files: pages have no styles."
            return _say(error, "static.not_collected", words, _COLLECT, found)
        return _judge(found, {}, {}, is_strict=False)

    def _remember(self, found: Comparison, more: str) -> None:
        if len(self._hashes) > 2 * self.most_files:
            self._hashes.clear()
        self._marks = marks(found.paths | {more})


def _judge(found: Comparison, kept: Mapping[str, str], loaded: Mapping[str, str], is_strict: bool) -> Result:
    """The gravest first: what answers 500, what has no styles, what is old."""
    if kept and not loaded:
        words = (
            "This process started before the manifest was there: each page with a static file answers 500."
        )
        return _say(error, "static.restart_needed", words, _RESTART, found)
    if found.not_collected:
        listed = _named(found.not_collected)
        if is_strict:
            words = f"Not collected: {listed}; a page that names one answers 500."
            return _say(error, "static.not_collected", words, _COLLECT, found)
        words = f"Not collected: {listed}; a page that names one comes without it."
        return _say(degraded, "static.not_collected", words, _COLLECT, found)
    if found.gone:
        words = (
            f"The collected file is gone: {_named(found.gone)}; pages still name it, and visitors get 404."
        )
        return _say(error, "static.file_gone", words, _gone_fix(kept, loaded), found)
    if found.stale:
        words = f"An older version was collected: {_named(found.stale)}; visitors get the old one."
        return _say(degraded, "static.stale", words, _COLLECT, found)
    if kept != loaded:
        words = (
            f"collectstatic ran after this process started; it still names {_changed(kept, loaded)} as before"
        )
        return _say(degraded, "static.restart_needed", words, _RESTART, found)
    words = "" if found.is_complete else f"Only the first {found.seen} files were compared."
    return ok(words, observed=found.seen, unit="files", details=_details(found))


def _say(how: Any, code: str, words: str, fix: str, found: Comparison) -> Result:
    if not found.is_complete:
        words += f" Only the first {found.seen} files were compared."
    result: Result = how(
        words, code=code, fix=fix, observed=found.seen, unit="files", details=_details(found)
    )
    return result


def _details(found: Comparison) -> dict[str, Any]:
    lists = {"not_collected": found.not_collected, "gone": found.gone, "stale": found.stale}
    counts = {name: len(names) for name, names in lists.items()}
    return {"compared": found.seen, "complete": found.is_complete, **counts}


def _named(names: list[str]) -> str:
    listed, more = ", ".join(sorted(names)[:_MOST_NAMED]), len(names) - _MOST_NAMED
    return f"{listed} and {more} more" if more > 0 else listed


def _changed(kept: Mapping[str, str], loaded: Mapping[str, str]) -> str:
    return _named([name for name in (*kept, *loaded) if kept.get(name) != loaded.get(name)])


def _gone_fix(kept: Mapping[str, str], loaded: Mapping[str, str]) -> str:
    return _RESTART if kept != loaded else f"{_COLLECT} See what deletes files from STATIC_ROOT."


def _without_manifest(problem: ManifestTrouble, was_loaded: bool, is_strict: bool) -> Result:
    if was_loaded:
        words = f"{problem}; this process still has it in memory, each page of the next one answers 500."
        return degraded(words, code="static.manifest_missing", fix=_COLLECT)
    said = "each page with a static file answers 500"
    if problem.is_missing and not is_strict:
        said = "names are hashed anew at each page, and fail where the file is missing"
    return error(f"{problem}: {said}.", code="static.manifest_missing", fix=f"{_COLLECT} Then restart.")


def _without_root(words: str) -> Result:
    fix = "Set STATIC_ROOT to a folder and run manage.py collectstatic, or switch the check 'static' off."
    return degraded(f"No static file can be collected: {words}", code="static.not_collected", fix=fix)


def _is_strict(storage: Any) -> bool:
    return bool(getattr(storage, "manifest_strict", True))


def _is_plain() -> bool:
    backend = settings.STORAGES.get("staticfiles", {}).get("BACKEND", "")
    return backend == "django.contrib.staticfiles.storage.StaticFilesStorage"


def _is_at_work() -> bool:
    """Under runserver or in tests nobody has collected anything, and nobody should have to."""
    import sys

    from django_watchpost.health.process import is_testing

    return "runserver" in sys.argv[1:2] or is_testing()
