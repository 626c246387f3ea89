"""allauth's views with our own pages. What is not listed here does not exist: nobody signs up."""

from __future__ import annotations

from typing import Any

from allauth.account import views
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.generic import RedirectView

from watchpost.accounts.mail import can_send

PAGES = "watchpost/account/"
TO_LOGIN = RedirectView.as_view(pattern_name="account_login")


class ResetView(views.PasswordResetView):  # type: ignore[misc]
    """A link by mail; where no mail can leave, the page says how an admin helps."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer: HttpResponse = (super().post if can_send() else self.get)(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "can_send": can_send()}


urlpatterns = [
    path("login/", views.LoginView.as_view(template_name=PAGES + "login.html"), name="account_login"),
    path("logout/", views.LogoutView.as_view(template_name=PAGES + "logout.html"), name="account_logout"),
    path(
        "password/change/",
        views.PasswordChangeView.as_view(
            template_name=PAGES + "password_change.html", success_url="/settings/"
        ),
        name="account_change_password",
    ),
    path(
        "password/reset/",
        ResetView.as_view(template_name=PAGES + "password_reset.html"),
        name="account_reset_password",
    ),
    path(
        "password/reset/done/",
        views.PasswordResetDoneView.as_view(template_name=PAGES + "password_reset_done.html"),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.PasswordResetFromKeyView.as_view(template_name=PAGES + "password_reset_from_key.html"),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        views.PasswordResetFromKeyDoneView.as_view(template_name=PAGES + "password_reset_from_key_done.html"),
        name="account_reset_password_from_key_done",
    ),
    # allauth names these in links of its own; here they lead to the door.
    path("signup/", TO_LOGIN, name="account_signup"),
    path("inactive/", TO_LOGIN, name="account_inactive"),
    path("email/", TO_LOGIN, name="account_email"),
    path(
        "password/set/",
        RedirectView.as_view(pattern_name="account_change_password"),
        name="account_set_password",
    ),
    path("reauthenticate/", TO_LOGIN, name="account_reauthenticate"),
    path("confirm-email/", TO_LOGIN, name="account_email_verification_sent"),
]
