"""A page with a form over a spec: monitors and channels are made and edited the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from watchpost import clock
from watchpost.config.secret import FOREIGN_KEY
from watchpost.monitors.spec import Invalid
from watchpost.web.meanwhile import before, merged
from watchpost.web.schedule_preview import preview_of
from watchpost.web.specform import REST, Input, fill, gather, rare_wrong, spread

Spec = dict[str, Any]
MADE_FROM = "made_from"


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
    ``foreign`` are the places of secrets that no key opens: they have to be entered again.
    What somebody else saved since the form was made is shown before it is overwritten."""
    rest, rest_wrong = fill(inputs, stored or {}), list[str]()
    kept = before(inputs, rest)
    made_from, changed = kept.digests, list[str]()
    problems: list[str] = []
    if request.method == "POST":
        spec, errors = gather(inputs, request.POST)
        rest, changed = merged(inputs, request.POST.get("rest", ""), kept, request.POST.get(MADE_FROM, ""))
    if request.method == "POST" and not changed:
        made_from = request.POST.get(MADE_FROM, made_from)
        try:
            if errors:
                raise Invalid(errors)
            return save(spec)
        except Invalid as error:
            rest_wrong = [what for where, what in error.errors if where == REST]
            problems = spread(inputs, [pair for pair in error.errors if pair[0] != REST])
    elif not changed:
        problems = spread(inputs, [(place, FOREIGN_KEY) for place in foreign])
    for one in inputs:
        if one.preview:
            texts = {each.name: each.text for each in inputs if each.name in one.preview_of}
            one.previewed = preview_of(texts, clock.now())
    shown = {
        "inputs": inputs,
        "problems": problems,
        "rest": rest,
        "rest_wrong": rest_wrong,
        "has_rare": any(one.rare for one in inputs),
        "rare_wrong": rare_wrong(inputs),
        "made_from": made_from,
        "changed": changed,
    }
    status = 409 if changed else 422 if request.method == "POST" else 200
    return render(request, template, {**context, **shown}, status=status)
