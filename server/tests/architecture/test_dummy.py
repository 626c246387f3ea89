"""A new kind and a new channel are one new folder each, and no edit anywhere else."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.architecture.dummies import installed, write_all
from watchpost import codes, registry
from watchpost.accounts.links import make_token
from watchpost.accounts.models import User
from watchpost.engine import apply as store
from watchpost.engine import load
from watchpost.engine.deliver import send_due
from watchpost.engine.digest import Digest
from watchpost.incidents.models import Channel, Delivery, Incident
from watchpost.monitors import edit
from watchpost.monitors.models import Look, Monitor, MonitorState, Project
from watchpost.outbound.mail import MailAnswer
from watchpost.outbound.send import Answer

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
SPEC = {"name": "Echo", "kind": "pinger", "host": "dead.example.com", "token": "hush", "confirm": 1}


@pytest.fixture(autouse=True)
def dummies(tmp_path: Path) -> Iterator[None]:
    write_all(tmp_path)
    with installed(tmp_path):
        yield


@pytest.fixture
def project(db: None) -> Iterator[Project]:
    yield edit.create_project("Shop", NOW)
    Look.objects.all().delete()


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(_admin())
    return client


def _admin() -> User:
    return User.objects.create_user("admin@example.com", "a-long-password", is_superuser=True, is_staff=True)


class Loft:
    """A way out that keeps what was posted."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def post(self, url: str, body: bytes, headers: Any, deadline_s: float) -> Answer:
        self.got.append(body)
        return Answer(200, {}, b"coo")


def test_the_registry_finds_them() -> None:
    assert registry.kinds()["pinger"].title == "Pinger"
    assert registry.channels()["pigeon"].title == "Pigeon"
    assert codes.catalogue()["pinger.silent"].title == "Nobody says pong"
    assert registry.doc_of("kinds", "pinger").is_file()


def test_nothing_of_them_is_left_afterwards(tmp_path: Path) -> None:
    with installed(tmp_path):
        registry.kinds()
    with installed(tmp_path / "empty"):
        pass
    assert "pinger" in registry.kinds()  # the fixture's own is still there


def test_a_monitor_of_it_is_made_and_its_secret_is_encrypted(project: Project) -> None:
    monitor = edit.create_monitor(project, SPEC, NOW)
    assert monitor.kind == "pinger"
    assert "hush" not in str(monitor.config)
    assert edit.config_of(monitor).token == "hush"
    with pytest.raises(edit.Invalid, match="port"):
        edit.create_monitor(project, {**SPEC, "name": "Other", "port": 0}, NOW)


def test_a_look_walks_from_the_probe_to_the_channel(project: Project) -> None:
    """Probe, judge, step, apply, incident, outbox, delivery: all with the dummies."""
    loft = {"name": "loft", "kind": "pigeon", "url": "https://loft.example.com/"}
    channel = edit.create_channel(loft, NOW)
    monitor = edit.create_monitor(project, SPEC, NOW)
    (watched,) = load.load_monitors([monitor.pk])
    assert watched.problem == ""
    assert watched.target == ("dead.example.com", 7)
    look = registry.Look(watched.id, watched.revision, watched.config, 1.0)
    assert watched.kind.probe is not None
    seen = asyncio.run(watched.kind.probe(look, None, NOW))
    digest = Digest(lambda *_: None)
    digest.digest(watched, seen, digest.judge(watched, seen, NOW), None, NOW)
    store.apply(*digest.take(), NOW)
    assert MonitorState.objects.get(monitor=monitor).shown == "down"
    assert Incident.objects.get().members.get().code == "pinger.silent"
    way_out = Loft()
    send_due(channel.pk, way_out, lambda: NOW)
    assert Delivery.objects.get().state == "delivered"
    assert b"dead.example.com says nothing." in way_out.got[0]


def test_its_edit_page_is_made_from_its_config(project: Project, admin: Client) -> None:
    monitor = edit.create_monitor(project, SPEC, NOW)
    url = f"/monitors/{monitor.pk}/edit/"
    page = admin.get(url).content.decode()
    assert 'name="host"' in page
    assert 'name="port"' in page
    assert "hush" not in page
    fields = {"name": "Echo", "host": "live.example.com", "port": "9", "confirm": "2", "recover": "2"}
    fields |= {"interval": "60s", "timeout": "10s", "resend": "4h", "environment": "production", "tags": ""}
    assert admin.post(url, fields | {"port": "ninety"}).status_code == 422
    assert admin.post(url, fields).status_code == 302
    config = edit.config_of(Monitor.objects.get(pk=monitor.pk))
    assert (config.host, config.port) == ("live.example.com", 9)
    assert "Echo" in admin.get(f"/monitors/{monitor.pk}/").content.decode()


def test_the_api_makes_one(project: Project, client: Client) -> None:
    asked = {**SPEC, "project": project.slug}
    headers = {"Authorization": f"Bearer {make_token('ci', None, False, NOW)}"}
    answer = client.post("/v1/monitors", asked, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    assert answer.json()["kind"] == "pinger"
    assert "hush" not in answer.content.decode()


def test_its_channel_page_is_made_from_its_config(admin: Client) -> None:
    page = admin.get("/channels/new/pigeon/").content.decode()
    assert 'name="url"' in page
    fields = {"name": "loft", "url": "https://loft.example.com/", "min_severity": "warning"}
    assert admin.post("/channels/new/pigeon/", fields).status_code == 302
    assert Channel.objects.get().kind == "pigeon"


def test_the_channel_contract_holds_for_it() -> None:
    """The product's own contract tests take the dummy as they take every channel."""
    contract = importlib.import_module("watchpost.channels.tests.test_contract")
    channel = registry.channels()["pigeon"]
    for rule in (
        contract.test_its_parts_are_complete,
        contract.test_its_docs_name_every_field,
        contract.test_every_field_explains_itself,
        contract.test_its_example_survives_being_stored,
        contract.test_its_secrets_are_fields_and_stay_secret,
        contract.test_it_describes_itself_in_one_line,
        contract.test_a_test_needs_no_payload,
        contract.test_no_messages_are_no_success,
    ):
        rule(channel)
    for event in contract.EVENTS:
        contract.test_every_event_is_sent(channel, event)
    for answer in (Answer(None, error="no answer"), Answer(503, {}, b"busy")):
        contract.test_passing_trouble_can_be_tried_again(channel, answer, MailAnswer(False, 451, "451"))
