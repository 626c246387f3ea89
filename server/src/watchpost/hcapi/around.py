"""What stands around the checks: channels, the list of badges, whether the API is there, the metrics."""

from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from watchpost import clock
from watchpost.hcapi import door
from watchpost.hcapi.asked import Refused
from watchpost.hcapi.badges import badge_urls
from watchpost.hcapi.door import Caller
from watchpost.hcapi.exposition import write_metrics
from watchpost.hcapi.rows import channels_of, checks_of, rows_of


@door.open_to("GET")
@door.writes
def channels(caller: Caller) -> HttpResponse:
    """Where messages of this project go."""
    found = channels_of(caller.project).values_list("pk", "name", "kind")
    told = [{"id": str(key), "name": name, "kind": kind} for key, name, kind in found]
    return JsonResponse({"channels": told})


@door.open_to("GET")
@door.looks
def badges(caller: Caller) -> HttpResponse:
    """Of every tag, and of all checks together as ``*``."""
    tags = {tag for one in checks_of(rows_of(caller.project), clock.now()) for tag in one.tags}
    return JsonResponse({"badges": {tag: badge_urls(caller.project, tag) for tag in ["*", *sorted(tags)]}})


def status(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("OK")


def metrics(request: HttpRequest, place: str, key: str | None = None) -> HttpResponse:
    """For Prometheus. ``place`` is the project's slug, or any UUID: who comes from Healthchecks keeps theirs,
    for there, too, the key alone decides. A read-only key, in the address or as a bearer token."""
    if key is None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return HttpResponse(status=401)
    if len(key) < door.SHORTEST_KEY:
        return HttpResponse(status=400)
    try:
        token, project = door.find_token(key)
    except Refused:
        return HttpResponse(status=403)
    if not token.read_only or not (place == project.slug or _is_uuid(place)):
        return HttpResponse(status=403)
    now = clock.now()
    told = write_metrics(checks_of(rows_of(project), now), now)
    return HttpResponse(told, content_type="text/plain")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
