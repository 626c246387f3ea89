"""Invented data for looking at the pages: two projects, five monitors, two incidents, three channels."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchpost.accounts.models import ApiToken, Membership, User
from watchpost.incidents.models import Channel, Delivery, Incident, IncidentMember, TimelineEntry
from watchpost.monitors.models import (
    AliveSpan,
    Look,
    MaintenanceWindow,
    Monitor,
    MonitorLast,
    MonitorState,
    Project,
    Transition,
)

PASSWORD = "correct horse battery"
CERTIFIER = "CN=R11,O=Let's Encrypt,C=US"
REFUSED = "The database refuses connections: every page answers 500 instead of 200."
FIX = "Look at the application's log of the last minutes. Roll back the newest deploy when it began with it."


@dataclass
class Seeded:
    admin: User
    viewer: User
    stranger: User
    shop: Project
    home: Monitor
    incident: Incident
    channel: Channel
    broken: Channel


def seed(now: datetime) -> Seeded:
    rng = random.Random(7)
    shop, billing = _project("shop", now), _project("billing", now)
    _project("intranet", now)
    home = _monitor(shop, "Home page", "down", now, REFUSED, ["shopfront", "paid"])
    basket = _monitor(shop, "Basket", "down", now, REFUSED, ["shopfront"])
    api = _monitor(billing, "api.billing.example", "degraded", now, "The certificate ends in 21 days.", [])
    _monitor(billing, "Invoices", "up", now, "The last look was good.", [])
    _monitor(billing, "Export", "unknown", now, "Our own network was down.", [])
    for monitor in (home, basket, api):
        _looks(monitor, now, rng)
    _past(home, now)
    mail, hook = _channels(now)
    incident = _incidents(shop, billing, home, basket, api, mail, now)
    AliveSpan.objects.create(started_at=now - timedelta(days=30), alive_at=now + timedelta(hours=1))
    window = MaintenanceWindow.objects.create(
        project=shop,
        starts_at=now + timedelta(hours=3),
        ends_at=now + timedelta(hours=4),
        reason="New switches",
    )
    window.monitors.add(home)
    admin = User.objects.create_user(
        "ana@example.com", PASSWORD, is_superuser=True, first_name="Ana M.", zone="Europe/Lisbon"
    )
    viewer = User.objects.create_user("rui@example.com", PASSWORD, first_name="Rui")
    stranger = User.objects.create_user("eva@example.com", PASSWORD)
    Membership.objects.create(user=viewer, project=shop, role="viewer")
    ApiToken.objects.create(name="deploy script", digest="d" * 64, project=shop, created_at=now)
    return Seeded(admin, viewer, stranger, shop, home, incident, mail, hook)


def _project(name: str, now: datetime) -> Project:
    return Project.objects.create(
        slug=name,
        name=name,
        dsn_key=f"{name}-dsn",
        ping_key=f"{name}-ping",
        created_at=now - timedelta(days=200),
    )


def _monitor(project: Project, name: str, state: str, now: datetime, reason: str, tags: list[str]) -> Monitor:
    slug = name.lower().replace(" ", "-").replace(".", "-")
    monitor = Monitor.objects.create(
        project=project,
        slug=slug,
        name=name,
        kind="http",
        tags=tags,
        created_at=now - timedelta(days=60),
        config={
            "url": f"https://{slug}.example.com/",
            "expect": {"status": [200], "body_contains": "Add to basket"},
        },
    )
    finding = {"code": "site.error_status", "subject": "500", "sentence": reason, "fix": FIX, "severity": 2}
    bad = state in ("down", "degraded")
    MonitorState.objects.create(
        monitor=monitor,
        shown=state,
        health=state,
        since=now - timedelta(minutes=6, seconds=12),
        reason=reason,
        findings=[finding] if bad else [],
    )
    MonitorLast.objects.create(
        monitor=monitor,
        at=_ms(now - timedelta(seconds=14)),
        outcome="ok",
        total_ms=118.4,
        phases={},
        address="203.0.113.7",
        findings=[finding] if bad else None,
        facts={"certificate": _certificate(slug, now)},
    )
    return monitor


def _certificate(slug: str, now: datetime) -> dict[str, Any]:
    """One on two pages, one that has ended, one that ends soon."""
    days = {"invoices": -1.2, "api-billing-example": 3.4, "export": 21}.get(slug, 72)
    shared = "paid" if slug in ("home-page", "basket") else slug
    return {
        "host": f"{slug}.example.com",
        "fingerprint": shared * 8,
        "not_after": (now + timedelta(days=days)).isoformat(),
        "issuer": CERTIFIER,
        "names": [f"{slug}.example.com", f"media.{slug}.example.com", "*.example.com"],
    }


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _looks(monitor: Monitor, now: datetime, rng: random.Random) -> None:
    rows = []
    for minute in range(24 * 60):
        at = now - timedelta(minutes=minute, seconds=10)
        failed = minute < 6 and monitor.slug != "api-billing-example"
        wait = 70 + rng.random() * 30 + (240 if 600 < minute < 660 else 0)
        parts = {"dns_ms": 3.0, "connect_ms": 9.0, "tls_ms": 18.0, "wait_ms": wait, "transfer_ms": 12.0}
        detail: Any = {"findings": [{"code": "site.error_status", "sentence": REFUSED}]} if failed else None
        rows.append(
            Look(
                monitor_id=monitor.pk,
                location="local",
                at=_ms(at),
                outcome="ok",
                severity=2 if failed else None,
                total_ms=sum(parts.values()),
                address="203.0.113.7",
                detail=detail,
                **parts,
            )
        )
    Look.objects.bulk_create(rows)


def _past(monitor: Monitor, now: datetime) -> None:
    story = [
        (60, "new", "up", "Two good looks."),
        (19, "up", "down", "502 from nginx: all gunicorn workers busy."),
        (18.99, "down", "up", "Up again after 11 min 4 s."),
        (9, "up", "unknown", "Our own network was down."),
        (8.2, "unknown", "up", "We see again."),
        (5, "up", "maintenance", "Window: database move."),
        (4, "maintenance", "up", "The window is over."),
        (0.0043, "up", "down", REFUSED),
    ]
    for days, before, after, reason in story:
        at = now - timedelta(days=days)
        Transition.objects.create(
            monitor=monitor, at=at, began=at, before=before, after=after, reason=reason, handled_at=at
        )


def _channels(now: datetime) -> tuple[Channel, Channel]:
    mail = Channel.objects.create(
        name="ops-mail",
        kind="email",
        config={"to": ["ops@example.com"]},
        created_at=now,
        delivered_at=now - timedelta(minutes=5),
    )
    hook = Channel.objects.create(
        name="old-hook",
        kind="webhook",
        config={"url": "https://hooks.example.com/x"},
        created_at=now,
        broken="404 Not Found: no such hook. It answered so three times.",
        broken_at=now - timedelta(hours=3),
    )
    return mail, hook


def _incidents(
    shop: Project,
    billing: Project,
    home: Monitor,
    basket: Monitor,
    api: Monitor,
    mail: Channel,
    now: datetime,
) -> Incident:
    began = now - timedelta(minutes=6, seconds=12)
    cause = {
        "code": "site.error_status",
        "confidence": 93,
        "sentence": "The database refuses connections.",
        "fix": FIX,
    }
    other = {"code": "site.slow", "confidence": 4, "sentence": "Too much traffic.", "fix": ""}
    incident = Incident.objects.create(
        project=shop,
        environment="production",
        title="the database refuses connections, every page with a basket fails",
        severity=2,
        causes=[cause, other],
        began_at=began,
        detected_at=began + timedelta(seconds=8),
        last_told_at=began,
    )
    for monitor in (home, basket):
        _member(incident, monitor, "site.error_status", 2, began)
    told = [
        ("opened", "Home page answers 500, confirmed from a second resolver. Incident opened."),
        ("joined", "Basket fails since then, too: same cause, joined."),
        ("delivered", "ops-mail told, delivered."),
    ]
    for place, (kind, sentence) in enumerate(told):
        TimelineEntry.objects.create(
            incident=incident, at=began + timedelta(seconds=8 + place), kind=kind, sentence=sentence
        )
    Delivery.objects.create(
        delivery_id="d1",
        channel=mail,
        incident=incident,
        event="opened",
        payload={},
        state="delivered",
        created_at=began,
        delivered_at=began + timedelta(seconds=9),
        answer="250 2.0.0 queued",
    )
    cert = Incident.objects.create(
        project=billing,
        environment="production",
        severity=1,
        state="acknowledged",
        acknowledged_by="Rui",
        title="the certificate of api.billing.example should have been renewed nine days ago",
        causes=[
            {
                "code": "tls.late",
                "confidence": 100,
                "sentence": "It is usually renewed 30 days before it ends; 21 are left.",
                "fix": "Renew it.",
            }
        ],
        acknowledged_at=now,
        began_at=now - timedelta(days=2),
        detected_at=now - timedelta(days=2),
    )
    _member(cert, api, "tls.late", 1, cert.began_at)
    return incident


def _member(incident: Incident, monitor: Monitor, code: str, severity: int, began: datetime) -> None:
    IncidentMember.objects.create(
        incident=incident,
        monitor=monitor,
        code=code,
        subject="500",
        severity=severity,
        rank=50,
        sentence=REFUSED,
        fix=FIX,
        began_at=began,
        joined_at=began,
    )
