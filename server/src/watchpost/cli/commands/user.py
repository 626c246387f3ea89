"""``watchpost user create EMAIL``: somebody who may sign in; ``user link EMAIL``: a way in once."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from watchpost.cli.command import Command, Out, Refusal


def configure(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "create a user and print a sign-in link"
    create = actions.add_parser("create", help=text, description=text)
    create.add_argument("email", metavar="EMAIL", help="the address they sign in with")
    create.add_argument(
        "--admin", action="store_true", help="may change the installation (the first user always may)"
    )
    create.add_argument(
        "--project", metavar="P", action="append", default=[], help="belongs to this project; may repeat"
    )
    create.add_argument(
        "--role", choices=["owner", "viewer"], default="viewer", help="in those projects (default viewer)"
    )
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    text = "print a one-time sign-in link, such as for a forgotten password"
    link = actions.add_parser("link", help=text, description=text)
    link.add_argument("email", metavar="EMAIL", help="whom it lets in")


def run(args: Namespace, out: Out) -> int:
    from watchpost.cli.installation import enter

    enter()
    return _let_in(args.email, out) if args.action == "link" else _make(args, out)


def _let_in(text: str, out: Out) -> int:
    """Somebody who is known gets in once, and may choose a new password."""
    from watchpost.accounts.models import User
    from watchpost.monitors.sentences import did_you_mean

    user = User.objects.filter(email__iexact=text.strip()).first()
    if user is None:
        known = list(User.objects.order_by("email").values_list("email", flat=True)[:50])
        raise Refusal(f"EMAIL: there is no user {text}; {did_you_mean(text, known)}")
    link = _link(user)
    out.show(
        {"email": user.email, "sign_in_link": link},
        [f"This link lets {user.email} in once, within 24 hours, and takes a new password: {link}"],
    )
    return 0


def _make(args: Namespace, out: Out) -> int:
    from django.db import transaction

    from watchpost.cli.find import find_project

    email = _checked_email(args.email)
    password = _checked_password() if args.password_stdin else None
    projects = [find_project(name) for name in args.project]
    with transaction.atomic():
        user = _create(email, password, args.admin, projects, args.role)
        link = None if password else _link(user)
    data = {"email": email, "admin": user.is_superuser, "sign_in_link": link}
    out.show(data, _lines(data))
    return 0


def _checked_email(text: str) -> str:
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    from watchpost.accounts.models import User

    email: str = User.objects.normalize_email(text.strip())
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal(f"EMAIL: {text!r} is not an e-mail address; write it like ops@example.com") from None
    if User.objects.filter(email__iexact=email).exists():
        raise Refusal(f"EMAIL: there is a user {email} already")
    return email


def _checked_password() -> str:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    password = sys.stdin.readline().rstrip("\r\n")
    try:
        validate_password(password)
    except ValidationError as error:
        raise Refusal(f"--password-stdin: {' '.join(error.messages)}") from None
    return password


def _create(email: str, password: str | None, admin: bool, projects: list[Any], role: str) -> Any:
    from watchpost import clock
    from watchpost.accounts.models import User
    from watchpost.accounts.people import create_first, give_role

    if not User.objects.exists():
        return create_first(email, password, clock.now())
    user = User.objects.create_user(email, password, is_superuser=admin, is_staff=admin)
    for project in projects:
        give_role(user, project, role)
    return user


def _link(user: Any) -> str:
    from django.conf import settings

    from watchpost import clock
    from watchpost.accounts.links import make_link

    return f"{settings.SITE_URL}/signin/{make_link(user, clock.now())}/"


def _lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['email']} may sign in{' and is an admin' if data['admin'] else ''}."]
    if data["sign_in_link"]:
        lines.append(f"This link works once, for 24 hours, and asks for a password: {data['sign_in_link']}")
    return lines


COMMAND = Command("user", "create users, and let in who forgot a password", configure, run)
