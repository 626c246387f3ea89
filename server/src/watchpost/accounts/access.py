"""Who may see and who may change what. A foreign object does not exist; viewers are refused in words."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from watchpost.accounts.models import Membership, User
from watchpost.monitors.models import Project


def person(request: HttpRequest) -> User:
    """The signed-in user of a view that requires one."""
    return cast(User, request.user)


def visible_projects(user: User | AnonymousUser) -> QuerySet[Project]:
    """An admin sees all projects, everybody else those they belong to."""
    if not user.is_authenticated:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user_id=user.pk)


def may_change(user: User | AnonymousUser, project: Project) -> bool:
    """Admins change everything, owners their projects, viewers nothing."""
    if not user.is_authenticated:
        return False
    owners = Membership.objects.filter(user_id=user.pk, project=project, role=Membership.Role.OWNER)
    return bool(user.is_superuser) or owners.exists()


def changeable_projects(user: User) -> QuerySet[Project]:
    """The projects this person may change."""
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user_id=user.pk, memberships__role=Membership.Role.OWNER)


def require_change(user: User, project: Project) -> None:
    """Raises PermissionDenied with a sentence."""
    if not may_change(user, project):
        raise PermissionDenied(f"You may look at {project.name} but not change it. One of its owners can.")


def require_admin(user: User) -> None:
    """Raises PermissionDenied with a sentence."""
    if not user.is_superuser:
        raise PermissionDenied("Only an admin of this installation may do this.")
