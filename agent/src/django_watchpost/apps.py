from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks


class WatchpostConfig(AppConfig):
    name = "django_watchpost"
    verbose_name = "Watchpost"

    def ready(self) -> None:
        from django_watchpost.celery.connect import connect

        checks.register(_check_settings)
        connect()


def _check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warnings alone: what is wrong with the agent must not keep the application from starting."""
    from django_watchpost.conf import read_conf
    from django_watchpost.doctor import standing

    return [
        checks.Warning(one.sentence, hint=one.fix, id=one.id)
        for one in standing(read_conf())
        if one.state != "ok"
    ]
