"""Lengths of time in configurations: ``30s``, ``5m``, ``1h``, ``7d``, ``1h30m``, or plain seconds."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic.fields import FieldInfo

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*(?:ms|[smhd])\s*)+")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])")


def parse_duration(value: Any) -> float:
    """Seconds. Raises ValueError with a sentence that shows what is accepted."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is not a length of time; write it like 30s, 5m, 1h or 7d")
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return sum(float(n) * (0.001 if u == "ms" else _UNITS[u]) for n, u in _PIECE.findall(value))
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e10:
        raise ValueError(f"{value!r} is not a length of time; write it like 30s, 5m, 1h or 7d")
    return seconds


def is_duration(info: FieldInfo) -> bool:
    """Whether a field of a Config is a length of time."""
    return any(getattr(part, "func", None) is parse_duration for part in info.metadata)


def show_duration(seconds: float) -> str:
    """The shortest spelling that ``parse_duration`` reads back: 3600 is ``1h``."""
    if seconds and seconds == int(seconds):
        for unit, size in _UNITS.items():
            if seconds % size == 0:
                return f"{int(seconds) // size}{unit}"
    if seconds and round(seconds * 1000) == seconds * 1000:
        return f"{round(seconds * 1000)}ms"
    return f"{seconds:.12g}s"


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration, return_type=str),
    WithJsonSchema({"type": "string", "format": "watchpost-duration", "examples": ["30s", "5m", "1h", "7d"]}),
]
"""Seconds as a float; written and read as ``30s``, ``5m``, ``1h``, ``7d``."""
