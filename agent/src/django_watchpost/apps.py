from __future__ import annotations

from django.apps import AppConfig


class WatchpostConfig(AppConfig):
    name = "django_watchpost"
    verbose_name = "Watchpost"

    def ready(self) -> None:
        from django_watchpost.celery.connect import connect

        connect()
