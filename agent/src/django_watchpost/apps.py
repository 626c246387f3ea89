from __future__ import annotations

from django.apps import AppConfig


class WatchpostConfig(AppConfig):
    name = "django_watchpost"
    verbose_name = "Watchpost"
