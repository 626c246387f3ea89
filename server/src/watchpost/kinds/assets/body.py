"""A body on its way: counted, hashed, and kept only as far as somebody reads it. Pure."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from typing import Any

_METADATA = re.compile(r"(sha256|sha384|sha512)-([A-Za-z0-9+/_=-]+)(?:\?\S*)?")
_URL_SAFE = str.maketrans("-_", "+/")


class Body:
    """Takes pieces. ``keep`` bytes of the beginning stay; ``integrity`` says which hash is wanted."""

    def __init__(self, keep: int = 0, integrity: str = "") -> None:
        self._keep = keep
        self._algorithm, self._wanted = strongest(integrity)
        self.clear()

    def clear(self) -> None:
        """Forgets everything: a redirect has a body of its own, which is not the file's."""
        self.size = 0
        self.head = bytearray()
        self._hash: Any = hashlib.new(self._algorithm) if self._algorithm else None

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if len(self.head) < self._keep:
            self.head += piece[: self._keep - len(self.head)]
        if self._hash is not None:
            self._hash.update(piece)

    @property
    def fits(self) -> bool:
        """Whether what came is what the page vouches for; always, if it vouches for nothing."""
        return self._hash is None or self._hash.digest() in self._wanted


def strongest(integrity: str) -> tuple[str, frozenset[bytes]]:
    """The strongest algorithm named and its hashes: one of them must fit. Unknown algorithms are ignored,
    and nothing known means nothing is demanded (W3C Subresource Integrity, 3.3.3 and 3.3.4)."""
    found: dict[str, set[bytes]] = {}
    for word in integrity.split()[:50]:
        match = _METADATA.fullmatch(word)
        if match:
            found.setdefault(match[1], set()).add(_decoded(match[2]))
    if not found:
        return "", frozenset()
    best = max(found)  # sha256 < sha384 < sha512
    return best, frozenset(found[best])


def _decoded(text: str) -> bytes:
    plain = text.translate(_URL_SAFE).rstrip("=")
    try:
        return b64decode(plain + "=" * (-len(plain) % 4))
    except ValueError:
        return b""  # fits nothing, as in a browser
