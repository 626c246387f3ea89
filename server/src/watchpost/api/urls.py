"""The REST API at ``/v1/``: ``path("v1/", api.urls)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from ninja import NinjaAPI, Router

from watchpost.api import channels, expiries, incidents, maintenance, monitors, projects
from watchpost.api.auth import Bearer
from watchpost.api.body import StrictJson
from watchpost.api.problems import answer_with_problems, problem

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Api(NinjaAPI):
    """ninja answers a wrong method in plain text; here it is a problem like all others."""

    def _get_urls(self) -> list[Any]:
        patterns = super()._get_urls()
        for pattern in patterns:
            pattern.callback = _with_problem(pattern.callback)
        return patterns


def _with_problem(view: Any) -> Callable[..., HttpResponse]:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = view(request, *args, **kwargs)
        except Http404:
            return problem(404, "There is nothing under this address.")
        if response.status_code != 405:
            return response
        refused = problem(405, f"This address answers {response.get('Allow', 'other methods')} alone.")
        refused["Allow"] = response.get("Allow", "")
        return refused

    return answer


api = Api(
    title="Watchpost",
    version="1",
    description="Projects, monitors, observations, series, incidents and channels.",
    urls_namespace="v1",
    auth=Bearer(),
    parser=StrictJson(),
    docs_url=None,
)
answer_with_problems(api)
for module in (projects, maintenance, monitors, incidents, expiries, channels):
    api.add_router("", module.router)


@api.get("/docs", auth=None, include_in_schema=False)
def docs(request: HttpRequest) -> HttpResponse:
    """A list without scripts or styles: it passes the strict Content-Security-Policy."""
    rows = [
        (method.upper(), path, operation.get("description") or operation.get("summary", ""))
        for path, operations in api.get_openapi_schema()["paths"].items()
        for method, operation in operations.items()
    ]
    listed = format_html_join("", "<dt><code>{} {}</code></dt><dd>{}</dd>", rows)
    return HttpResponse(
        format_html(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Watchpost API</title></head>'
            "<main><h1>Watchpost API</h1><p>Send <code>Authorization: Bearer TOKEN</code>. "
            'For machines: <a href="openapi.json">openapi.json</a>.</p><dl>{}</dl></main></body></html>',
            listed,
        )
    )


last = Router()


@last.api_operation(METHODS, "/{path:rest}", include_in_schema=False)
def nothing_here(request: HttpRequest, rest: str) -> None:
    """What does not exist is a problem detail, too."""
    raise Http404


api.add_router("", last)
