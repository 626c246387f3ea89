"""Projects, what is watched in them, and its history.

Hot tables keep times as milliseconds since the epoch: they are written once per look.
"""

from __future__ import annotations

from django.db import models


class Project(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=100)
    dsn_key = models.CharField(max_length=32, unique=True)
    ping_key = models.CharField(max_length=22, unique=True)
    applied = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class Monitor(models.Model):
    """``config`` is the kind's Config as JSON with its secrets sealed; ``revision`` rises with every
    edit of what is asked, so that a look made before an edit is dropped."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="monitors")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)
    environment = models.CharField(max_length=30, default="production")
    tags = models.JSONField(default=list)
    config = models.JSONField()
    interval_s = models.FloatField(default=60)
    timeout_s = models.FloatField(default=10)
    confirm = models.PositiveSmallIntegerField(default=2)
    recover = models.PositiveSmallIntegerField(default=2)
    resend_s = models.FloatField(default=4 * 3600)
    paused = models.BooleanField(default=False)
    paused_by = models.CharField(max_length=200, default="")  # who paused it last, or resumed it
    revision = models.PositiveIntegerField(default=1)
    applied = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    depends_on = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="children")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="monitor_identity")]


class MonitorState(models.Model):
    """The engine's memory of a monitor, as it was at the last commit. Swapped by ``version``."""

    monitor = models.OneToOneField(Monitor, models.CASCADE, primary_key=True, related_name="state")
    shown = models.CharField(max_length=12, default="new")
    health = models.CharField(max_length=12, default="new")
    severity = models.SmallIntegerField(null=True)
    since = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    flapping = models.BooleanField(default=False)
    tracks = models.JSONField(default=dict)  # "location|part" -> core.state.Track
    baseline = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=0)


class MonitorLast(models.Model):
    """The last look, one row a monitor, updated in place: what lists read."""

    monitor = models.OneToOneField(Monitor, models.CASCADE, primary_key=True, related_name="last")
    at = models.BigIntegerField()
    outcome = models.CharField(max_length=10)
    total_ms = models.FloatField()
    phases = models.JSONField()  # dns, connect, tls, wait, transfer in ms
    address = models.CharField(max_length=45)
    findings = models.JSONField(null=True)
    facts = models.JSONField(null=True)
    reason = models.TextField(default="")


class Look(models.Model):
    """One raw look. Clustered on (monitor, location, at); see the first migration."""

    pk = models.CompositePrimaryKey("monitor_id", "location", "at")
    monitor_id = models.BigIntegerField()
    location = models.CharField(max_length=30)
    at = models.BigIntegerField()
    outcome = models.CharField(max_length=10)
    severity = models.SmallIntegerField(null=True)
    total_ms = models.FloatField()
    dns_ms = models.FloatField()
    connect_ms = models.FloatField()
    tls_ms = models.FloatField()
    wait_ms = models.FloatField()
    transfer_ms = models.FloatField()
    address = models.CharField(max_length=45)
    detail = models.JSONField(null=True)  # findings, facts, excerpt; only when there are findings

    class Meta:
        managed = False
        db_table = "monitors_look"


class Rollup(models.Model):
    """An hour (span 1) or a day (span 2) of looks of one monitor: a sketch of totals, sums of phases."""

    pk = models.CompositePrimaryKey("monitor_id", "location", "span", "start")
    monitor_id = models.BigIntegerField()
    location = models.CharField(max_length=30)
    span = models.SmallIntegerField()
    start = models.BigIntegerField()
    n = models.IntegerField()
    failed = models.IntegerField()
    phases = models.JSONField()
    sketch = models.BinaryField()

    class Meta:
        managed = False
        db_table = "monitors_rollup"


class Value(models.Model):
    """A number of a part over a quarter of an hour (``start``, epoch ms): how often it was read, the least,
    the most, the sum and the last. See ``engine/values.py``."""

    pk = models.CompositePrimaryKey("monitor_id", "start", "location", "part")
    monitor_id = models.BigIntegerField()
    start = models.BigIntegerField()
    location = models.CharField(max_length=30)
    part = models.CharField(max_length=60)
    n = models.IntegerField()
    low = models.FloatField()
    high = models.FloatField()
    total = models.FloatField()
    last = models.FloatField()

    class Meta:
        managed = False
        db_table = "monitors_value"


class _OfMonitors(models.Manager["Transition"]):
    def get_queryset(self) -> models.QuerySet[Transition]:
        return super().get_queryset().filter(track="")


class _OfParts(models.Manager["Transition"]):
    def get_queryset(self) -> models.QuerySet[Transition]:
        return super().get_queryset().exclude(track="")


class Transition(models.Model):
    """A confirmed change of what is shown. Append-only. ``began`` is when the trouble really began.

    ``objects`` are the changes of monitors, as all pages and reports count them. Those of their parts
    (``track``: location, ``|``, part) are a history beside it: ``of_parts``."""

    objects = _OfMonitors()
    of_parts = _OfParts()

    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="transitions")
    track = models.CharField(max_length=80, default="")
    at = models.DateTimeField()
    began = models.DateTimeField()
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    severity = models.SmallIntegerField(null=True)
    reason = models.TextField()
    findings = models.JSONField(default=list)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["monitor", "at"]),
            models.Index(fields=["id"], condition=models.Q(handled_at=None), name="transition_unhandled"),
        ]


class Remark(models.Model):
    """What a person did that changes no state but belongs to a monitor's history: what is expected from then
    on. Append-only."""

    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="remarks")
    at = models.DateTimeField()
    sentence = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["monitor", "at"])]


class MaintenanceWindow(models.Model):
    """A window over some monitors, or over a whole project when none is named. One that comes once has a
    beginning and an end; a series has neither, but ``lasts_s``, a zone, and ``days`` with ``at`` or
    ``cron``. Identity of a series: project and slug."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="windows")
    monitors = models.ManyToManyField(Monitor, blank=True, related_name="windows")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=100, default="", blank=True)
    slug = models.CharField(max_length=60, default="", blank=True)
    days = models.JSONField(default=list)  # of "mon" to "sun"
    at = models.CharField(max_length=5, default="")  # 02:00, on the zone's clock
    cron = models.CharField(max_length=100, default="")
    lasts_s = models.PositiveIntegerField(null=True)
    zone = models.CharField(max_length=64, default="")
    first_day = models.DateField(null=True)  # of the zone's calendar, both included
    last_day = models.DateField(null=True)
    paused = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)  # by hand: what had begun by then is over
    applied = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    created_by = models.CharField(max_length=254, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "slug"], condition=~models.Q(slug=""), name="window_identity"
            )
        ]


class AliveSpan(models.Model):
    """The liveness ledger: one row a run of the engine. What lies between rows is our own downtime."""

    started_at = models.DateTimeField()
    alive_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)


class Change(models.Model):
    """How processes tell each other that something changed: topic and key, by rising id."""

    topic = models.CharField(max_length=20)
    key = models.CharField(max_length=60)
    at = models.DateTimeField()


class Fact(models.Model):
    """Small facts the processes share: the engine's own figures, whether mail ever arrived."""

    name = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField()
    at = models.DateTimeField()
