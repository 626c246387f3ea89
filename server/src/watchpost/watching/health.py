"""Is this server itself well? ``/healthz``: the process answers. ``/readyz``: database and engine too."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from watchpost import clock
from watchpost.engine.figures import read_figures

ENGINE_SILENT_S = 30.0
FULL_BYTES = 5_000_000  # with less, not even the engine's own word can be stored


def healthz(request: HttpRequest) -> JsonResponse:
    """No I/O: the web process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and an engine is alive, else 503 with what is wrong in a sentence."""
    problems = find_problems(clock.now())
    status = "error" if problems else "ok"
    return JsonResponse({"status": status, "problems": problems}, status=503 if problems else 200)


def full_disk() -> str:
    """One sentence when nothing can be stored any more, else "". The engine keeps what it sees in memory."""
    folder = Path(str(connection.settings_dict["NAME"])).parent
    if connection.vendor != "sqlite" or shutil.disk_usage(folder).free >= FULL_BYTES:
        return ""
    return f"The disk of {folder} is full: nothing can be stored and nobody is told. Free some space."


def find_problems(now: datetime) -> list[str]:
    try:
        found = read_figures()
    except DatabaseError as error:
        return [f"The database does not answer: {error}"]
    if found is None:
        return ["No engine has run yet: start it with watchpost up or watchpost engine."]
    figures, at = found
    silent_s = (now - at).total_seconds()
    problems = [full] if (full := full_disk()) else []
    if silent_s > ENGINE_SILENT_S:
        problems.append(f"The engine has said nothing for {silent_s:.0f} s: is it running?")
    if figures.get("trouble"):
        problems.append(str(figures["trouble"]))
    return problems
