"""Django's own mail (a link for a new password) leaves through EMAIL_URL, like every message of ours."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from email import message_from_bytes, policy
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from watchpost.outbound.mail import Mailer

DEADLINE_S = 20.0
log = logging.getLogger(__name__)


class NotSent(OSError):
    """The mail server's answer, or why there was none."""


class OperatorsServer(BaseEmailBackend):
    """A mail server that is not set, or says no, raises NotSent unless ``fail_silently``."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        mailer = Mailer(settings.WATCHPOST["EMAIL_URL"])
        return sum(self._send(mailer, message) for message in email_messages)

    def _send(self, mailer: Mailer, message: EmailMessage) -> bool:
        letter = message_from_bytes(message.message().as_bytes(), policy=policy.SMTP)
        answer = mailer.send(letter, DEADLINE_S)
        if not answer.ok and not self.fail_silently:
            raise NotSent(answer.detail)
        return answer.ok


def can_send() -> bool:
    return bool(settings.WATCHPOST["EMAIL_URL"])


def send_aside(message: EmailMessage) -> None:
    """In a thread: the page that asked answers as fast as when there is nobody to write to."""
    threading.Thread(target=_send_and_log, args=(message,), name="mail", daemon=True).start()


def _send_and_log(message: Any) -> None:
    try:
        message.send()
    except Exception:  # the outermost shell of the thread
        log.exception("the mail %r was not sent", message.subject)
