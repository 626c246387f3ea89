"""Private calendar addresses, the weekly report's letters, and what need not be watched."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from watchpost.monitors.models import Project


class CalendarFeed(models.Model):
    """A private address of one person's calendar; only the SHA-256 of its secret is kept. It shows what the
    person may see when it is asked. ``content`` is the digest of what was last given out, ``changed_at``
    since when it is so."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="calendars")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    alarm_days = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    content = models.CharField(max_length=64, default="")
    changed_at = models.DateTimeField(null=True)


class WeeklyWish(models.Model):
    """Whether a person wants the weekly report. Who has no row has not said anything, and gets it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="weekly_wish")
    wanted = models.BooleanField(default=True)


class WeeklyLetter(models.Model):
    """One person's report of one week (``week``: the Monday it is sent on). The row is there before the
    letter is made, and there is only one: that is why nobody gets two."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="weekly_letters")
    week = models.DateField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    answer = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "week"], name="one_letter_a_week")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(state="pending"), name="weekly_pending"
            )
        ]


class NotNeeded(models.Model):
    """Somebody said that this need not be watched in the project. ``thing`` as the kinds name it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="not_needed")
    thing = models.CharField(max_length=300)
    by = models.CharField(max_length=254)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "thing"], name="not_needed_once")]
