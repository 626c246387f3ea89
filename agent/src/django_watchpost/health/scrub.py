"""Takes out of a message what nobody may read: passwords in addresses, and the values of secret settings."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from math import isfinite
from typing import Any

from django.conf import settings

HIDDEN = "[hidden]"
_IN_ADDRESS = re.compile(r"(?<=://)([^\s/@:]*):([^\s/@]+)@")
_IN_WORDS = re.compile(
    r"(?i)\b(password|passwd|pwd|secret|token|api_?key|authorization)(\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|\S+)"
)
_SECRET_NAME = re.compile(r"(?i)SECRET|PASSW|TOKEN|(API|PING)_?KEY|CREDENTIAL|PRIVATE|SIGNATURE|DSN")
_DOTTED = re.compile(r"[a-z_]\w*(\.\w+)+")  # PASSWORD_HASHERS names classes, which are no secret
_LEAST = 6  # a shorter value stands in too many words by chance
_MOST = 1000


def scrub(text: str) -> str:
    """``text`` without secrets, at most 1,000 characters."""
    text = text[: 4 * _MOST].encode("utf-8", "replace").decode()  # half characters, of names of files
    text = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    text = _IN_WORDS.sub(rf"\1\2{HIDDEN}", text)
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def scrub_all(value: Any, depth: int = 4) -> Any:
    """Plain data without secrets; whatever is no plain data becomes its text."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # JSON knows none
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return scrub(value)
    if depth and isinstance(value, dict):
        return {scrub(str(key)): scrub_all(one, depth - 1) for key, one in list(value.items())[:50]}
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return [scrub_all(one, depth - 1) for one in list(value)[:50]]
    return scrub(str(value))


@lru_cache(maxsize=1)
def _secrets() -> tuple[str, ...]:
    """The longest first, so that no half of one is left."""
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django warns about settings it is about to drop when they are read
        for name in dir(settings):
            if name.isupper():
                _collect(name, getattr(settings, name, None), found, 4)
    return tuple(sorted(found, key=len, reverse=True))


def _collect(name: str, value: Any, found: set[str], depth: int) -> None:
    if isinstance(value, str):
        if len(value) >= _LEAST and _SECRET_NAME.search(name) and not _DOTTED.fullmatch(value):
            found.add(value)
    elif depth and isinstance(value, dict):
        for key, one in value.items():
            _collect(str(key), one, found, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for one in value:
            _collect(name, one, found, depth - 1)
