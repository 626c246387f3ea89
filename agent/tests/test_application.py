"""A project that has workers and no pages is a project, too."""

from __future__ import annotations

from celery import Celery
from django.conf import LazySettings, Settings, settings

from django_watchpost.celery import application


def test_a_project_without_pages_has_its_celery_application_found(monkeypatch):
    mine = Celery("workers", broker="redis://127.0.0.1:1/0")
    bare = LazySettings()
    bare._wrapped = Settings(settings.SETTINGS_MODULE)
    del bare._wrapped.ROOT_URLCONF
    monkeypatch.setattr(application, "settings", bare)
    assert application.find_app() is not None
    assert mine.main == "workers"
