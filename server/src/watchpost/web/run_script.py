"""``/run.py``: the file that wraps any command on any host, fetched from the server that it reports to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from watchpost import run


@require_safe
def run_script(request: HttpRequest) -> HttpResponse:
    """For everybody: it holds nothing of this installation, and a host that fetches it has no account."""
    answer = HttpResponse(_text(), content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="watchpost-run"'
    answer["Cache-Control"] = "no-cache"
    return answer


@cache
def _text() -> bytes:
    return Path(run.__file__).read_bytes()
