"""Sign-in by allauth; nobody signs up by themselves."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.urls import reverse

from watchpost.accounts.mail import send_aside

SAID = {
    "account/messages/logged_in.txt": "You are signed in.",
    "account/messages/logged_out.txt": "You are signed out.",
    "account/messages/password_changed.txt": "The new password holds from now on.",
    "account/messages/password_set.txt": "The password holds from now on.",
}


class ClosedDoor(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an admin or by the first sign-in link."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many wrong passwords. Wait five minutes, or have a new link sent by "
        "“Forgot your password?”; an admin can let you in at once (watchpost user link)."
    }

    def get_client_ip(self, request: Any) -> str:
        """Whom the limits count. A proxy on this machine says for whom it asks; anybody else might say
        anything."""
        peer: str = request.META.get("REMOTE_ADDR", "")
        said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        try:
            return str(ip_address(said)) if ip_address(peer).is_loopback else peer
        except ValueError:  # a socket without an address, or a proxy that does not say
            return peer or "unknown"

    def add_message(
        self, request: Any, level: int, message_template: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """In this product's own words; what has none here keeps the library's."""
        if said := SAID.get(str(message_template)):
            messages.add_message(request, level, said)
        else:
            super().add_message(request, level, message_template, *args, **kwargs)

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
