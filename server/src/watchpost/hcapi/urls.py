"""The addresses, to the letter of Healthchecks (its ``hc/api/urls.py``)."""

from __future__ import annotations

from urllib.parse import quote, unquote

from django.urls import include, path, register_converter

from watchpost.hcapi import around, badges, checks, history


class Quoted:
    """A tag, quoted once more than addresses are."""

    regex = r"[\w%~_.-]+"

    def to_python(self, value: str) -> str:
        return unquote(value)

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


class UniqueKey:
    regex = "[0-9a-f]{40}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Quoted, "quoted_tag")
register_converter(UniqueKey, "unique_key")

_api = [
    path("checks/", checks.checks),
    path("checks/<uuid:code>", checks.single),
    path("checks/<unique_key:unique_key>", checks.single_by_key),
    path("checks/<uuid:code>/pause", checks.pause),
    path("checks/<uuid:code>/resume", checks.resume),
    path("checks/<uuid:code>/pings/", history.pings),
    path("checks/<uuid:code>/pings/<int:n>/body", history.ping_body),
    path("checks/<uuid:code>/flips/", history.flips),
    path("checks/<unique_key:unique_key>/flips/", history.flips_by_key),
    path("channels/", around.channels),
    path("badges/", around.badges),
    path("status/", around.status),
]
urlpatterns = [
    path("api/v1/", include(_api)),
    path("api/v2/", include(_api)),
    path("api/v3/", include(_api)),
    path("badge/<slug:place>/<slug:signature>/<quoted_tag:tag>.<slug:fmt>", badges.badge),
    path("badge/<slug:place>/<slug:signature>.<slug:fmt>", badges.badge),
    path("b/<int:states>/<uuid:badge_key>.<slug:fmt>", badges.check_badge),
    path("projects/<slug:place>/metrics/", around.metrics),
    path("projects/<slug:place>/metrics/<slug:key>", around.metrics),
    path("projects/<slug:place>/checks/metrics/<slug:key>", around.metrics),
]
