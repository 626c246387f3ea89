"""The button “This is expected”: a finding against what was normal becomes what is normal."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from watchpost import clock
from watchpost.accounts.access import person
from watchpost.monitors import edit
from watchpost.monitors.accept import accept_finding
from watchpost.web.forms_only import posted_from
from watchpost.web.monitor_pages import changed_monitor


@login_required
@posted_from("monitor")
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    monitor = changed_monitor(request, pk)
    user = person(request)
    code, subject = request.POST.get("code", ""), request.POST.get("subject", "")
    try:
        accepted = accept_finding(monitor, code, subject, clock.now(), user.get_full_name() or user.email)
        where = f" at {len(accepted)} monitors" if len(accepted) > 1 else ""
        messages.info(request, f"Noted as expected{where}. Looking again.")
    except edit.Invalid as error:
        messages.error(request, f"Nothing was changed: {error.errors[0][1]}.")
    return redirect("monitor", pk)
