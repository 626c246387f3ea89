"""What a mail says to a person. Pure; strangers wrote it, so nothing raises and the work is bounded."""

from __future__ import annotations

import codecs
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from watchpost.core.heartbeat import Mail

MOST_HEADER = 2000  # characters: the time to read one grows with the square of its length
MOST_PARTS = 100
MOST_TEXT = 256 * 1024  # bytes; some encodings grow when they are read
MOST_HTML = 100_000  # characters; half a second for the worst
_STRANGE = frozenset(
    {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape"}
)
_UNSEEN = ["script", "style"]


class _Bounded(EmailPolicy):
    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return super().header_fetch_parse(name, value[:MOST_HEADER])


_POLICY = _Bounded()


def read_letter(raw: bytes) -> Mail:
    """Subject, and plain and HTML text below each other, as Healthchecks reads them. Of a mail that cannot be
    read as one, everything is text."""
    if raw.count(b"\n--") > 2 * MOST_PARTS and raw.lower().count(b"multipart/") > MOST_PARTS:
        return Mail("", _plain(raw))  # boxes in boxes: each line is read once for every box around it
    try:
        message = BytesParser(EmailMessage, policy=_POLICY).parsebytes(raw)
        subject = _whole(str(message.get("subject", "")))
    except Exception:  # noqa: BLE001  # the standard library raises what it likes at broken mails
        return Mail("", _plain(raw))
    parts = [_part(message, "plain"), _part(message, "html")]
    return Mail(subject, "\n".join(part for part in parts if part))


def _part(message: Any, kind: str) -> str:
    """``message`` is an EmailMessage, which the parser's types do not say."""
    try:
        part = message.get_body((kind,))
        payload = None if part is None else part.get_payload(decode=True)
        if part is None or not isinstance(payload, bytes):
            return ""
        text = _decoded(payload[:MOST_TEXT], part.get_content_charset("utf-8"))
    except Exception:  # noqa: BLE001  # as above; the other part may be whole
        return ""
    return _of_html(text) if kind == "html" else text


def _decoded(payload: bytes, charset: str) -> str:
    """Only what mail is written in: Python knows others, some slow, some no text at all."""
    try:
        known = codecs.lookup(charset).name
        text = payload.decode("utf-8" if known in _STRANGE else known, errors="replace")
    except (LookupError, ValueError):
        text = payload.decode(errors="replace")
    return _whole(text)


def _of_html(markup: str) -> str:
    tree = LexborHTMLParser(markup[:MOST_HTML])
    tree.strip_tags(_UNSEEN)
    root = tree.root
    return "" if root is None else " ".join(root.text(separator="").split())


def _plain(raw: bytes) -> str:
    return raw[:MOST_TEXT].decode(errors="replace")


def _whole(text: str) -> str:
    """Halves of characters, as broken headers give them, can be stored nowhere."""
    return text.encode(errors="replace").decode()
