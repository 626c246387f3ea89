"""Sends the mail and reads the mail server's answer."""

from __future__ import annotations

from typing import Any

from watchpost.channels.email.config import EmailConfig
from watchpost.channels.email.letter import compose
from watchpost.registry import Channel, Message, Sent

DEADLINE_S = 20.0
_FIX = "Check user, password and sender of EMAIL_URL on the Watchpost server."


def send(config: EmailConfig, messages: tuple[Message, ...], outbound: Any) -> Sent:
    """One mail for all messages."""
    if not messages:
        return Sent(False, "there was nothing to send", permanent=True)
    try:
        letter = compose(config.to, messages, outbound.from_address, outbound.site_url)
    except ValueError as problem:
        # Every other part of a mail is made safe, so only the sender's address can be refused.
        return Sent(
            False, f"{outbound.from_address!r} cannot send mail: {problem}"[:500], channel_broken=True
        )
    return _judge(outbound.mail(letter, DEADLINE_S))


def _judge(answer: Any) -> Sent:
    if answer.ok:
        return Sent(True, answer.detail)
    if answer.broken:
        detail = answer.detail if "EMAIL_URL" in answer.detail else f"{answer.detail}. {_FIX}"
        return Sent(False, detail[:500], channel_broken=True)
    return Sent(False, answer.detail, permanent=answer.code is not None and answer.code >= 500)


def describe(config: EmailConfig) -> str:
    """Who gets it, in one line."""
    first, *others = config.to
    return f"Mail to {first}" + (f" and {len(others)} more" if others else "")


CHANNEL = Channel(
    name="email",
    title="E-mail",
    config=EmailConfig,
    send=send,
    describe=describe,
    bundles=True,
)
