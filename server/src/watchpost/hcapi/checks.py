"""``/api/v1..3/checks/``: checks listed, made, changed, deleted, paused and resumed."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from watchpost import clock
from watchpost.hcapi import door, write
from watchpost.hcapi.door import Caller
from watchpost.hcapi.rows import (
    Elsewhere,
    channels_text,
    check_of,
    checks_of,
    find_by_key,
    find_row,
    rows_of,
)
from watchpost.hcapi.shape import check_object
from watchpost.heartbeats.models import Heartbeat
from watchpost.monitors import edit


def tell(caller: Caller, row: Heartbeat, status: int = 200) -> JsonResponse:
    read_only = caller.token.read_only
    channels = "" if read_only else channels_text(caller.project)
    now = clock.now()
    told = check_object(
        check_of(row, now), now, caller.version, settings.SITE_URL, channels, read_only=read_only
    )
    return JsonResponse(told, status=status)


def own_row(caller: Caller, code: UUID) -> Heartbeat | HttpResponse:
    """The check, or the answer: 404 when there is none, 403 when it is somebody else's."""
    try:
        row = find_row(caller.project, code)
    except Elsewhere:
        return HttpResponse(status=403)
    return HttpResponse(status=404) if row is None else row


@door.open_to("GET", "POST")
def checks(request: HttpRequest) -> HttpResponse:
    return _make(request) if request.method == "POST" else _list(request)


@door.looks
def _list(caller: Caller) -> HttpResponse:
    rows, asked = rows_of(caller.project), caller.request.GET
    if asked.get("slug"):
        rows = rows.filter(slug=asked["slug"])
    tags, now = set(asked.getlist("tag")), clock.now()
    read_only = caller.token.read_only
    channels = "" if read_only else channels_text(caller.project)
    found = [
        check_object(one, now, caller.version, settings.SITE_URL, channels, read_only=read_only)
        for one in checks_of(rows, now)
        if tags <= set(one.tags)
    ]
    return JsonResponse({"checks": found})


@door.writes
def _make(caller: Caller) -> HttpResponse:
    try:
        row, new = write.make_check(caller.project, caller.posted, caller.version, clock.now())
    except write.NoRoom:
        return HttpResponse(status=403)
    return tell(caller, row, 201 if new else 200)


@door.open_to("GET", "POST", "DELETE")
def single(request: HttpRequest, code: UUID) -> HttpResponse:
    does = {"POST": _change, "DELETE": _delete}.get(str(request.method), _get)
    return does(request, code)


@door.looks
def _get(caller: Caller, code: UUID) -> HttpResponse:
    row = own_row(caller, code)
    return row if isinstance(row, HttpResponse) else tell(caller, row)


@door.writes
def _change(caller: Caller, code: UUID) -> HttpResponse:
    row = own_row(caller, code)
    if isinstance(row, HttpResponse):
        return row
    return tell(caller, write.change_check(row, caller.posted, caller.version, clock.now()))


@door.writes
def _delete(caller: Caller, code: UUID) -> HttpResponse:
    row = own_row(caller, code)
    if isinstance(row, HttpResponse):
        return row
    answer = tell(caller, row)  # as it was
    edit.delete_monitor(row.monitor, clock.now(), caller.actor)
    return answer


@door.open_to("GET")
@door.looks
def single_by_key(caller: Caller, unique_key: str) -> HttpResponse:
    row = find_by_key(caller.project, unique_key)
    return HttpResponse(status=404) if row is None else tell(caller, row)


@door.open_to("POST")
@door.writes
def pause(caller: Caller, code: UUID) -> HttpResponse:
    return _set_paused(caller, code, True)


@door.open_to("POST")
@door.writes
def resume(caller: Caller, code: UUID) -> HttpResponse:
    return _set_paused(caller, code, False)


def _set_paused(caller: Caller, code: UUID, paused: bool) -> HttpResponse:
    row = own_row(caller, code)
    if isinstance(row, HttpResponse):
        return row
    changed = edit.set_paused(row.monitor, paused, clock.now(), caller.actor)
    if not changed and not paused:
        return HttpResponse("check is not paused", status=409)
    return tell(caller, rows_of(caller.project).get(pk=row.pk))
