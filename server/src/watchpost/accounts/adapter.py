"""Sign-in by allauth; nobody signs up by themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class ClosedDoor(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an admin or by the first sign-in link."""

    def is_open_for_signup(self, request: Any) -> bool:
        return False
