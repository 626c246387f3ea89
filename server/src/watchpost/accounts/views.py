"""The one-time sign-in link: makes the first user, or signs in the one it was made for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from watchpost import clock
from watchpost.accounts.links import find_link, use_link
from watchpost.accounts.models import SignInLink, User
from watchpost.accounts.people import create_first

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class PasswordForm(forms.Form):
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
    )

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class NewPasswordForm(PasswordForm):
    """For somebody who has one: perhaps forgotten, perhaps not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["password"]
        field.required, field.label = False, "New password"
        field.help_text = "At least 10 characters. Leave it empty to keep the one you have."

    def clean_password(self) -> str:
        return super().clean_password() if self.cleaned_data["password"] else ""


class FirstUserForm(PasswordForm):
    email = forms.EmailField(widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    field_order = ["email", "password"]


@never_cache
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    now = clock.now()
    link = find_link(token, now)
    if link is None or (link.user is None and User.objects.exists()):
        return render(request, "watchpost/account/link_gone.html", status=410)
    form_class = _form_class(link)
    form = form_class(request.POST if request.method == "POST" else None) if form_class else None
    if request.method == "POST" and (form is None or form.is_valid()):
        return _enter(request, link, form.cleaned_data if form else {}, now)
    return render(request, "watchpost/account/link.html", {"form": form, "link": link})


def _form_class(link: SignInLink) -> type[PasswordForm] | None:
    if link.user is None:
        return FirstUserForm
    return NewPasswordForm if link.user.has_usable_password() else PasswordForm


def _enter(request: HttpRequest, link: SignInLink, given: dict[str, Any], now: datetime) -> HttpResponse:
    with transaction.atomic():
        if not use_link(link, now) or (link.user is None and User.objects.exists()):
            return render(request, "watchpost/account/link_gone.html", status=410)
        user = link.user or create_first(given["email"], given["password"], now)
        if link.user and given.get("password"):
            user.set_password(given["password"])
            user.save(update_fields=["password"])
    login(request, user, backend=BACKEND)
    return redirect("overview")
