"""The static files, collected by Django's own command into a folder of the test, and then spoilt."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import Storage
from django.core.management import call_command
from django.template import Context, Engine
from django.utils.functional import empty

from django_watchpost.health import Status
from django_watchpost.health.checks.static_files import StaticFiles

MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"


class RemoteManifest(Storage):
    """Holds files elsewhere: any look there fails the test."""


class Site:
    """A folder of sources, and one to collect into."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self.sources, self.root, self.settings = folder / "sources", folder / "static", settings
        self.sources.mkdir()
        settings.STATICFILES_DIRS = [self.sources]
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        settings.STATIC_ROOT = str(self.root)
        settings.STATIC_URL = "/static/"
        self.write("shop.css", "a { background: url(cart.png) }")
        self.write("cart.png", "a picture")
        self.write("plain.js", "let cart = 1")
        self.store(MANIFEST)

    def store(self, backend: str) -> None:
        self.settings.STORAGES = {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": backend},
        }
        self.restart()

    def restart(self) -> None:
        """What a process that begins would load."""
        from django.core.files.storage import storages

        finders.get_finder.cache_clear()
        storages._storages.clear()
        storages._backends = None
        storages.__dict__.pop("backends", None)
        staticfiles_storage._wrapped = empty

    def write(self, name: str, content: str) -> None:
        (self.sources / name).write_text(content)

    def collect(self) -> None:
        """As the command of another process: this one has loaded what it has loaded."""
        before = staticfiles_storage._wrapped
        self.restart()
        call_command("collectstatic", interactive=False, verbosity=0)
        self.restart()
        staticfiles_storage._wrapped = before

    def deploy(self) -> None:
        self.collect()
        self.restart()

    def hashed(self, name: str) -> Path:
        return self.root / json.loads((self.root / "staticfiles.json").read_text())["paths"][name]


@pytest.fixture
def site(tmp_path: Path, settings: Any) -> Any:
    made = Site(tmp_path, settings)
    yield made
    made.restart()


def see(check: StaticFiles | None = None) -> tuple[str, str, str]:
    result = (check or StaticFiles()).run()
    return result.status.value, result.code, result.message


def render(name: str) -> str:
    engine = Engine(libraries={"static": "django.templatetags.static"})
    return engine.from_string("{% load static %}{% static name %}").render(Context({"name": name}))


@pytest.mark.parametrize("backend", [MANIFEST, WHITENOISE, PLAIN])
def test_what_was_collected_is_fine(site, backend):
    site.store(backend)
    site.deploy()
    assert see()[:2] == ("ok", "")
    assert StaticFiles().run().observed == 3


def test_without_a_manifest_each_page_fails_and_that_is_said(site):
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        render("shop.css")
    status, code, message = see()
    assert (status, code) == ("error", "static.manifest_missing")
    assert "staticfiles.json does not exist" in message
    assert "500" in message


@pytest.mark.parametrize("content", ["", "{half", "[]", '{"version": "9.9", "paths": {}}'])
def test_a_manifest_that_cannot_be_read(site, content):
    site.deploy()
    (site.root / "staticfiles.json").write_text(content)
    site.restart()
    assert see()[:2] == ("error", "static.manifest_missing")


def test_a_manifest_that_went_under_a_running_process_is_no_outage_yet(site):
    site.deploy()
    assert render("shop.css")
    (site.root / "staticfiles.json").unlink()
    assert see()[:2] == ("degraded", "static.manifest_missing")
    assert render("shop.css"), "the page still works"


def test_a_file_that_was_not_collected_is_named(site):
    site.deploy()
    for number in range(5):
        site.write(f"new{number}.png", "new")
    status, code, message = see()
    assert (status, code) == ("error", "static.not_collected")
    assert "new0.png, new1.png, new2.png and 2 more" in message
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        render("new0.png")


def test_what_collectstatic_ignores_is_not_missed(site):
    site.deploy()
    site.write(".hidden", "x")
    site.write("source.map", "x")
    assert see(StaticFiles(ignore=("*.map",)))[0] == "ok"
    assert see()[1] == "static.not_collected"


def test_a_hashed_file_that_is_gone(site):
    site.deploy()
    site.hashed("plain.js").unlink()
    status, code, message = see()
    assert (status, code) == ("error", "static.file_gone")
    assert "plain.js" in message
    assert "shop.css" not in message


@pytest.mark.parametrize("backend", [MANIFEST, WHITENOISE, PLAIN])
@pytest.mark.parametrize("name", ["plain.js", "shop.css", "cart.png"])
def test_a_source_that_changed_after_it_was_collected(site, backend, name):
    site.store(backend)
    site.deploy()
    was = (site.sources / name).read_text()
    site.write(name, was.replace("a", "b"))  # as long as before: only the content tells
    later = (site.sources / name).stat().st_mtime + 60
    os.utime(site.sources / name, (later, later))
    status, code, message = see()
    assert (status, code) == ("degraded", "static.stale")
    assert name in message


@pytest.mark.parametrize("backend", [MANIFEST, WHITENOISE, PLAIN])
def test_a_fresh_check_out_of_the_same_sources_is_not_stale(site, backend):
    site.store(backend)
    site.deploy()
    for source in site.sources.iterdir():
        later = source.stat().st_mtime + 3600
        os.utime(source, (later, later))
    assert see()[0] == "ok"


def test_without_the_plain_copy_the_time_tells_of_what_was_rewritten(site, settings):
    settings.WHITENOISE_KEEP_ONLY_HASHED_FILES = True
    site.store(WHITENOISE)
    site.deploy()
    assert not (site.root / "shop.css").exists()
    assert see()[0] == "ok"
    later = site.hashed("shop.css").stat().st_mtime + 60
    site.write("shop.css", "b { background: url(cart.png) }")
    os.utime(site.sources / "shop.css", (later, later))
    assert see()[1] == "static.stale"


def test_a_process_that_loaded_another_manifest_needs_a_restart(site):
    site.deploy()
    assert render("plain.js")
    site.write("plain.js", "let cart = 2")
    site.collect()
    status, code, message = see()
    assert (status, code) == ("degraded", "static.restart_needed")
    assert "plain.js" in message
    site.restart()
    assert see()[0] == "ok"


def test_a_process_that_began_before_collectstatic_fails_until_it_is_restarted(site):
    with pytest.raises(ValueError):
        render("shop.css")
    site.collect()
    with pytest.raises(ValueError):
        render("shop.css")
    assert see()[:2] == ("error", "static.restart_needed")


def test_without_a_manifest_an_empty_folder_is_told(site):
    site.store(PLAIN)
    status, code, message = see()
    assert (status, code) == ("error", "static.not_collected")
    assert "none of the 3" in message
    site.deploy()
    site.write("new.png", "x")
    assert see()[:2] == ("degraded", "static.not_collected")


def test_without_static_root_nothing_can_be_collected(site):
    site.settings.STATIC_ROOT = None
    for backend in (PLAIN, MANIFEST):
        site.store(backend)
        assert see()[:2] == ("degraded", "static.not_collected")


def test_what_lies_elsewhere_is_not_asked(site):
    site.store(f"{__name__}.RemoteManifest")
    assert see()[0] == "ok"


def test_a_look_is_bounded_and_says_so(site):
    site.deploy()
    result = StaticFiles(most_files=2).run()
    assert (result.status, result.observed) == (Status.OK, 2)
    assert "first 2 files" in result.message
    assert result.details["complete"] is False


def test_a_change_is_seen_without_comparing_all_again(site, monkeypatch):
    site.deploy()
    check, looks = StaticFiles(settles_in=0), []
    really = StaticFiles._look
    monkeypatch.setattr(StaticFiles, "_look", lambda self, now: looks.append(now) or really(self, now))
    assert [see(check)[0] for _ in range(3)] == ["ok"] * 3
    assert len(looks) == 1, "only the times were looked at"
    site.hashed("plain.js").unlink()
    assert see(check)[1] == "static.file_gone"
    site.collect()
    assert see(check)[0] == "ok", "and healed as soon"


def test_a_release_under_way_is_no_trouble(site):
    site.deploy()
    check = StaticFiles()
    assert see(check)[0] == "ok"
    site.write("plain.js", "let cart = 2")
    assert see(check)[0] == "ok", "the new sources are there, collectstatic is running"
    site.collect()
    assert see(check)[0] == "ok", "the restart comes next"
    assert see(StaticFiles())[1] == "static.restart_needed"
    impatient = StaticFiles(settles_in=0, restarts_in=0)
    assert see(impatient)[1] == "static.restart_needed"


def test_trouble_that_stays_is_told_after_it_settled(site, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("django_watchpost.health.checks.static_files.time.monotonic", lambda: now[0])
    site.deploy()
    check = StaticFiles(most_seconds=1e9)
    assert see(check)[0] == "ok"
    site.hashed("plain.js").unlink()
    assert see(check)[0] == "ok"
    now[0] += 26
    assert see(check)[1] == "static.file_gone"


def test_it_is_not_there_while_somebody_works_on_the_project(site, monkeypatch):
    assert list(StaticFiles.found()) == [], "in tests"
    monkeypatch.setattr("django_watchpost.health.process.is_testing", lambda: False)
    assert len(list(StaticFiles.found())) == 1
    monkeypatch.setattr("sys.argv", ["manage.py", "runserver", "8000"])
    assert list(StaticFiles.found()) == []
    monkeypatch.setattr("sys.argv", ["gunicorn", "shop.wsgi"])
    site.settings.DEBUG = True
    assert list(StaticFiles.found()) == []


def test_of_two_files_with_one_name_the_first_counts(site, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    (second / "plain.js").write_text("of an app that is overridden")
    site.settings.STATICFILES_DIRS = [site.sources, second]
    site.deploy()
    assert see()[0] == "ok"
    assert StaticFiles().run().observed == 3


def test_files_that_are_served_from_where_they_lie_need_no_collecting(settings, monkeypatch):
    """WhiteNoise's finders, as Bugsink has them: a plain storage, and no STATIC_ROOT at all."""
    monkeypatch.setattr("django_watchpost.health.checks.static_files._is_at_work", lambda: False)
    settings.STATIC_ROOT = None
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    assert len(list(StaticFiles.found())) == 1
    settings.WHITENOISE_USE_FINDERS = True
    assert not list(StaticFiles.found())
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    assert len(list(StaticFiles.found())) == 1, "a manifest names hashed files, which finders do not have"
