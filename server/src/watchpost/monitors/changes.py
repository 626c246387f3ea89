"""How processes tell each other that something changed: a row in the transaction that changed it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from watchpost.monitors.models import Change


def announce(topic: str, key: object, now: datetime) -> None:
    """Topics: monitor, look (a monitor is to be looked at now), project, channel, incident, window. Call it
    inside the transaction of the change."""
    Change.objects.create(topic=topic, key=str(key), at=now)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('watchpost', %s)", [f"{topic} {key}"])
