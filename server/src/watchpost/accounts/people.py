"""Who joins: the first user of an installation, and the members of a project."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.text import slugify

from watchpost import registry
from watchpost.accounts.models import Membership, User
from watchpost.incidents.models import Channel
from watchpost.monitors import edit
from watchpost.monitors.models import Project


def create_first(email: str, password: str | None, now: datetime) -> User:
    """The first user is the admin, owns what there is, and is told by mail."""
    user = User.objects.create_user(email, password, is_superuser=True, is_staff=True)
    for project in Project.objects.all():
        give_role(user, project, "owner")
    _tell_by_mail(email, now)
    return user


def _tell_by_mail(email: str, now: datetime) -> None:
    name = f"email-{slugify(email.split('@')[0]) or 'admin'}"
    if "email" not in registry.channels() or Channel.objects.filter(name=name).exists():
        return
    try:
        edit.create_channel({"name": name, "kind": "email", "to": [email]}, now)
    except edit.Invalid:  # the banner says that nobody is told, and where to mend it
        return


def invite(email: str) -> tuple[User, bool]:
    """Who has this address, and whether the account was made just now. Raises Invalid."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise edit.Invalid([("email", f"{email or 'nothing'} is not an e-mail address")]) from None
    with transaction.atomic():
        known = User.objects.filter(email__iexact=email).first()
        return (known, False) if known else (User.objects.create_user(email), True)


def give_role(user: User, project: Project, role: str) -> None:
    """One role per person and project; a new one replaces the old one."""
    wanted = Membership.Role.OWNER if role == "owner" else Membership.Role.VIEWER
    Membership.objects.update_or_create(user=user, project=project, defaults={"role": wanted})
