"""Plain words for numbers and for what somebody probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration_words(seconds: float) -> str:
    """Seconds as at most two neighbouring units: ``6 min 12 s``, ``2 h``, ``0.4 s``."""
    if seconds < 0:
        return f"-{duration_words(-seconds)}"
    if seconds < 1:
        tenths = round(seconds, 1)
        return f"{tenths:g} s"
    # Rounded to the smaller unit shown first, so that 59 min 59.6 s is 1 h and never "60 min".
    whole = round(seconds) if seconds < 3_600 else round(seconds / 60) * 60
    whole = whole if whole < 86_400 else round(whole / 3_600) * 3_600
    for index, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            count, rest = divmod(whole, size)
            if not rest:
                return f"{count} {unit}"
            small, word = _UNITS[index + 1]
            return f"{count} {unit} {rest // small} {word}" if rest >= small else f"{count} {unit}"
    return "0 s"


def read_count(text: str, most: int) -> int | None:
    """A whole number from 0 to ``most`` as a browser or a file gives it, else None. ``²`` is a digit to
    Python, and a number of 5,000 digits is more than it converts."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return int(text) if int(text) <= most else None


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like the word, or None when none is close. Case does not matter."""
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None
