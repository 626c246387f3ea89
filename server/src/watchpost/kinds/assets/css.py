"""What a stylesheet loads: other stylesheets by @import, and fonts. One level, as text. Pure.

Tokens follow CSS Syntax Level 3 as far as addresses need it: comments, strings, url(), escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_TEXT = 512 * 1024  # characters looked into; @import stands at the beginning anyway
_MOST = 100
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ADDRESS = r"""(?:url\(\s*)?(?:"([^"\n]{0,4096})"|'([^'\n]{0,4096})')|url\(\s*([^)"'\s]{0,4096})"""
_IMPORT = re.compile(rf"@import\s*(?:{_ADDRESS})", re.IGNORECASE)
# What may stand at the beginning, up to its semicolon: a @layer with a block is a rule like any other.
# Strings and url() may hold a semicolon or a brace; <!-- and --> are white space here (CSS Syntax 3, 5.4.1).
_PRELUDE = re.compile(
    r"""(?:\s|;|<!--|-->)*+(?P<rule>@(?:charset|import|layer)(?=[\s"'])"""
    r"""(?:"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|url\(\s*+[^"'\s)][^)]*+\)|\\.|[^;{}"'\\])*+(?:;|\Z))""",
    re.IGNORECASE | re.DOTALL,
)
_FACE = re.compile(r"@font-face\s*\{([^{}]{0,16384})", re.IGNORECASE)
_SOURCE = re.compile(
    r"""url\(\s*(?:"([^"\n]{0,4096})"|'([^'\n]{0,4096})'|([^)"'\s]{0,4096}))""", re.IGNORECASE
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)


def references(text: str) -> Iterator[tuple[str, str]]:
    """(kind, reference) of each @import (``style``) and of the first address of each @font-face (``font``):
    browsers take the first format they know, and all know the newest."""
    plain = _COMMENT.sub(" ", text[:MOST_TEXT])
    for count, found in enumerate(_imports(plain)):
        if count >= _MOST:
            break
        yield "style", _unescape(_first(found))
    for count, face in enumerate(_FACE.finditer(plain)):
        source = _SOURCE.search(face[1])
        if source is None:
            continue
        if count >= _MOST:
            break
        yield "font", _unescape(_first(source))


def _imports(plain: str) -> Iterator[re.Match[str]]:
    """Those before any other rule, @charset and statements of @layer aside; between two of them a @layer
    counts, too. Browsers ignore all others (CSS Cascade 5, section 2)."""
    at, begun = 0, False
    while step := _PRELUDE.match(plain, at):
        at = step.end()
        if found := _IMPORT.match(plain, step.start("rule")):
            begun = True
            yield found
        elif begun:
            return


def _first(found: re.Match[str]) -> str:
    return next((group for group in found.groups() if group is not None), "")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
