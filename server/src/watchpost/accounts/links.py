"""One-time ways in, and bearer tokens: the secret is shown once, only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from watchpost.accounts.models import ApiToken, SignInLink, User
from watchpost.monitors.models import Project


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def make_link(user: User | None, now: datetime, hours: float = 24) -> str:
    """A token for ``/signin/<token>/``. Without a user it makes the first one, while there is none."""
    token = secrets.token_urlsafe(24)
    expires = now + timedelta(hours=hours)
    SignInLink.objects.create(digest=digest_of(token), user=user, expires_at=expires, seal=_seal_of(user))
    return token


def _seal_of(user: User | None) -> str:
    """What a link to this person is good for: with another password it is void, whoever set it and how."""
    return digest_of(f"sign-in link {user.password}") if user else ""


def find_link(token: str, now: datetime) -> SignInLink | None:
    """The link, when it can still be used."""
    links = SignInLink.objects.select_related("user")
    link = links.filter(digest=digest_of(token), used_at=None, expires_at__gt=now).first()
    return link if link is not None and link.seal == _seal_of(link.user) else None


def use_link(link: SignInLink, now: datetime) -> bool:
    """Marks the link as used, and with it every other one into the same account: who sent for a second
    link does not know where the first one went. False when somebody else was faster."""
    if SignInLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now) != 1:
        return False
    if link.user_id is not None:
        SignInLink.objects.filter(user_id=link.user_id, used_at=None).update(used_at=now)
    return True


def make_token(name: str, project: Project | None, read_only: bool, now: datetime) -> str:
    """A bearer token for the API."""
    token = "wp_" + secrets.token_urlsafe(30)
    ApiToken.objects.create(
        name=name, digest=digest_of(token), project=project, read_only=read_only, created_at=now
    )
    return token
