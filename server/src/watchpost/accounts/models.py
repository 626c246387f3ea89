"""Who may see and change what."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """A person. ``is_superuser`` is the installation's admin."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    # Until an admin stands for it, or its own address proves it: whoever made it may hold its password.
    vouched = models.BooleanField(default=True)
    invited_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="invited")
    zone = models.CharField(max_length=64, blank=True, default="")
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[misc,assignment]


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        VIEWER = "viewer"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    project = models.ForeignKey("monitors.Project", models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="one_role_per_project")]


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is kept; ``project`` None means all projects."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    project = models.ForeignKey("monitors.Project", models.CASCADE, null=True, related_name="tokens")
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)


class SignInLink(models.Model):
    """A one-time way in; only the SHA-256 of its secret is kept."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    seal = models.CharField(max_length=64, default="")
