"""All addresses of the server: sign-in, then the pages."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("watchpost.accounts.urls")),
    path("", include("watchpost.watching.urls")),
    path("", include("watchpost.web.urls")),
]
