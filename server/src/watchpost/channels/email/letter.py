"""One mail from one or more messages: headers, plain text, HTML."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.template import Context, Engine

from watchpost.channels.email.config import deliverable
from watchpost.channels.email.words import Story, one_line, tell
from watchpost.registry import Message

_TEMPLATES = Path(__file__).parent / "templates"
_SUBJECT = 200
# Not every mail server takes eight bits, and smtplib does not ask.
_POLICY = policy.SMTP.clone(cte_type="7bit")
_ODD = re.compile(r"[^A-Za-z0-9._-]")


def compose(
    to: tuple[str, ...], messages: tuple[Message, ...], from_address: str, site_url: str
) -> EmailMessage:
    """The mail, complete but for what the mail server adds."""
    stories = tuple(tell(message) for message in messages)
    letter = EmailMessage(policy=_POLICY)
    letter["Subject"] = _cut(subject(stories))
    letter["From"] = _sender(from_address)
    letter["To"] = ", ".join(to)
    letter["Date"] = format_datetime(messages[-1].at.astimezone(UTC))
    _thread(letter, messages, urlsplit(site_url).hostname or "watchpost.invalid")
    # Out-of-office replies and mailing lists leave such mail alone (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter["X-Watchpost-Delivery"] = ", ".join(one_line(message.delivery_id) for message in messages)
    letter["X-Watchpost-Event"] = ", ".join(dict.fromkeys(one_line(message.event) for message in messages))
    values = {"stories": stories, "subject": subject(stories), "site": site_url, "several": len(stories) > 1}
    letter.set_content(_render("mail.txt", values))
    letter.add_alternative(_render("mail.html", values), subtype="html")
    return letter


def subject(stories: tuple[Story, ...]) -> str:
    """One incident has its own subject; several share one that begins with their number."""
    if len({story.incident for story in stories}) == 1:
        return stories[-1].subject  # news of one incident: the latest is what counts
    projects = list(dict.fromkeys(story.project for story in stories if story.project))
    where = f"[{projects[0]}] " if len(projects) == 1 else ""
    titles = "; ".join(dict.fromkeys(story.title for story in stories))
    count = len({story.incident for story in stories})
    return f"{where}{count} incidents: {titles}"


def _thread(letter: EmailMessage, messages: tuple[Message, ...], host: str) -> None:
    """All mails of an incident hang on the first one, which bears the incident's own id.

    A mail sent twice, because its receipt was lost, has the same id: mail programs show it once.
    """
    roots = list(dict.fromkeys(_root(message, host) for message in messages))
    if len(messages) == 1 and messages[0].event == "opened":
        letter["Message-ID"] = roots[0]
        return
    letter["Message-ID"] = _own_id(messages, host)
    if messages[0].event != "test":
        letter["In-Reply-To"] = roots[0]
        letter["References"] = " ".join(roots)


def _root(message: Message, host: str) -> str:
    return f"<incident-{_token(message.payload.get('id') or message.delivery_id)}@{host}>"


def _own_id(messages: tuple[Message, ...], host: str) -> str:
    if len(messages) == 1:
        return f"<delivery-{_token(messages[0].delivery_id)}@{host}>"
    together = "\n".join(message.delivery_id for message in messages)
    return f"<bundle-{hashlib.sha256(together.encode()).hexdigest()[:32]}@{host}>"


def _token(value: object) -> str:
    return _ODD.sub("-", str(value))[:100]


def _sender(from_address: str) -> Address:
    """``Watchpost`` is the name unless the operator chose one."""
    name, address = parseaddr(from_address)
    if not deliverable(address):
        raise ValueError("it is not an e-mail address")
    return Address(display_name=one_line(name) or "Watchpost", addr_spec=address)


def _cut(text: str) -> str:
    return text if len(text) <= _SUBJECT else f"{text[: _SUBJECT - 1]}…"


def _render(name: str, values: dict[str, Any]) -> str:
    engine = _engine(escape=name.endswith(".html"))
    return str(engine.get_template(name).render(Context(values, autoescape=engine.autoescape)))


@cache
def _engine(escape: bool) -> Engine:
    """An engine of its own: mail needs no settings, no request and no context processors."""
    return Engine(dirs=[str(_TEMPLATES)], autoescape=escape)
