"""The webhook channel against receivers that do all receivers do."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.channels.webhook import channel
from watchpost.channels.webhook.channel import CHANNEL, body_of, send, sign
from watchpost.channels.webhook.config import WebhookConfig
from watchpost.registry import Message

NOW = datetime(2026, 11, 22, 21, 0, 0, 500_000, tzinfo=UTC)
HOW_TO = Path(__file__).parents[6] / "docs" / "how-to" / "receive-webhooks.md"
PAYLOAD = {
    "id": "42",
    "project": "shop",
    "project_name": "Shop",
    "title": "Zu viele Verbindungen – 数据库",
    "state": "open",
    "severity": "critical",
    "began_at": "2026-11-22T21:00:00Z",
    "detected_at": "2026-11-22T21:00:05Z",
    "resolved_at": None,
    "causes": [{"code": "a.b", "confidence": 0.9, "sentence": "All are in use.", "fix": "Raise it."}],
    "monitors": [{"id": "7", "name": "Home", "kind": "http", "state": "down"}],
    "url": "https://watchpost.example.com/incidents/42",
    "event": "opened",
    "delivery_id": "d-1",
    "reason": "two looks in a row failed",
}
MESSAGE = Message("d-1", "opened", PAYLOAD, {}, NOW)
Receive = Callable[..., Any]


def independent(secret: str, header: str, body: bytes) -> bool:
    """The promise of surface.md, written without looking at channel.py."""
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header)
    assert match, header
    inner = hashlib.sha256
    key = secret.encode().ljust(64, b"\0")
    assert len(key) == 64
    pad = bytes(byte ^ 0x36 for byte in key)
    outer = bytes(byte ^ 0x5C for byte in key)
    text = match[1].encode() + b"." + body
    return inner(outer + inner(pad + text).digest()).hexdigest() == match[2]


def snippet() -> Callable[..., bool]:
    code = re.search(r"```python\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)
    verify: Callable[..., bool] = names["verify"]
    return verify


def test_it_posts_the_incident_signed(receive: Receive, outbound: Any) -> None:
    receiver = receive()
    config = WebhookConfig(url=receiver.url, secret="a secret", headers={"Authorization": "Bearer x"})
    sent = send(config, (MESSAGE,), outbound)
    assert sent.ok
    assert sent.detail == "200 thanks"
    headers, body = receiver.got[0]
    assert json.loads(body) == PAYLOAD
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Watchpost-Event"] == "opened"
    assert headers["X-Watchpost-Delivery"] == headers["Idempotency-Key"] == "d-1"
    assert headers["Authorization"] == "Bearer x"
    assert headers["X-Watchpost-Signature"].startswith(f"t={int(NOW.timestamp())},v1=")
    assert independent("a secret", headers["X-Watchpost-Signature"], body)
    assert not independent("another", headers["X-Watchpost-Signature"], body)


def test_a_retry_has_the_same_body_and_a_fresh_signature() -> None:
    later = replace(MESSAGE, at=NOW + timedelta(hours=1))
    assert body_of(later) == body_of(MESSAGE)
    assert sign("s", body_of(later), later.at) != sign("s", body_of(MESSAGE), MESSAGE.at)


def test_without_a_secret_nothing_is_signed(receive: Receive, outbound: Any) -> None:
    receiver = receive()
    assert send(WebhookConfig(url=receiver.url), (MESSAGE,), outbound).ok
    assert "X-Watchpost-Signature" not in receiver.got[0][0]


def test_the_how_to_verifies_what_we_send(receive: Receive, outbound: Any) -> None:
    receiver = receive()
    send(WebhookConfig(url=receiver.url, secret="s3cret"), (MESSAGE,), outbound)
    headers, body = receiver.got[0]
    verify, header, now = snippet(), headers["X-Watchpost-Signature"], NOW.timestamp()
    assert verify("s3cret", body, header, now=now)
    assert verify("s3cret", body, header, now=now + 299)
    assert not verify("s3cret", body, header, now=now + 302)
    assert not verify("s3cret", body + b" ", header, now=now)
    assert not verify("wrong", body, header, now=now)
    assert not verify("s3cret", body, header.replace("t=1", "t=2"), now=now)
    for rubbish in ("", "t=,v1=", "v1=abc", "t=x,v1=é", "t=" + "9" * 5000):
        assert not verify("s3cret", body, rubbish, now=now)


def test_the_how_to_names_every_key() -> None:
    example = re.search(r"```json\n(.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL)
    assert example
    assert json.loads(example[1]).keys() == PAYLOAD.keys()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_trouble_is_tried_again(receive: Receive, outbound: Any, status: int) -> None:
    sent = send(WebhookConfig(url=receive(status=status).url), (MESSAGE,), outbound)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)
    assert sent.detail == f"{status} thanks"
    assert sent.retry_after_s is None


@pytest.mark.parametrize("status", [400, 413, 422, 418])
def test_a_message_that_is_not_understood_is_given_up(receive: Receive, outbound: Any, status: int) -> None:
    sent = send(WebhookConfig(url=receive(status=status).url), (MESSAGE,), outbound)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, True, False)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
def test_a_wrong_address_or_secret_breaks_the_channel(receive: Receive, outbound: Any, status: int) -> None:
    sent = send(WebhookConfig(url=receive(status=status).url), (MESSAGE,), outbound)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, True)
    assert sent.detail.startswith(f"{status} thanks. ")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_names_the_new_address(
    receive: Receive, outbound: Any, status: int
) -> None:
    target = receive()
    old = receive(status=status, headers={"Location": target.url})
    sent = send(WebhookConfig(url=old.url), (MESSAGE,), outbound)
    assert sent.channel_broken
    assert target.url in sent.detail
    assert not target.got


def test_a_relative_redirect_is_named_in_full(receive: Receive, outbound: Any) -> None:
    old = receive(status=301, headers={"Location": "/new"})
    sent = send(WebhookConfig(url=old.url), (MESSAGE,), outbound)
    assert old.url.replace("/hook", "/new") in sent.detail


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(NOW.replace(microsecond=0) + timedelta(seconds=90), usegmt=True), 89.5),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after(receive: Receive, outbound: Any, value: str, seconds: float | None) -> None:
    receiver = receive(status=503)
    answer = channel._judge(receiver.url, 503, {"retry-after": value}, b"", NOW)
    assert answer.retry_after_s == seconds
    if value.isascii():
        receiver.headers = {"Retry-After": value}
        assert send(WebhookConfig(url=receiver.url), (MESSAGE,), outbound).retry_after_s == seconds


def test_a_receiver_that_hangs_is_left_at_the_deadline(
    receive: Receive, outbound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "DEADLINE_S", 0.4)
    began = time.monotonic()
    sent = send(WebhookConfig(url=receive(hang=True).url), (MESSAGE,), outbound)
    assert time.monotonic() - began < 2
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)
    assert "0.4 s" in sent.detail


def test_nobody_listens(outbound: Any) -> None:
    sent = send(WebhookConfig(url="http://127.0.0.1:9/"), (MESSAGE,), outbound)
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)
    assert sent.detail


def test_the_guard_refuses_and_the_fix_names_the_setting(receive: Receive, guarded: Any) -> None:
    receiver = receive()
    sent = send(WebhookConfig(url=receiver.url), (MESSAGE,), guarded)
    assert sent.channel_broken
    assert "127.0.0.1" in sent.detail
    assert "ALLOW_NETWORKS" in sent.detail
    assert not receiver.got


def test_the_answer_is_shown_short_and_clean(receive: Receive, outbound: Any) -> None:
    nasty = b"\x1b[31mred\r\nline\0 \xff" + b"x" * 5000
    sent = send(WebhookConfig(url=receive(status=500, answer=nasty).url), (MESSAGE,), outbound)
    assert sent.detail.startswith("500 [31mred line \ufffdxxx")
    assert sent.detail.isprintable()
    assert len(sent.detail) <= 304


def test_a_test_message_needs_no_payload(receive: Receive, outbound: Any) -> None:
    receiver = receive()
    assert send(WebhookConfig(url=receiver.url), (Message("t-1", "test", {}, {}, NOW),), outbound).ok
    assert json.loads(receiver.got[0][1]) == {"reason": "", "event": "test", "delivery_id": "t-1"}


def test_any_text_can_be_sent() -> None:
    odd = replace(MESSAGE, payload={**PAYLOAD, "title": "\ud800 \u2028 \0 数据库"})
    assert json.loads(body_of(odd))["title"] == "\ud800 \u2028 \0 数据库"


def test_several_messages_are_several_requests_in_order(receive: Receive, outbound: Any) -> None:
    receiver = receive()
    both = (MESSAGE, replace(MESSAGE, delivery_id="d-2"))
    assert send(WebhookConfig(url=receiver.url), both, outbound).ok
    assert [headers["X-Watchpost-Delivery"] for headers, _ in receiver.got] == ["d-1", "d-2"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"url": "hooks.example.com"}, "https://hooks.example.com/watchpost"),
        ({"url": "ftp://hooks.example.com/"}, "full address"),
        ({"url": "https://user:pw@hooks.example.com/"}, "Authorization header"),
        ({"url": "https://hooks.example.com:99999/"}, "cannot be read"),
        ({"url": "https://hooks.example.com/a b"}, "%20"),
        ({"url": "https://h.example/", "headers": {"X-Watchpost-Event": "x"}}, "set by Watchpost"),
        ({"url": "https://h.example/", "headers": {"content-length": "1"}}, "set by Watchpost"),
        ({"url": "https://h.example/", "headers": {"X": "a\r\nY: b"}}, "line break"),
        ({"url": "https://h.example/", "headers": {"X Y": "a"}}, "not a header name"),
        ({"url": "https://h.example/", "sekret": "x"}, "sekret"),
        ({"url": "https://h.example/", "secret": ""}, "at least 1"),
    ],
)
def test_wrong_settings_are_refused_in_plain_words(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        WebhookConfig(**values)


def test_describe_hides_path_and_secret() -> None:
    config = WebhookConfig(url="https://hooks.example.com/T00/token", secret="hush")
    assert CHANNEL.describe(config) == "POST to https://hooks.example.com, signed"


def test_the_standard_library_agrees() -> None:
    expected = hmac.new(b"s", b"1795381200.x", hashlib.sha256).hexdigest()
    assert sign("s", b"x", NOW) == f"t={int(NOW.timestamp())},v1={expected}"
