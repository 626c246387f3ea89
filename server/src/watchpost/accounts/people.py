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


def invite(email: str, by: User) -> tuple[User, bool]:
    """Who has this address, and whether a link into the account is due: it was made just now, or an admin
    takes over one that somebody else had made. Raises Invalid."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise edit.Invalid([("email", f"{email or 'nothing'} is not an e-mail address")]) from None
    with transaction.atomic():
        known = User.objects.filter(email__iexact=email).first()
        if known is None:
            return User.objects.create_user(email, vouched=by.is_superuser, invited_by=by), True
        if known.vouched or known.invited_by == by:
            return known, False
        if not by.is_superuser:
            raise edit.Invalid(
                [("email", f"{email} has an account that an admin has not confirmed; ask one")]
            )
        vouch(known)
        return known, True


def vouch(user: User) -> None:
    """An admin stands for the account from now on. Whoever made it may know its password or hold a link or
    a session: all of these end, and it begins anew."""
    user.vouched = True
    user.set_unusable_password()
    user.save(update_fields=["vouched", "password"])
    user.calendars.all().delete()


def give_role(user: User, project: Project, role: str) -> None:
    """One role per person and project; a new one replaces the old one."""
    wanted = Membership.Role.OWNER if role == "owner" else Membership.Role.VIEWER
    Membership.objects.update_or_create(user=user, project=project, defaults={"role": wanted})
