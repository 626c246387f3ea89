r"""Whether what came is a whole answer: one that no patience makes another. Pure.

Only two sorts are known by their look alone. A greeting is one reply, said before anything was asked: of
mail, FTP and news (RFC 5321, 4.2: three digits and a space; a hyphen instead announces more, and so does 1xx,
RFC 959, 4.2), of POP3 (RFC 1939, 3), IMAP (RFC 3501, 7.1) and SSH (RFC 4253, 4.2). A refusal is 4xx, 5xx or
``-WORD`` (POP3, Redis); every line that was said may get one. A reply that agrees is none of them: ``+OK``
and ``215`` go before a list that may take its time. Nor is half a line, nor bytes of other protocols.
"""

from __future__ import annotations

import re

_GREETING = re.compile(rb"([2-5]\d\d( .*)?|[+-][A-Z]+( .*)?|\* (OK|PREAUTH|BYE)( .*)?|SSH-\d.*)\r?\n\Z")
_REFUSAL = re.compile(rb"^([45]\d\d( .*)?|-[A-Z]+( .*)?)\r?$", re.M)
_LONGEST_QUIET_S = 1.0


def is_whole(send: bytes, is_first: bool, said: bytes) -> bool:
    """``said`` came after ``send``, in the first step or a later one."""
    last = said[said.rfind(b"\n", 0, -1) + 1 :]
    if not last.endswith(b"\n"):
        return False
    if is_first and not send:
        return _GREETING.match(last) is not None
    wanted = max(1, send.count(b"\n"))
    return _REFUSAL.match(last) is not None and len(_REFUSAL.findall(said)) >= wanted


def quiet_s(timeout_s: float) -> float:
    """How long a whole answer must have been the last word to count as wrong."""
    return min(_LONGEST_QUIET_S, timeout_s / 3)
