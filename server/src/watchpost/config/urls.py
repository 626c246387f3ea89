"""All addresses of the server: sign-in, the API, the API of Healthchecks, health, then the pages."""

from __future__ import annotations

from django.urls import include, path

from watchpost.api.urls import api

handler400 = "watchpost.web.refusals.bad_request"

urlpatterns = [
    path("accounts/", include("watchpost.accounts.urls")),
    path("", include("watchpost.watching.urls")),
    path("v1/", api.urls),
    path("", include("watchpost.hcapi.urls")),
    path("", include("watchpost.web.urls")),
]
