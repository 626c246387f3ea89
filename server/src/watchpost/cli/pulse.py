"""Whether anybody looks: the newest row of the liveness ledger."""

from __future__ import annotations

from datetime import datetime

from watchpost.core.words import duration_words
from watchpost.monitors.models import AliveSpan

SILENT_AFTER_S = 30.0  # it speaks every five


def engine_silence_s(now: datetime) -> float | None:
    """Seconds since the engine last said it was alive; None: never."""
    newest = AliveSpan.objects.order_by("-alive_at").first()
    return None if newest is None else max(0.0, (now - newest.alive_at).total_seconds())


def silence_sentence(silence_s: float | None) -> str:
    if silence_s is None:
        return "No engine has ever run here, so nothing is looked at; start watchpost up."
    length = duration_words(silence_s)
    return f"The engine has been silent for {length}, so what follows is old; start watchpost up."
