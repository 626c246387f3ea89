"""Incidents, who is told, and the outbox that makes sure they are."""

from __future__ import annotations

from django.db import models

from watchpost.monitors.models import Monitor, Project


class Channel(models.Model):
    """Where messages go. Without projects it hears all. ``broken`` says why it was switched off."""

    name = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=30)
    config = models.JSONField()
    projects = models.ManyToManyField(Project, blank=True, related_name="channels")
    min_severity = models.SmallIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    broken = models.TextField(default="", blank=True)
    broken_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    applied = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class IncidentQuerySet(models.QuerySet["Incident"]):
    def held(self) -> IncidentQuerySet:
        """With ``is_held``: every member is up again, and it is open only until they hold still."""
        members = IncidentMember.objects.filter(incident=models.OuterRef("pk"))
        left = models.Exists(members) & ~models.Exists(members.filter(left_at=None))
        return self.annotate(is_held=~models.Q(state=Incident.State.RESOLVED) & models.Q(left))


class Incident(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    project = models.ForeignKey(Project, models.CASCADE, related_name="incidents")
    environment = models.CharField(max_length=30)
    title = models.TextField()
    state = models.CharField(max_length=14, choices=State.choices, default=State.OPEN)
    severity = models.SmallIntegerField()
    causes = models.JSONField(default=list)
    began_at = models.DateTimeField()
    detected_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=254, blank=True, default="")
    snoozed_until = models.DateTimeField(null=True)
    last_told_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["state", "-began_at"]), models.Index(fields=["project", "-began_at"])]

    objects = IncidentQuerySet.as_manager()


class IncidentMember(models.Model):
    """One finding of one monitor inside an incident; ``left_at`` is when it recovered."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="members")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="memberships")
    part = models.CharField(max_length=60, default="", blank=True)
    code = models.CharField(max_length=80)
    subject = models.CharField(max_length=300)
    severity = models.SmallIntegerField()
    rank = models.SmallIntegerField()
    lasting = models.BooleanField(default=False)
    sentence = models.TextField()
    fix = models.TextField()
    shares = models.JSONField(default=list)
    began_at = models.DateTimeField()
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["monitor", "part", "code", "subject"],
                condition=models.Q(left_at=None),
                name="one_open_membership",
            )
        ]


class IncidentShare(models.Model):
    """What the members of an open incident have in common with others, one row a token: the join rule
    reads only incidents that can match, however many are open. Rows go when the incident ends."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="shares")
    token = models.CharField(max_length=400, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "token"], name="one_share_a_token")]


class TimelineEntry(models.Model):
    """What happened, in order, with its reason. Append-only."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="timeline")
    at = models.DateTimeField()
    kind = models.CharField(
        max_length=20
    )  # opened joined rose left resolved acknowledged snoozed note told delivered failed
    sentence = models.TextField()
    actor = models.CharField(max_length=254, blank=True, default="")

    class Meta:
        ordering = ["at", "id"]


class Delivery(models.Model):
    """One message to one channel: a row of the outbox until it is known to have arrived.

    ``incident`` None is a test or a message about ourselves. Rows of one incident and channel are sent
    in order of id: a resolve never overtakes its trigger.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    delivery_id = models.CharField(max_length=32, unique=True)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries")
    incident = models.ForeignKey(Incident, models.CASCADE, null=True, related_name="deliveries")
    event = models.CharField(max_length=14)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.TextField(default="")
    created_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)  # patience counts from here, not from the queueing
    next_attempt_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    answer = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["channel", "id"], condition=models.Q(state="pending"), name="outbox_pending"
            ),
            models.Index(fields=["incident", "id"]),
        ]
