"""The e-mail channel: what the mail says, and what the mail server's answers mean."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from watchpost.channels.email import channel
from watchpost.channels.email.channel import CHANNEL, send
from watchpost.channels.email.config import EmailConfig
from watchpost.channels.email.letter import compose
from watchpost.channels.email.words import span, tell
from watchpost.outbound.mail import Mailer
from watchpost.registry import Message

NOW = datetime(2026, 11, 22, 21, 7, tzinfo=UTC)
TO = EmailConfig(to=("ops@example.com",))
LINKS = {
    name: f"https://watch.example.com/{name}?t=a&s=b" for name in ("acknowledge", "resolve", "snooze", "page")
}
PAYLOAD = {
    "id": "42",
    "project": "shop",
    "title": "The database refuses connections",
    "state": "open",
    "severity": "critical",
    "began_at": "2026-11-22T21:00:00Z",
    "detected_at": "2026-11-22T21:00:05Z",
    "resolved_at": None,
    "causes": [
        {
            "code": "a.b",
            "confidence": 0.9,
            "sentence": "All <100> connections are in use.",
            "fix": "Raise it & wait.",
        },
        {"code": "a.c", "confidence": 0.2, "sentence": "A worker was lost.", "fix": ""},
    ],
    "monitors": [{"id": "7", "name": "Home page", "kind": "http", "state": "down"}],
    "url": "https://watch.example.com/incidents/42",
    "reason": "two looks in a row failed",
}


def message(event: str = "opened", delivery: str = "d-1", **changes: Any) -> Message:
    return Message(delivery, event, {**PAYLOAD, **changes}, LINKS, NOW)


def letter(*messages: Message) -> Any:
    return compose(TO.to, messages, "watchpost@example.com", "https://watch.example.com")


def text(mail: Any, kind: str = "plain") -> str:
    return str(mail.get_body((kind,)).get_content())


def test_it_arrives(sink: Callable[..., Any], way_out: Callable[[str], Any]) -> None:
    server = sink()
    sent = send(
        EmailConfig(to="ops@example.com, dev@example.com"),
        (message(),),
        way_out(f"smtp://127.0.0.1:{server.port}"),
    )
    assert sent.ok
    assert sent.detail == "250 2.0.0 Ok: queued as 4F2A"
    recipients, mail = server.got[0]
    assert recipients == ["ops@example.com", "dev@example.com"]
    assert mail["Subject"] == "[shop] Down: The database refuses connections"
    assert mail["From"] == "Watchpost <watchpost@example.com>"
    assert mail["X-Watchpost-Delivery"] == "d-1"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail.get_content_type() == "multipart/alternative"


def test_the_project_is_called_what_the_pages_call_it() -> None:
    mail = letter(message(project="proj-0", project_name="Project 0"))
    assert str(mail["Subject"]).startswith("[Project 0] Down: ")
    assert "proj-0" not in str(mail)


def test_the_mail_says_what_matters_in_both_forms() -> None:
    mail = letter(message())
    for said in (
        "A worker was lost.",
        "21:00:00 UTC, 22 November 2026",
        "Home page",
        "two looks in a row failed",
    ):
        assert said in text(mail)
        assert said in text(mail, "html")
    assert "All <100> connections are in use." in text(mail)
    assert "All &lt;100&gt; connections are in use." in text(mail, "html")
    assert "What to do: Raise it & wait." in text(mail)
    for link in LINKS.values():
        assert link in text(mail)
        assert f'href="{link.replace("&", "&amp;")}"' in text(mail, "html")
    assert "prefers-color-scheme: dark" in text(mail, "html")
    assert not re.search(r"\n\n\n", text(mail))


def test_nothing_of_the_payload_becomes_markup_or_a_header() -> None:
    evil = 'x"><script>alert(1)</script>\r\nBcc: victim@example.com'
    causes = [{"code": "a", "confidence": 1, "sentence": evil, "fix": evil}]
    monitors = [{"id": "1", "name": evil, "kind": evil, "state": evil}]
    mail = letter(
        replace(
            message(
                delivery=evil,
                id=evil,
                title=evil,
                project=evil,
                causes=causes,
                monitors=monitors,
                reason=evil,
            ),
            links={"page": "javascript:alert(1)", "resolve": evil},
        )
    )
    assert mail["Bcc"] is None
    assert "<script" not in text(mail, "html")
    assert "javascript:" not in mail.as_string()


def test_resolved_says_how_long_and_asks_for_nothing() -> None:
    mail = letter(message("resolved", resolved_at="2026-11-22T21:06:12Z", state="resolved"))
    assert mail["Subject"] == "[shop] Resolved after 6 min 12 s: The database refuses connections"
    assert "until 21:06:12 UTC" in text(mail)
    assert "Acknowledge:" not in text(mail)
    assert "What to do" not in text(mail)
    assert "Incident page:" in text(mail)


@pytest.mark.parametrize(
    ("event", "changes", "head"),
    [
        ("opened", {"severity": "warning"}, "Degraded"),
        ("updated", {}, "Update"),
        ("acknowledged", {}, "Acknowledged"),
        ("resolved", {}, "Resolved"),
    ],
)
def test_heads(event: str, changes: dict[str, Any], head: str) -> None:
    assert tell(message(event, **changes)).head == head


def test_an_acknowledged_incident_is_not_offered_for_acknowledging() -> None:
    labels = [action.label for action in tell(message("updated", state="acknowledged")).actions]
    assert labels == ["Resolve", "Snooze"]


def test_a_test_message_needs_no_payload(sink: Callable[..., Any], way_out: Callable[[str], Any]) -> None:
    server = sink()
    sent = send(TO, (Message("t-1", "test", {}, {}, NOW),), way_out(f"smtp://127.0.0.1:{server.port}"))
    assert sent.ok
    mail = server.got[0][1]
    assert mail["Subject"].startswith("Test: ")
    assert mail["References"] is None


def test_all_mails_of_an_incident_are_one_thread() -> None:
    first, update, end = (
        letter(message()),
        letter(message("updated", "d-2")),
        letter(message("resolved", "d-3")),
    )
    assert first["Message-ID"] == "<incident-42@watch.example.com>"
    assert update["References"] == end["References"] == update["In-Reply-To"] == first["Message-ID"]
    assert len({first["Message-ID"], update["Message-ID"], end["Message-ID"]}) == 3
    assert letter(message("updated", "d-2"))["Message-ID"] == update["Message-ID"]


def test_several_incidents_are_one_mail() -> None:
    titles = ["One is down.", "Two is down.", "Three is down.", "Four is down.", "Five is down."]
    mail = letter(*(message(delivery=f"d-{n}", id=str(n), title=title) for n, title in enumerate(titles)))
    assert mail["Subject"].startswith("[shop] 5 incidents: One is down.; Two is down.")
    assert mail["X-Watchpost-Delivery"] == "d-0, d-1, d-2, d-3, d-4"
    assert mail["References"].split() == [f"<incident-{n}@watch.example.com>" for n in range(5)]
    for title in titles:
        assert title in text(mail)
        assert title in text(mail, "html")


def test_several_messages_of_one_incident_are_no_bundle_of_incidents() -> None:
    mail = letter(message(), message("resolved", "d-2", resolved_at="2026-11-22T21:00:30Z"))
    assert mail["Subject"] == "[shop] Resolved after 30 s: The database refuses connections"


def test_other_scripts_survive_an_old_mail_server() -> None:
    mail = letter(message(title="数据库 – zu viele Verbindungen \ud800", project="café"))
    assert mail.as_bytes().isascii()
    assert mail["Subject"] == "[café] Down: 数据库 – zu viele Verbindungen"
    assert "数据库 – zu viele" in text(mail)
    assert max(map(len, mail.as_bytes().splitlines())) < 998


def test_a_long_subject_is_cut() -> None:
    assert len(letter(message(title="x" * 900))["Subject"]) == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (372, "6 min 12 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90061, "1 d 1 h"),
        (-3, "0 s"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("wanted", "permanent", "broken"),
    [
        ({"rcpt": {"ops@example.com": "550 5.1.1 No such user"}}, True, False),
        ({"rcpt": {"ops@example.com": "450 4.2.0 Greylisted"}}, False, False),
        ({"data": "554 5.7.1 Looks like spam"}, True, False),
        ({"data": "451 4.3.0 Try later"}, False, False),
        ({"mail": "553 5.7.1 Sender not owned by user"}, False, True),
        ({"mail": "552 5.3.4 Too big"}, True, False),
        ({"mail": "421 4.3.2 Closing"}, False, False),
        ({"auth": True}, False, True),
    ],
)
def test_what_refusals_mean(
    sink: Callable[..., Any],
    way_out: Callable[[str], Any],
    wanted: dict[str, Any],
    permanent: bool,
    broken: bool,
) -> None:
    sent = send(TO, (message(),), way_out(f"smtp://127.0.0.1:{sink(**wanted).port}"))
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, permanent, broken)
    said = next(iter(wanted.values()))
    expected = next(iter(said.values())) if isinstance(said, dict) else said
    assert expected is True or expected in sent.detail
    assert ("EMAIL_URL" in sent.detail) == broken


def test_a_login(sink: Callable[..., Any], way_out: Callable[[str], Any]) -> None:
    port = sink(auth=True).port
    assert send(TO, (message(),), way_out(f"smtp://bot:p%40ss%2Fword@127.0.0.1:{port}")).ok
    sent = send(TO, (message(),), way_out(f"smtp://bot:wrong@127.0.0.1:{port}"))
    assert sent.channel_broken
    assert sent.detail.startswith("535 ")
    assert "wrong" not in sent.detail


def test_whoever_got_it_does_not_get_it_twice(
    sink: Callable[..., Any], way_out: Callable[[str], Any]
) -> None:
    server = sink(rcpt={"gone@example.com": "550 5.1.1 No such user"})
    config = EmailConfig(to=("ops@example.com", "gone@example.com"))
    sent = send(config, (message(),), way_out(f"smtp://127.0.0.1:{server.port}"))
    assert sent.ok
    assert "Not delivered to gone@example.com: 550 5.1.1 No such user" in sent.detail
    assert server.got[0][0] == ["ops@example.com"]


def test_without_email_url_the_fix_is_named(way_out: Callable[[str], Any]) -> None:
    sent = send(TO, (message(),), way_out(""))
    assert (sent.ok, sent.channel_broken, sent.permanent) == (False, False, False)  # it waits for one
    assert "WATCHPOST_EMAIL_URL" in sent.detail


@pytest.mark.parametrize("sender", ["", "nobody", "a b@example.com"])
def test_a_sender_that_cannot_be(way_out: Callable[[str], Any], sender: str) -> None:
    outbound = way_out("smtp://127.0.0.1:9")
    outbound.from_address = sender
    sent = send(TO, (message(),), outbound)
    assert sent.channel_broken
    assert "cannot send mail" in sent.detail


@pytest.mark.parametrize("drip", [b"", b"2"])
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline(
    way_out: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setattr(channel, "DEADLINE_S", 0.4)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                while not done.wait(0.05):
                    peer.sendall(drip)

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        sent = send(TO, (message(),), way_out(f"smtp://127.0.0.1:{listener.getsockname()[1]}"))
        done.set()
    assert time.monotonic() - began < 1.5
    assert (sent.ok, sent.permanent, sent.channel_broken) == (False, False, False)
    assert "within 0.4 s" in sent.detail


@pytest.mark.parametrize(
    "to",
    [
        "",
        [],
        "ops",
        "ops@",
        "@example.com",
        "a@example.com\r\nBcc: b@example.com",
        ["a@b.example\n"],
        "a b@c.example",
        "a@b..c",
        "a@b.",
        "Ops <a@b.example>",
        ["a@b.example,c@d.example"],
    ],
)
def test_wrong_addresses_are_refused(to: Any) -> None:
    with pytest.raises(ValidationError, match=r"e-mail address|at least 1"):
        EmailConfig(to=to)


def test_addresses() -> None:
    assert EmailConfig(to="a@b.example, c+x@d.example,a@b.example").to == ("a@b.example", "c+x@d.example")
    assert EmailConfig.model_validate(EmailConfig(to="a@localhost").model_dump(mode="json")).to == (
        "a@localhost",
    )
    assert CHANNEL.describe(EmailConfig(to="a@b.example")) == "Mail to a@b.example"
    assert CHANNEL.describe(EmailConfig(to="a@b.example,c@d.example")) == "Mail to a@b.example and 1 more"


def test_a_greeting_goes_as_far_as_one_can_without_a_letter(sink: Callable[..., Any]) -> None:
    server = sink()
    greeted = Mailer(f"smtp://127.0.0.1:{server.port}").greet(2)
    assert (greeted.ok, greeted.detail) == (True, f"127.0.0.1:{server.port} answers")
    assert not server.got
