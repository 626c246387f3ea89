"""Channels: where messages go. A project's token manages those that hear its project alone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Body, Router, Status

from watchpost import clock
from watchpost.api import auth
from watchpost.api.pages import page
from watchpost.api.problems import Problem
from watchpost.api.shapes import channel_object
from watchpost.incidents.models import Channel
from watchpost.incidents.trial import send_test
from watchpost.monitors import edit

router = Router(tags=["channels"])
Spec = dict[str, Any]


def _find(request: HttpRequest, channel_id: str) -> Channel:
    channel: Channel = auth.find(auth.channels(request), channel_id)
    return channel


def _own(request: HttpRequest, channel: Channel) -> Channel:
    """Raises Problem when other projects hear it, too."""
    mine = auth.token_of(request).project_id
    if mine and [project.pk for project in channel.projects.all()] != [mine]:
        raise Problem(
            403, "Other projects hear this channel, too; changing it needs a token for all projects."
        )
    return channel


def _shown(request: HttpRequest, channel: Channel) -> dict[str, Any]:
    """What others hear by it, and where it leads, is not for the token of one of its projects."""
    told, mine = channel_object(channel), auth.token_of(request).project
    if mine is None or told["projects"] == [mine.slug]:
        return told
    return told | {"projects": [mine.slug], "spec": None}


def _allowed(request: HttpRequest, spec: Spec) -> Spec:
    mine = auth.token_of(request).project
    if mine and spec.get("projects") != [mine.slug]:
        raise Problem(403, f"With this token a channel must hear its project alone: projects: [{mine.slug}].")
    return spec


@router.get("/channels")
def list_channels(request: HttpRequest, limit: int = 50, cursor: str | None = None) -> dict[str, Any]:
    """Channels this token may see."""
    return page(auth.channels(request), "id", limit, cursor, lambda row: _shown(request, row))


@router.post("/channels", response={201: dict[str, Any]})
def create_channel(request: HttpRequest, asked: Body[Spec]) -> Status[Any]:
    """The shape of the configuration file."""
    return Status(201, channel_object(edit.create_channel(_allowed(request, asked), clock.now())))


@router.get("/channels/{channel_id}")
def get_channel(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """One channel, secrets as ``${NAME}``."""
    return _shown(request, _find(request, channel_id))


@router.put("/channels/{channel_id}")
def replace_channel(request: HttpRequest, channel_id: str, asked: Body[Spec]) -> dict[str, Any]:
    """All of it: what is left out takes its default."""
    edit.update_channel(_own(request, _find(request, channel_id)), _allowed(request, asked), clock.now())
    return channel_object(_find(request, channel_id))


@router.patch("/channels/{channel_id}")
def change_channel(request: HttpRequest, channel_id: str, asked: Body[Spec]) -> dict[str, Any]:
    """Only the keys that are sent; null brings a key back to its default."""
    channel = _own(request, _find(request, channel_id))
    spec = {key: value for key, value in (edit.channel_spec_of(channel) | asked).items() if value is not None}
    edit.update_channel(channel, _allowed(request, spec), clock.now())
    return channel_object(_find(request, channel_id))


@router.delete("/channels/{channel_id}", response={204: None})
def delete_channel(request: HttpRequest, channel_id: str) -> Status[None]:
    """The channel; what it has delivered goes with it."""
    edit.delete_channel(_own(request, _find(request, channel_id)), clock.now())
    return Status(204, None)


@router.post("/channels/{channel_id}/test")
def test_channel(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """One message now; the receiver's real answer."""
    sent = send_test(_own(request, _find(request, channel_id)).pk, clock.now())
    return {"ok": sent.ok, "detail": sent.detail}
