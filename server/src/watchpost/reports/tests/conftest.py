"""Projects with monitors whose last looks saw certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from watchpost.accounts.models import Membership, User
from watchpost.monitors import edit
from watchpost.monitors.models import Monitor, MonitorLast, Project

NOW = datetime.now(UTC).replace(microsecond=0)


def certificate(fingerprint: str, days: float, host: str, *names: str, now: datetime = NOW) -> dict[str, Any]:
    """What the http kind notes of one."""
    return {
        "host": host,
        "fingerprint": fingerprint,
        "not_after": (now + timedelta(days=days)).isoformat(),
        "issuer": "CN=R11,O=Let's Encrypt,C=US",
        "names": [host, *names],
    }


def page(project: Project, host: str, facts: dict[str, Any] | None = None, **spec: Any) -> Monitor:
    """A monitor that was looked at a minute ago."""
    wanted = {"name": host, "kind": "http", "url": f"https://{host}/"} | spec
    wanted = {key: value for key, value in wanted.items() if value is not None}
    monitor = edit.create_monitor(project, wanted, NOW - timedelta(days=60))
    at = int((NOW - timedelta(minutes=1)).timestamp() * 1000)
    MonitorLast.objects.create(
        monitor=monitor, at=at, outcome="ok", total_ms=80, phases={}, address="203.0.113.7", facts=facts
    )
    return monitor


def seen(project: Project, host: str, fingerprint: str, days: float, *names: str, **spec: Any) -> Monitor:
    return page(project, host, {"certificate": certificate(fingerprint, days, host, *names)}, **spec)


@pytest.fixture
def shop(db: None) -> Project:
    return edit.create_project("shop", NOW)


@pytest.fixture
def blog(db: None) -> Project:
    return edit.create_project("blog", NOW)


def member(project: Project, role: str = "viewer", email: str = "rui@example.com", **fields: Any) -> User:
    user = User.objects.create_user(email, "correct horse", **fields)
    Membership.objects.create(user=user, project=project, role=role)
    return user


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
