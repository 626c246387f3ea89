"""What is wrong with one file: its answer against what a browser demands of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from watchpost.kinds.assets.asset import NOT_MEANT, Asset, is_hash_of_nothing, is_hashed
from watchpost.kinds.assets.body import Body, strongest
from watchpost.kinds.assets.fetch import Answer

WEEK_S = 7 * 86_400.0
_SCRIPT = re.compile(
    r"(?:text|application)/(?:x-)?(?:java|ecma)script|text/(?:javascript1\.[0-5]|jscript|livescript)"
)
_NEVER_SCRIPT = re.compile(r"(?:image|audio|video)/.*|text/csv|text/html|application/xhtml\+xml")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,12})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """``what``: the end of a code of ``static``, "" for a good file, "unasked" for want of time."""

    asset: Asset
    what: str = ""
    status: int = 0
    why: str = ""  # the end of a sentence
    cut: bool = False  # larger than is read
    uncached: bool = False  # hashed, but kept for less than a week


def examine(asset: Asset, answer: Answer, body: Body, secure: bool, head: bool = False) -> Result:
    """``secure``: the page came over https. ``head``: only the headers were asked for."""
    reply = answer.reply
    if answer.astray:
        return Result(asset, "bad_redirect", why=answer.astray)
    if answer.failure is not None and (reply is None or not 400 <= reply.status < 600):
        closed = answer.failure.kind == "refused_by_guard"
        return Result(asset, "refused_by_guard" if closed else "unreachable", why=answer.failure.sentence)
    if reply is None:
        return Result(asset, "unasked")
    if secure and answer.place.scheme == "http":
        return Result(asset, "mixed_content", reply.status, "it redirects to http")
    if not 200 <= reply.status < 300:
        return Result(asset, _of_status(reply.status), reply.status)
    empty = reply.header("content-length") == "0" if head else not body.size
    if empty or reply.status in (204, 205):
        if not head and not body.fits:
            return Result(asset, "integrity", reply.status, "it is empty")
        return Result(asset, "empty", reply.status, NOT_MEANT if is_emptied(asset) else "")
    served = essence(reply.header("content-type") or "")
    if is_refused(asset.kind, served, (reply.header("x-content-type-options") or "").lower() == "nosniff"):
        went = answer.place.url != asset.url
        return Result(
            asset, "wrong_type", reply.status, (served or "no type") + (", after a redirect" if went else "")
        )
    if not head and not reply.truncated and not body.fits:
        return Result(asset, "integrity", reply.status)
    uncached = is_hashed(asset.url) and lifetime_s(reply.header) < WEEK_S
    return Result(asset, "", reply.status, "", reply.truncated, uncached)


def is_emptied(asset: Asset) -> bool:
    """Whether an empty file cannot be meant so: a script does something, and a hash in a name is that of what
    was in the file. A stylesheet of a plain name may be a place for later."""
    if asset.kind in ("script", "module"):
        return not is_hash_of_nothing(asset.url)
    return asset.kind == "style" and is_hashed(asset.url) and not is_hash_of_nothing(asset.url)


def wants_body(asset: Asset) -> bool:
    """Of an image or a font only status, type and length count; a text must arrive whole."""
    return asset.weight == "heavy" or bool(strongest(asset.integrity)[0])


def essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()[:80]


def is_refused(kind: str, served: str, nosniff: bool) -> bool:
    """Whether browsers refuse this type for this use. Stylesheets must be text/css (HTML Standard, link
    type stylesheet), module scripts JavaScript; classic scripts are judged as the Fetch Standard says
    ("blocked due to nosniff", "blocked due to MIME type"). HTML is never a file of any of these kinds."""
    if kind == "style":
        return served != "text/css" and (bool(served) or nosniff)
    if kind == "module" or (kind == "script" and nosniff):
        return not _SCRIPT.fullmatch(served)
    if kind == "script":
        return bool(_NEVER_SCRIPT.fullmatch(served))
    return served in ("text/html", "application/xhtml+xml")


def lifetime_s(header: Callable[[str], str | None]) -> float:
    """Seconds an answer may be kept (RFC 9111, 4.2.1). Without a word of it: 0."""
    control = header("cache-control") or ""
    if re.search(r"\bno-(?:store|cache)\b", control, re.IGNORECASE):
        return 0.0
    age = _MAX_AGE.search(control)
    if age:
        return float(age[1])
    expires, date = _date(header("expires")), _date(header("date"))
    return (expires - date).total_seconds() if expires and date else 0.0


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _of_status(status: int) -> str:
    if status in (404, 410):
        return "missing"
    if status in (401, 403):
        return "forbidden"
    return "blocked" if status == 429 else "error_status"
