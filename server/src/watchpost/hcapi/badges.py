"""Badges for everybody: of a tag or a project under a signed address, of one check under a key of its own."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.core.signing import base64_hmac
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache

from watchpost import clock
from watchpost.hcapi import door
from watchpost.hcapi.badge import (
    FORMATS,
    Summary,
    picture,
    shields_object,
    sum_up,
    summary_object,
)
from watchpost.hcapi.rows import check_of, checks_of, rows_of
from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors.models import Project

_SIGNED = 8  # letters of the signature, as Healthchecks cuts it
_TWO_STATES = "-2"


def sign(project: Project, tag: str) -> str:
    return base64_hmac(f"badge of {project.slug}", tag, settings.SECRET_KEY, algorithm="sha256")[:_SIGNED]


def badge_urls(project: Project, tag: str) -> dict[str, str]:
    """The six badges of a tag: those with a 3 know "late"."""
    found = {}
    for fmt in FORMATS:
        for name, ending in ((fmt, _TWO_STATES), (f"{fmt}3", "")):
            base = f"{settings.SITE_URL}/badge/{project.slug}/{sign(project, tag)}{ending}"
            # Twice: the server in front undoes one, and a tag may hold a slash.
            found[name] = (
                f"{base}.{fmt}" if tag == "*" else f"{base}/{quote(quote(tag, safe=''), safe='')}.{fmt}"
            )
    return found


@never_cache
@door.open_to("GET")
def badge(request: HttpRequest, place: str, signature: str, fmt: str, tag: str = "*") -> HttpResponse:
    project = Project.objects.filter(slug=place).first() if fmt in FORMATS else None
    if project is None:
        return HttpResponse(status=404)
    signed, with_late = signature.removesuffix(_TWO_STATES), not signature.endswith(_TWO_STATES)
    if len(signature) == _SIGNED:  # an ending that belongs to the signature itself
        signed, with_late = signature, True
    if not constant_time_compare(signed, sign(project, tag)):
        return HttpResponse(status=404)
    now = clock.now()
    found = [one for one in checks_of(rows_of(project), now) if tag in ("*", *one.tags)]
    label = project.name if tag == "*" else tag
    return _show(label, sum_up([one.status(now) for one in found], with_late), fmt)


@never_cache
@door.open_to("GET")
def check_badge(request: HttpRequest, states: int, badge_key: UUID, fmt: str) -> HttpResponse:
    found = Heartbeat.objects.select_related("monitor__project").filter(badge_key=badge_key).first()
    if found is None or fmt not in FORMATS:
        return HttpResponse(status=404)
    now = clock.now()
    check = check_of(found, now)
    return _show(check.label, sum_up([check.status(now)], states == 3), fmt)


def _show(label: str, summary: Summary, fmt: str) -> HttpResponse:
    if fmt == "shields":
        return JsonResponse(shields_object(label, summary.status))
    if fmt == "json":
        return JsonResponse(summary_object(summary))
    return HttpResponse(picture(label, summary.status), content_type="image/svg+xml")
