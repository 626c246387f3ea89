"""A page with a form over a spec: monitors and channels are made and edited the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from watchpost.config.secret import FOREIGN_KEY
from watchpost.monitors.spec import Invalid
from watchpost.web.specform import REST, Input, fill, gather, rare_wrong, spread

Spec = dict[str, Any]


def run_form(
    request: HttpRequest,
    template: str,
    inputs: list[Input],
    save: Callable[[Spec], HttpResponse],
    context: Mapping[str, Any],
    stored: Mapping[str, Any] | None = None,
    foreign: Iterable[str] = (),
) -> HttpResponse:
    """Shows ``stored``, or saves what was typed. ``save`` says where to go, or raises Invalid.
    ``foreign`` are the places of secrets that no key opens: they have to be entered again."""
    rest, rest_wrong = fill(inputs, stored or {}), list[str]()
    if request.method == "POST":
        spec, errors = gather(inputs, request.POST)
        rest = request.POST.get("rest", "")
        try:
            if errors:
                raise Invalid(errors)
            return save(spec)
        except Invalid as error:
            rest_wrong = [what for where, what in error.errors if where == REST]
            problems = spread(inputs, [pair for pair in error.errors if pair[0] != REST])
    else:
        problems = spread(inputs, [(place, FOREIGN_KEY) for place in foreign])
    shown = {
        "inputs": inputs,
        "problems": problems,
        "rest": rest,
        "rest_wrong": rest_wrong,
        "rare_wrong": rare_wrong(inputs),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, template, {**context, **shown}, status=status)
