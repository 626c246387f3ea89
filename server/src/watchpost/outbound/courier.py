"""What a channel may use to get out: guarded posts and the operator's mail server."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage

from watchpost.outbound.guard import Guard
from watchpost.outbound.mail import MailAnswer, Mailer
from watchpost.outbound.send import Answer, Sender


class Courier:
    """Synchronous; safe to share between the threads of the lanes."""

    def __init__(self, guard: Guard, email_url: str, from_address: str, site_url: str) -> None:
        self.sender = Sender(guard, f"Watchpost ({site_url})")
        self.mailer = Mailer(email_url)
        self.from_address = from_address
        self.site_url = site_url

    @classmethod
    def from_settings(cls) -> Courier:
        from django.conf import settings

        values = settings.WATCHPOST
        guard = Guard(values["ALLOW_NETWORKS"])
        return cls(guard, values["EMAIL_URL"], settings.EMAIL_FROM, settings.SITE_URL)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], deadline_s: float) -> Answer:
        return self.sender.post(url, body, headers, deadline_s)

    def mail(self, message: EmailMessage, deadline_s: float) -> MailAnswer:
        return self.mailer.send(message, deadline_s)
