"""What every channel promises. Finds the channels by itself: a new folder is tested without an edit here."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from watchpost.outbound.guard import Guard
from watchpost.outbound.mail import MailAnswer, Mailer
from watchpost.outbound.send import Answer, Sender
from watchpost.registry import Channel, Config, Message, Sent, channels, doc_of

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
LONGEST_S = 30.0  # no channel may hold its lane for longer
TEST = Message("d-test", "test", {}, {}, NOW)
PAYLOAD = {
    "id": "42",
    "project": "shop",
    "title": "The home page answers 500",
    "state": "open",
    "severity": "critical",
    "began_at": "2026-11-22T20:59:00Z",
    "detected_at": "2026-11-22T20:59:30Z",
    "resolved_at": None,
    "causes": [
        {
            "code": "site.error_status",
            "confidence": 0.5,
            "sentence": "It answers 500.",
            "fix": "Look at its log.",
        }
    ],
    "monitors": [{"id": "7", "name": "Home page", "kind": "http", "state": "down"}],
    "url": "https://watch.example.com/incidents/42",
    "reason": "two looks in a row failed",
}
EVENTS = ("opened", "updated", "acknowledged", "resolved", "test")

every_channel = pytest.mark.parametrize("channel", [pytest.param(c, id=c.name) for c in channels().values()])


def example(channel: Channel) -> dict[str, Any]:
    """The example of the docs page, with its ``${NAME}`` filled in."""
    block = re.search(r"```yaml\n(.*?)```", doc_of("channels", channel.name).read_text("utf-8"), re.DOTALL)
    assert block, "doc.md needs a yaml example"
    text = re.sub(r"\$\{\w+\}", "a-secret-of-the-example", block[1])
    entries = [entry for entry in yaml.safe_load(text)["channels"] if entry["kind"] == channel.name]
    assert entries, f"the example has no channel of kind {channel.name}"
    return {key: value for key, value in entries[0].items() if key not in ("name", "kind", "projects")}


def configured(channel: Channel) -> Any:
    return channel.config.model_validate(example(channel))


def messages(event: str) -> tuple[Message, ...]:
    links = {
        name: f"https://watch.example.com/{name}" for name in ("acknowledge", "resolve", "snooze", "page")
    }
    return (Message("d-1", event, {**PAYLOAD, "event": event, "delivery_id": "d-1"}, links, NOW),)


class Recorder:
    """A way out on which everything arrives, or nothing; it keeps the deadlines it was given."""

    from_address = "watchpost@example.com"
    site_url = "https://watch.example.com"

    def __init__(self, answer: Answer, mail: MailAnswer) -> None:
        self._answer, self._mail = answer, mail
        self.deadlines: list[float] = []
        self.sent = b""

    def post(self, url: str, body: bytes, headers: Any, deadline_s: float) -> Answer:
        self.deadlines.append(deadline_s)
        self.sent += body + repr(dict(headers)).encode()
        return self._answer

    def mail(self, message: EmailMessage, deadline_s: float) -> MailAnswer:
        self.deadlines.append(deadline_s)
        self.sent += message.as_bytes()
        return self._mail


class Short:
    """The real way out, led to one port of this machine and given less time."""

    from_address = "watchpost@example.com"
    site_url = "https://watch.example.com"

    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._seconds = port, seconds
        self._sender = Sender(Guard((ip_network("127.0.0.0/8"),)), "Watchpost/test")
        self._mailer = Mailer(f"smtp://127.0.0.1:{port}")

    def post(self, url: str, body: bytes, headers: Any, deadline_s: float) -> Answer:
        there = urlunsplit(urlsplit(url)._replace(scheme="http", netloc=f"127.0.0.1:{self._port}"))
        return self._sender.post(there, body, headers, min(deadline_s, self._seconds))

    def mail(self, message: EmailMessage, deadline_s: float) -> MailAnswer:
        return self._mailer.send(message, min(deadline_s, self._seconds))


def fields(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield before + name
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from fields(info.annotation, f"{before}{name}.")


def judged(sent: Sent) -> None:
    """One answer means one thing."""
    assert isinstance(sent, Sent)
    assert sent.detail, "the receiver's answer is missing"
    assert len(sent.detail) <= 500
    assert sent.detail.isprintable()
    assert not (sent.ok and (sent.permanent or sent.channel_broken))
    assert not (sent.permanent and sent.channel_broken)


def test_there_are_channels() -> None:
    assert {"email", "webhook"} <= channels().keys()


@every_channel
def test_its_parts_are_complete(channel: Channel) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", channel.name)
    assert doc_of("channels", channel.name).parent.name == channel.name
    assert channel.title
    assert issubclass(channel.config, Config)
    assert channel.config.model_config.get("frozen") is True
    assert channel.config.model_config.get("extra") == "forbid"
    assert not (channel.pages and channel.bundles), "a page is never bundled"


@every_channel
def test_its_docs_name_every_field(channel: Channel) -> None:
    doc = doc_of("channels", channel.name).read_text("utf-8")
    for heading in ("# ", "## Fields", "## Example", "## When it fails"):
        assert any(line.startswith(heading) for line in doc.splitlines()), heading
    documented = set(re.findall(r"^\| `([\w.]+)` \|", doc, re.MULTILINE))
    assert documented == set(fields(channel.config))


@every_channel
def test_every_field_explains_itself(channel: Channel) -> None:
    for name, info in channel.config.model_fields.items():
        assert info.title, name
        assert info.description, name
    assert channel.config.model_json_schema()["properties"].keys() == channel.config.model_fields.keys()


@every_channel
def test_its_example_survives_being_stored(channel: Channel) -> None:
    config = configured(channel)
    assert channel.config.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError):
        channel.config.model_validate({**example(channel), "no_such_field": 1})


@every_channel
def test_its_secrets_are_fields_and_stay_secret(channel: Channel) -> None:
    assert set(channel.secrets) <= set(fields(channel.config))
    assert not re.search(r"a-secret-of-the-example", channel.describe(configured(channel)))


@every_channel
def test_it_describes_itself_in_one_line(channel: Channel) -> None:
    line = channel.describe(configured(channel))
    assert line
    assert line.isprintable()
    assert len(line) <= 200


@every_channel
@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_sent(channel: Channel, event: str) -> None:
    way = Recorder(Answer(200, {}, b"ok"), MailAnswer(True, 250, "250 ok"))
    sent = channel.send(configured(channel), messages(event), way)
    judged(sent)
    assert sent.ok
    assert b"The home page answers 500" in way.sent
    assert b"d-1" in way.sent, "a receiver needs the delivery id to notice a repetition"
    assert all(0 < deadline <= LONGEST_S for deadline in way.deadlines)


@every_channel
def test_a_test_needs_no_payload(channel: Channel) -> None:
    way = Recorder(Answer(200, {}, b"ok"), MailAnswer(True, 250, "250 ok"))
    assert channel.send(configured(channel), (TEST,), way).ok
    assert way.sent


@every_channel
def test_no_messages_are_no_success(channel: Channel) -> None:
    judged(channel.send(configured(channel), (), Recorder(Answer(200), MailAnswer(True, 250, "250 ok"))))


@every_channel
@pytest.mark.parametrize(
    ("answer", "mail"),
    [
        (Answer(None, error="no answer within 10 s"), MailAnswer(False, None, "no answer within 10 s")),
        (Answer(503, {}, b"busy"), MailAnswer(False, 451, "451 busy")),
    ],
)
def test_passing_trouble_can_be_tried_again(channel: Channel, answer: Answer, mail: MailAnswer) -> None:
    sent = channel.send(configured(channel), messages("opened"), Recorder(answer, mail))
    judged(sent)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)


@every_channel
@pytest.mark.parametrize(
    "status", [*range(300, 309), *range(400, 432), 451, *range(500, 512), 0, 99, 600, 999]
)
def test_every_status_has_a_meaning(channel: Channel, status: int) -> None:
    way = Recorder(Answer(status, {}, b"\x00\x1b[31mno\r\n" * 500), MailAnswer(False, status, "no"))
    sent = channel.send(configured(channel), messages("opened"), way)
    judged(sent)
    assert not sent.ok


@pytest.fixture(params=["hang", "drip", "close", "rubbish"])
def bad_port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A receiver that takes the connection and then behaves badly."""
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                peer, _ = listener.accept()
                with peer:
                    if request.param == "rubbish":
                        peer.sendall(b"\x00\xff nothing that anybody speaks\r\n\r\n")
                    while request.param in ("hang", "drip") and not done.wait(0.05):
                        peer.sendall(b"2" if request.param == "drip" else b"")
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        done.set()


@every_channel
def test_a_bad_receiver_costs_no_more_than_the_deadline(channel: Channel, bad_port: int) -> None:
    began = time.monotonic()
    sent = channel.send(configured(channel), messages("opened"), Short(bad_port, 0.4))
    assert time.monotonic() - began < 2
    judged(sent)
    assert not sent.ok
    assert not sent.permanent


@every_channel
def test_a_refused_connection_can_be_tried_again(channel: Channel) -> None:
    sent = channel.send(configured(channel), messages("opened"), Short(9, 0.4))
    judged(sent)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)


class _Wider(channels()["webhook"].config):  # type: ignore[misc]
    undocumented: str = ""


def _answers(sent: Any) -> Any:
    return lambda config, messages, outbound: sent


def _raises(config: Any, messages: Any, outbound: Any) -> Sent:
    raise OSError("not caught")


def _slow(config: Any, messages: Any, outbound: Any) -> Sent:
    outbound.post("https://h.example/", b"The home page answers 500 d-1", {}, 3600.0)
    return Sent(True, "200")


def _forgets_the_id(config: Any, messages: Any, outbound: Any) -> Sent:
    outbound.post("https://h.example/", b"The home page answers 500", {}, 1.0)
    return Sent(True, "200")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"config": _Wider}, test_its_docs_name_every_field),
        ({"config": _Wider}, test_every_field_explains_itself),
        ({"secrets": ("password",)}, test_its_secrets_are_fields_and_stay_secret),
        ({"describe": lambda config: config.secret}, test_its_secrets_are_fields_and_stay_secret),
        ({"describe": lambda config: "two\nlines"}, test_it_describes_itself_in_one_line),
        ({"title": ""}, test_its_parts_are_complete),
        ({"pages": True, "bundles": True}, test_its_parts_are_complete),
        ({"send": _slow}, lambda channel: test_every_event_is_sent(channel, "opened")),
        ({"send": _forgets_the_id}, lambda channel: test_every_event_is_sent(channel, "opened")),
        (
            {"send": _answers(Sent(True, "fine"))},
            lambda channel: test_every_status_has_a_meaning(channel, 500),
        ),
        ({"send": _answers(Sent(False, ""))}, lambda channel: test_every_status_has_a_meaning(channel, 500)),
        ({"send": _answers(Sent(False, "a\x1bb"))}, test_no_messages_are_no_success),
        ({"send": _answers(Sent(False, "x" * 501))}, test_no_messages_are_no_success),
        ({"send": _answers(Sent(False, "x", permanent=True))}, test_a_refused_connection_can_be_tried_again),
        ({"send": _answers(Sent(True, "x"))}, test_a_test_needs_no_payload),
        ({"send": _raises}, test_a_test_needs_no_payload),
    ],
)
def test_a_broken_channel_is_found(change: dict[str, Any], rule: Any) -> None:
    """Each rule can fail: a contract test that lets everything through proves nothing."""
    with pytest.raises((AssertionError, OSError)):
        rule(replace(channels()["webhook"], **change))
