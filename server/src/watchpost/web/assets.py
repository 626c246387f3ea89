"""The pages' own files. Their address carries a digest, so browsers keep them for good."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

ROOT = Path(__file__).parent / "static" / "watchpost"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(ROOT.joinpath(*name.split("/")).read_bytes()).hexdigest()[:12]


def address(name: str) -> str:
    """The address of a file such as ``watchpost.css``."""
    return f"/{str(settings.STATIC_URL).strip('/')}/watchpost/{name}?v={_digest(name)}"


def serve(request: HttpRequest, name: str) -> HttpResponse:
    if "\x00" in name or len(name) > 100:
        raise Http404("There is no such file.")
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT) or not path.is_file():
        raise Http404("There is no such file.")
    kind = mimetypes.guess_type(path.name)[0] or "text/plain"
    response = HttpResponse(path.read_bytes(), content_type=kind)
    response["Cache-Control"] = "public, max-age=31536000, immutable" if request.GET.get("v") else "no-cache"
    return response
