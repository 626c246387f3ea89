"""The weekly letter: plain text and HTML, and two ways out of it that need no sign-in."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core import signing
from django.template import Context, Engine

from watchpost.reports.week import Week
from watchpost.reports.words import Told

_TEMPLATES = Path(__file__).parent / "templates"
_SUBJECT = 200
# Not every mail server takes eight bits. A folded address in List-Unsubscribe would be none any more, so
# headers may be as long as RFC 5322 lets a line be.
_POLICY = policy.SMTP.clone(cte_type="7bit", max_line_length=900)
_SALT = "weekly-report-stop"


def stop_token(user_id: int) -> str:
    """Good for ever: a letter of years ago must still lead out."""
    return signing.Signer(salt=_SALT).sign(str(user_id))


def read_stop_token(token: str) -> int | None:
    """The person, if we signed it; with a former key, too."""
    try:
        return int(signing.Signer(salt=_SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None


def compose(
    to: str, user_id: int, told: Told, week: Week, zone_name: str, sender: str, site: str, at: datetime
) -> EmailMessage:
    """The letter. One that is sent twice, because its receipt was lost, has the same Message-ID: mail
    programs show it once. Raises ValueError when the sender's address cannot send mail."""
    stop = f"{site}/reports/stop/{stop_token(user_id)}/"
    values = {"told": told, "site": site, "stop": stop, "zone": zone_name, "week": week.monday.isoformat()}
    letter = EmailMessage(policy=_POLICY)
    letter["Subject"] = _line(told.subject)
    letter["From"] = _sender(sender)
    letter["To"] = Address(addr_spec=to)
    letter["Date"] = format_datetime(at.astimezone(UTC))
    host = urlsplit(site).hostname or "watchpost.invalid"
    letter["Message-ID"] = f"<weekly-{user_id}-{week.monday.isoformat()}@{host}>"
    letter["List-Unsubscribe"] = f"<{stop}>"
    if site.startswith("https://"):  # RFC 8058, 3.1: one click is for https alone
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter["List-ID"] = f"Weekly report of Watchpost <weekly.{host}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(_render("weekly.txt", values))
    letter.add_alternative(_render("weekly.html", values), subtype="html")
    return letter


def _sender(sender: str) -> Address:
    name, address = parseaddr(sender)
    if "@" not in address:
        raise ValueError(f"{sender!r} is not an e-mail address")
    return Address(display_name=_line(name) or "Watchpost", addr_spec=address)


def _line(text: str) -> str:
    """One header: names of projects and monitors may hold whatever people wrote."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _SUBJECT else f"{plain[: _SUBJECT - 1]}…"


def _render(name: str, values: dict[str, Any]) -> str:
    engine = _engine(escape=name.endswith(".html"))
    return str(engine.get_template(name).render(Context(values, autoescape=engine.autoescape)))


@cache
def _engine(escape: bool) -> Engine:
    """An engine of its own: mail needs no request and no context processors."""
    return Engine(dirs=[str(_TEMPLATES)], autoescape=escape)
