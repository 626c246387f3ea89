"""Evaluates what the configuration wants to see in an answer. Pure: an answer in, results out.

Only what did **not** hold becomes a fact; a healthy look stays tiny.
"""

from __future__ import annotations

import codecs
import json
from typing import Any

from watchpost.kinds.http import jsonpath
from watchpost.kinds.http.config import Expect, pattern
from watchpost.outbound import Reply

EXCERPT_BYTES = 2048
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def evaluate(expect: Expect, reply: Reply) -> dict[str, Any]:
    """The look-ups that failed, by name of the field."""
    facts: dict[str, Any] = {}
    if expect.reads_text:
        _look_for_text(expect, reply, facts)
    if expect.json_:
        _look_into_json(expect, reply, facts)
    if expect.headers:
        _look_at_headers(expect, reply, facts)
    return facts


def decode(reply: Reply) -> tuple[str, str]:
    """The body as text, and what is wrong with its charset ("" if nothing). Never fails."""
    body = reply.body
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body.decode(codec, "replace"), ""
    declared = _charset(reply.header("content-type") or "")
    if declared.lower() in ("", "utf-8"):
        try:
            return body.decode(), ""
        except UnicodeDecodeError:
            pass  # cut by the cap, or not UTF-8: the slow way finds out
    try:
        known = codecs.lookup(declared or "utf-8")
        "".encode(known.name)  # codecs such as base64 are not for text
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace"), f"the charset {declared!r} does not exist"
    try:
        # A cap may cut a character in two; that is not the page's fault.
        decoder = codecs.getincrementaldecoder(known.name)()
        return decoder.decode(body, final=not reply.truncated), ""
    except (UnicodeError, ValueError):
        if declared:
            return body.decode("utf-8", "replace"), f"the page is not {declared}, as its header says"
        return body.decode("latin-1"), ""


def excerpt(reply: Reply) -> str:
    """At most 2 kB of the answer, as text that can be shown and stored."""
    head = reply.body[:EXCERPT_BYTES]
    if b"\x00" in head:
        return f"(binary, {len(reply.body)} bytes)"
    text = head.decode("utf-8", "replace")
    while len(text.encode()) > EXCERPT_BYTES:
        text = text[: len(text) - 16]
    return text


def _charset(content_type: str) -> str:
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")[:40]
    return ""


def _look_for_text(expect: Expect, reply: Reply, facts: dict[str, Any]) -> None:
    text, wrong = decode(reply)
    if wrong:
        facts["charset"] = wrong
    missing = [wanted for wanted in expect.body_contains if wanted not in text]
    unwanted = [avoided for avoided in expect.body_absent if avoided in text]
    if missing:
        facts["missing"] = missing
    if unwanted:
        facts["unwanted"] = unwanted
    if expect.body_matches is not None and pattern(expect.body_matches).search(text) is None:
        facts["pattern_missing"] = True


def _look_into_json(expect: Expect, reply: Reply, facts: dict[str, Any]) -> None:
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        kind = reply.header("content-type") or "no content type"
        facts["json"] = [{"not_json": kind[:80]}]
        return
    failed = []
    for rule in expect.json_:
        found = jsonpath.read(document, rule.path)
        if not jsonpath.holds(found, rule.op, rule.value):
            entry: dict[str, Any] = {"path": rule.path, "op": rule.op, "value": rule.value}
            if found is not jsonpath.MISSING:
                entry["found"] = json.dumps(found, ensure_ascii=False)[:120]
            failed.append(entry)
    if failed:
        facts["json"] = failed


def _look_at_headers(expect: Expect, reply: Reply, facts: dict[str, Any]) -> None:
    failed = []
    served = reply.headers
    for name, wanted in expect.headers.items():
        found = ", ".join(value for other, value in served if other == name.lower())
        present = any(other == name.lower() for other, _ in served)
        if not (present and _header_fits(found, wanted)):
            failed.append({"name": name, "wanted": wanted, "found": found[:200] if present else None})
    if failed:
        facts["headers"] = failed


def _header_fits(found: str, wanted: str) -> bool:
    if wanted == "*":
        return True
    if wanted.startswith("~"):
        return pattern(wanted[1:]).search(found) is not None
    return found == wanted.strip()
