"""The finding codes of a page's files: stylesheets, scripts, images, fonts, while the page itself answers."""

from __future__ import annotations

from watchpost.codes import Code
from watchpost.core.types import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

# An explanation outranks a symptom: files that were never collected explain every one that is missing.
# ``page_failed`` stands below all of ``site.*``: whoever watches the page itself knows more about it.
CODES: tuple[Code, ...] = (
    Code("static.not_collected", _ERROR, "Static files are not collected", rank=70),
    Code("static.forbidden", _ERROR, "The web server may not read the files", rank=60),
    Code("static.stale", _ERROR, "The page names files of another version", rank=58),
    Code("static.wrong_type", _ERROR, "A page is served in the place of a file", rank=55),
    Code("static.mixed_content", _ERROR, "Files are named by http on an https page", rank=53),
    Code("static.integrity", _ERROR, "A file is not the one the page vouches for", rank=52),
    Code("static.error_status", _ERROR, "Files answer with an error", rank=50),
    Code("static.unreachable", _ERROR, "Files cannot be reached", rank=48),
    Code("static.refused_by_guard", _ERROR, "Files lie at closed addresses", rank=47, settled=True),
    Code("static.bad_redirect", _ERROR, "Files redirect to nowhere", rank=46),
    Code("static.missing", _ERROR, "Files are missing", rank=45),
    Code("static.blocked", _WARNING, "A rate limit turns our look away", rank=42),
    Code("static.empty", _WARNING, "Files are empty", rank=40),
    Code("static.unfinished", _WARNING, "Not all files were looked at in time", rank=20),
    Code("static.page_failed", _ERROR, "The page that names the files does not answer", rank=15),
    Code("static.too_large", _INFO, "Files were only read in part", rank=10),
    Code("static.not_cached", _INFO, "Hashed files are not cached for long", rank=10, settled=True),
    Code("static.too_many", _INFO, "The page has more files than are looked at", rank=5, settled=True),
    Code("static.none", _INFO, "The page names no files", rank=5, settled=True),
)
