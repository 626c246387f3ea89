"""Sign-in by allauth; nobody signs up by themselves."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.urls import reverse

from watchpost.accounts.mail import send_aside


class ClosedDoor(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an admin or by the first sign-in link."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Our own words; sent aside, so that the answer's speed tells nobody who has an account."""
        headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
        facts = context | {"site": settings.SITE_URL, "email": email}
        send_aside(self.render_mail(f"watchpost/{template_prefix}", email, facts, headers))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Under SITE_URL: what the request calls this server is the sender's to choose."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return f"{settings.SITE_URL}{path.replace('UID-KEY', quote(key))}"
