"""The facts of a look: counts of everything, one row for each broken file up to fifty. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from watchpost.kinds.assets.asset import CLASSES, folder, is_hashed
from watchpost.kinds.assets.check import Result

MOST_ROWS = 50
MOST_FOLDERS = 10


def gather(results: Sequence[Result]) -> dict[str, Any]:
    """``looked``: files by class; ``wrong``: counts by what and class; ``broken``: the rows; ``folders``:
    where something is missing. Only what there is to say."""
    asked = [one for one in results if one.what != "unasked"]
    facts: dict[str, Any] = {"looked": _by_class(asked)}
    if len(asked) < len(results):
        facts["unasked"] = len(results) - len(asked)
    broken = [one for one in asked if one.what]
    if broken:
        whats = sorted({one.what for one in broken})
        facts["wrong"] = {what: _by_class([o for o in broken if o.what == what]) for what in whats}
        facts["broken"] = [_row(one) for one in _spread(broken)[:MOST_ROWS]]
    if any(one.what == "missing" for one in broken):
        facts["folders"] = _folders(asked)
    cut = [one for one in asked if one.cut]
    if cut:
        facts["too_large"] = {"count": len(cut), "url": cut[0].asset.url[:500]}
    hashed = [one for one in asked if not one.what and is_hashed(one.asset.url)]
    uncached = [one for one in hashed if one.uncached]
    if uncached:
        facts["not_cached"] = {"count": len(uncached), "of": len(hashed), "url": uncached[0].asset.url[:500]}
    return facts


def _by_class(results: Sequence[Result]) -> dict[str, int]:
    counted = Counter(one.asset.weight for one in results)
    return {name: counted[name] for name in CLASSES if counted[name]}


def _spread(broken: Sequence[Result]) -> list[Result]:
    """The first few of each kind come before the many of one kind."""
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for one in broken:
        seen[one.what, one.asset.weight] += 1
        ranked.append((max(0, seen[one.what, one.asset.weight] - 3), one))
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


def _row(one: Result) -> dict[str, Any]:
    row: dict[str, Any] = {"what": one.what, "class": one.asset.weight, "url": one.asset.url[:500]}
    if one.status:
        row["status"] = one.status
    if one.why:
        row["why"] = one.why[:300]
    return row


def _folders(asked: Sequence[Result]) -> list[dict[str, Any]]:
    """Folders with something missing, the largest first: files, missing, and of both those with a hash.
    Only what answered counts: of a host that is down nobody knows what it holds."""
    folders: dict[str, list[Result]] = {}
    for one in asked:
        if one.asset.place is not None and one.status:
            folders.setdefault(folder(one.asset.place), []).append(one)
    rows: list[dict[str, Any]] = []
    for url, members in folders.items():
        missing = [one for one in members if one.what == "missing"]
        if missing:
            hashed = [one for one in members if is_hashed(one.asset.url)]
            gone = [one for one in hashed if one.what == "missing"]
            rows.append(
                {
                    "url": url[:500],
                    "files": len(members),
                    "missing": len(missing),
                    "hashed": len(hashed),
                    "hashed_missing": len(gone),
                    "classes": _by_class(missing),
                    "hashed_classes": _by_class(gone),
                    "example": (gone or missing)[0].asset.url[:500],
                }
            )
    return sorted(rows, key=lambda row: -int(row["missing"]))[:MOST_FOLDERS]
