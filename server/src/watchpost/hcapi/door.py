"""Who may ask, from where: keys in ``X-Api-Key`` or in the body, and the headers for browsers.

A key is a token of one project (``watchpost project create`` prints one, ``watchpost token create --project``
makes more, ``--read-only`` for looking alone). Every refusal is Healthchecks' own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from watchpost.accounts.links import digest_of
from watchpost.accounts.models import ApiToken
from watchpost.api.auth import mark_used
from watchpost.hcapi.asked import Asked, Refused, read_json
from watchpost.monitors.models import Project

SHORTEST_KEY = 32
ALL_PROJECTS = (
    "this key is for all projects, and a check belongs to one: "
    "make a key with watchpost token create --name NAME --project PROJECT"
)
View = Callable[..., HttpResponse]


class Caller:
    """One request that was let in."""

    def __init__(self, request: HttpRequest, token: ApiToken, project: Project, posted: Asked) -> None:
        self.request = request
        self.token = token
        self.project = project
        self.posted = posted
        self.version = version_of(request.path_info)

    @property
    def actor(self) -> str:
        """Who acted, as histories show it."""
        return f"{self.token.name} (API)"


def version_of(path: str) -> int:
    return 3 if path.startswith("/api/v3/") else 2 if path.startswith("/api/v2/") else 1


def refuse(refused: Refused) -> JsonResponse:
    return JsonResponse({"error": refused.words}, status=refused.status)


def let_in(request: HttpRequest, may_only_look: bool) -> Caller:
    """``may_only_look``: a read-only key will do, and none is read from a body. Raises Refused."""
    posted: Asked = {}
    if request.method == "POST" and not may_only_look:
        posted = read_json(request.body)
    token, project = find_token(request.headers.get("X-Api-Key", str(posted.get("api_key", ""))))
    if token.read_only and not may_only_look:
        raise Refused("wrong api key", 401)
    return Caller(request, token, project, posted)


def find_token(key: str) -> tuple[ApiToken, Project]:
    """Raises Refused."""
    if len(key) < SHORTEST_KEY:
        raise Refused("missing api key", 401)
    token = ApiToken.objects.select_related("project").filter(digest=digest_of(key)).first()
    if token is None:
        raise Refused("wrong api key", 401)
    if token.project is None:
        raise Refused(ALL_PROJECTS, 401)
    mark_used(token)
    return token, token.project


def writes(view: View) -> View:
    """Needs a key that may change things; what the view raises as Refused is answered."""
    return _behind(view, may_only_look=False)


def looks(view: View) -> View:
    """A read-only key will do."""
    return _behind(view, may_only_look=True)


def _behind(view: View, may_only_look: bool) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(let_in(request, may_only_look), *args, **kwargs)
        except Refused as refused:
            return refuse(refused)

    return answer


def open_to(*methods: str) -> Callable[[View], View]:
    """Browsers of any site may ask by these methods; others are answered 405. There is no cookie in it, so
    there is no CSRF question."""
    allowed = ", ".join(sorted({*methods, "OPTIONS"}))

    def wrap(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "OPTIONS":
                response = HttpResponse(status=204)
            elif request.method in methods:
                response = view(request, *args, **kwargs)
            else:
                response = HttpResponse(status=405)
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Allow-Headers"] = "X-Api-Key"
            response["Access-Control-Allow-Methods"] = allowed
            response["Access-Control-Max-Age"] = "600"
            return response

        return csrf_exempt(answer)

    return wrap
