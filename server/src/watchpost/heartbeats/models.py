"""Heartbeats, their pings, and their changes of state. Times are milliseconds since the epoch.

A ping and what it changes are written in one transaction (``heartbeats.store``) before it is answered. A flip
is ``handled`` once the engine has made of it what it makes of a look, in the transaction that stores that.
"""

from __future__ import annotations

import uuid

from django.db import models

from watchpost.monitors.models import Monitor, Project


class Heartbeat(models.Model):
    """What is remembered of a monitor of the kind heartbeat: ``core.heartbeat.Beat``, and the last ping that
    counted. Whether it is paused stands in the monitor. ``code`` and ``slug`` are its addresses;
    ``badge_key`` is that of its badge, which everybody may see and which pings nothing."""

    monitor = models.OneToOneField(Monitor, models.CASCADE, primary_key=True, related_name="heartbeat")
    project = models.ForeignKey(Project, models.CASCADE, related_name="heartbeats")
    code = models.UUIDField(unique=True, default=uuid.uuid4)
    badge_key = models.UUIDField(unique=True, default=uuid.uuid4)
    slug = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=8, default="new")
    pings = models.BigIntegerField(default=0)
    last_ping = models.BigIntegerField(null=True)
    last_start = models.BigIntegerField(null=True)
    last_run = models.CharField(max_length=36, default="", blank=True)
    last_s = models.FloatField(null=True)
    trouble = models.CharField(max_length=16, default="", blank=True)
    sign = models.CharField(max_length=8, default="", blank=True)
    exit_code = models.SmallIntegerField(null=True)
    said = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["project", "slug"])]


class Ping(models.Model):
    """One ping as it came in; ``n`` counts those of its heartbeat. Clustered on (monitor, n)."""

    pk = models.CompositePrimaryKey("monitor_id", "n")
    monitor_id = models.BigIntegerField()
    n = models.BigIntegerField()
    at = models.BigIntegerField()
    sign = models.CharField(max_length=8)
    scheme = models.CharField(max_length=10)
    method = models.CharField(max_length=10)
    agent = models.CharField(max_length=200)
    address = models.CharField(max_length=45)
    run = models.CharField(max_length=36)
    exit_code = models.SmallIntegerField(null=True)
    took_s = models.FloatField(null=True)
    body = models.BinaryField(null=True)

    class Meta:
        managed = False
        db_table = "heartbeats_ping"


class Flip(models.Model):
    """A change of the state that Healthchecks' API shows. ``facts`` are the beat right after it, for the
    engine; ``why`` is empty, ``fail`` or ``timeout``."""

    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="flips")
    at = models.BigIntegerField()
    before = models.CharField(max_length=8)
    after = models.CharField(max_length=8)
    why = models.CharField(max_length=8, default="", blank=True)
    facts = models.JSONField()
    handled = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["monitor", "at"]),
            models.Index(fields=["monitor", "id"], condition=models.Q(handled=False), name="flip_unhandled"),
        ]
