"""Stands in the way of requests: waits, raises, redirects or answers what no shop should."""

import os
import signal
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from patient.wedge.rules import rules
from patient.wedge.threads import crowd, leak


class WedgeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name, rule in rules().items():
            if "path" in rule and fnmatchcase(request.path, rule["path"]):
                answer = _act(name, rule, request)
                if answer is not None:
                    return answer
        return self.get_response(request)


def _act(fault: str, rule: dict[str, Any], request: HttpRequest) -> HttpResponse | None:
    """``does``: ``leak`` or ``crowd`` of ``threads``; ``wait_s``: seconds; ``kill``: this process; ``raise``:
    an exception; ``to``: a redirect; or ``body``, ``type``, ``status``."""
    if rule.get("does") == "leak":
        leak(fault)
    if rule.get("does") == "crowd":
        crowd(fault, rule["threads"], rule["hold_s"])
    if "wait_s" in rule:
        time.sleep(rule["wait_s"])
    if "kill" in rule:
        os.kill(os.getpid(), signal.SIGKILL)
    if "raise" in rule:
        raise RuntimeError(rule["raise"])
    if "to" in rule:
        return HttpResponseRedirect(rule["to"])
    if "body" in rule:
        content_type = rule.get("type", "text/html; charset=utf-8")
        return HttpResponse(rule["body"], content_type=content_type, status=rule.get("status", 200))
    return None
