"""Every refusal of the API is a problem detail (RFC 9457), ``application/problem+json``."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as WrongRequest

from watchpost.monitors.edit import Invalid

log = logging.getLogger(__name__)
Errors = list[dict[str, str]]


class Problem(Exception):
    """A refusal with its HTTP status and one sentence."""

    def __init__(self, status: int, detail: str, errors: Errors | None = None) -> None:
        self.status, self.detail, self.errors = status, detail, errors
        super().__init__(detail)


def wrong(field: str, message: str) -> Problem:
    """One field that will not do."""
    return Problem(422, f"{field}: {message}", [{"field": field, "message": message}])


def problem(status: int, detail: str, errors: Errors | None = None) -> HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    response = HttpResponse(json.dumps(body), content_type="application/problem+json", status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def answer_with_problems(api: NinjaAPI) -> None:
    """Registers how each kind of failure is answered."""
    api.add_exception_handler(Problem, _of_problem)
    api.add_exception_handler(Invalid, _of_invalid)
    api.add_exception_handler(AuthenticationError, _of_authentication)
    api.add_exception_handler(Http404, _of_missing)
    api.add_exception_handler(HttpError, _of_http)
    api.add_exception_handler(WrongRequest, _of_request)
    api.add_exception_handler(RequestDataTooBig, _of_big)
    api.add_exception_handler(Exception, _of_bug)


def _of_problem(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status, error.detail, error.errors)


def _of_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [{"field": where, "message": what} for where, what in error.errors]
    return problem(422, str(error), errors)


def _of_authentication(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(
        401, "Send a valid token: Authorization: Bearer <token>. Make one with watchpost token create."
    )


def _of_missing(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404, "There is nothing under this address that this token may see.")


def _of_http(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, Problem):  # ninja says no more than that a body cannot be parsed
        return _of_problem(request, error.__cause__)
    return problem(error.status_code, str(error))


def _of_request(request: HttpRequest, error: Any) -> HttpResponse:
    errors = []
    for entry in error.errors:
        # ninja puts the source (query, path, body) first; people know the field alone.
        where = ".".join(_people_know(entry["loc"])) or str(entry["loc"][0])
        message = str(entry["msg"]).removeprefix("Value error, ")
        if entry["type"] == "missing":
            where, message = ("body" if entry["loc"][0] == "body" else where), "is missing"
        errors.append({"field": where, "message": message})
    said = "; ".join(f"{entry['field']}: {entry['message']}" for entry in errors)
    return problem(422, said, errors)


def _people_know(place: tuple[str | int, ...]) -> list[str]:
    """A body's first step is the name of our parameter."""
    return [str(part) for part in (place[2:] if place[0] == "body" else place[1:])]


def _of_big(request: HttpRequest, error: Any) -> HttpResponse:
    most = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) / 1_000_000
    return problem(413, f"The body is larger than {most:.1f} MB; send less at once.")


def _of_bug(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("the API failed at %s %s", request.method, request.path, exc_info=error)
    return problem(500, "The server failed; its log says why.")
