"""The mail addresses of a heartbeat, while pings by mail are taken."""

from __future__ import annotations

from django.conf import settings

from watchpost.monitors.models import Monitor, Project


def mail_addresses(monitor: Monitor) -> dict[str, str]:
    """``by_id`` and, when it has a name in addresses, ``by_name``; empty while no mail is taken."""
    row, domain = monitor.heartbeat, settings.PING_MAIL_DOMAIN
    if not domain:
        return {}
    by_name = {"by_name": f"{monitor.project.ping_key}+{row.slug}@{domain}"} if row.slug else {}
    return {"by_id": f"{row.code}@{domain}"} | by_name


def exact_key(key: str) -> str:
    """A project's ping key as it is kept: what mail passes through may have written it small. One that
    nobody has, or more than one, stays as it is."""
    found = Project.objects.filter(ping_key__iexact=key).values_list("ping_key", flat=True)[:2]
    known = list(found)
    return known[0] if len(known) == 1 else key
