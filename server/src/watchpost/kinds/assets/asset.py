"""The words of this kind as data: an asset, and what its address says of it. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from watchpost.kinds.assets.config import AssetsConfig
from watchpost.registry.place import Place, place

# What a page looks like without it: broken, poorer, the same.
CLASS_OF = {
    "style": "heavy", "script": "heavy", "module": "heavy", "image": "light", "font": "light",
    "icon": "small", "manifest": "small",
}  # fmt: skip
CLASSES = ("heavy", "light", "small")
NOT_MEANT = "it cannot be meant so"  # of an empty file
_MOST_URL = 4096
_STRIPPED = str.maketrans("", "", "\t\n\r")
# Django's manifest storage: name.<12 hex>.ext; webpack and others: 8 to 64 hex after a dot, dash, underscore.
_HEX = re.compile(r"[._-][0-9a-f]{8,64}(?=\.)")
_VITE = re.compile(r"-(?=[\w-]{8}\.)(?=[A-Za-z_-]*\d|[a-z\d_-]*[A-Z])[\w-]{8}(?=\.)")
_UUID = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE
)  # names an upload, hashes nothing
_QUERY_HASH = re.compile(r"(?:^|[=&])[0-9a-f]{8,64}(?:&|$)")
_OF_NOTHING = tuple(
    hashlib.new(name, usedforsecurity=False).hexdigest()
    for name in ("md5", "sha1", "sha256", "sha384", "sha512")
)
# Not the public suffix list: a mistake here only means that some file more or less is looked at.
_SECOND = frozenset(("ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"))


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page. ``integrity`` is the attribute as written; ``place`` None: it cannot be read."""

    kind: str  # style | script | module | image | font | icon | manifest
    url: str
    place: Place | None
    integrity: str = ""

    @property
    def weight(self) -> str:
        return CLASS_OF[self.kind]


def read(kind: str, reference: str, base: str, integrity: str = "") -> Asset | None:
    """The asset behind a reference, resolved as browsers do (WHATWG URL: tabs and line breaks go, a
    backslash is a slash). None: nothing is fetched for it (empty, data:, blob:, javascript:, a fragment)."""
    text = reference.strip(" \t\n\r\f").translate(_STRIPPED)
    scheme = text[:12].partition(":")[0].lower()
    if not text or text[0] == "#" or scheme in ("data", "blob", "javascript", "about", "mailto"):
        return None
    head, mark, query = text.partition("?")
    try:
        whole = urljoin(base, head.replace("\\", "/") + mark + query)
        if urlsplit(whole).scheme not in ("http", "https"):
            return None
        if len(whole) > _MOST_URL:
            raise ValueError
        there = place(whole)
    except ValueError:
        return Asset(kind, text[:500], None)
    return Asset(kind, there.url, there, integrity)


def is_hashed(url: str) -> bool:
    """Whether the name (or its query) carries a hash of what is in the file: it never changes."""
    parts = urlsplit(url)
    name = _UUID.sub("", parts.path.rpartition("/")[2])
    return bool(_HEX.search(name) or _VITE.search(name) or _QUERY_HASH.search(parts.query))


def is_hash_of_nothing(url: str) -> bool:
    """Whether the hash in the name says that the file is empty: MD5, SHA-1 or SHA-2 of no byte."""
    parts = urlsplit(url)
    words = re.split("[^0-9a-f]+", f"{parts.path.rpartition('/')[2]}?{parts.query}")
    return any(len(word) >= 8 and digest.startswith(word) for word in words for digest in _OF_NOTHING)


def folder(place: Place) -> str:
    """What the file has in common with its siblings: the origin and the first step of its path."""
    parts = urlsplit(place.url)
    step = parts.path.split("/", 2)
    return f"{parts.scheme}://{parts.netloc}/" + (f"{step[1]}/" if len(step) > 2 else "")


def is_own(config: AssetsConfig, page: Place, asset: Place) -> bool:
    """Whether the file belongs to the page's site, as the monitor is told to see it."""
    if config.hosts == "all" or asset.host == page.host or asset.host in config.also_hosts:
        return True
    return _site(asset.host) == _site(page.host) != ""


def is_ignored(config: AssetsConfig, url: str) -> bool:
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    return any(_fits(url, one) or _fits(path, one) for one in config.ignore)


def _fits(text: str, pattern: str) -> bool:
    """Whether the whole text is the pattern, in which * stands for anything. ? and [ are themselves: they
    are parts of addresses. Linear in time."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    at, end = len(first), len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or at > end:
        return False
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _site(host: str) -> str:
    """Roughly the registrable domain; "" for an address or a name of one label."""
    labels = host.split(".")
    if ":" in host or len(labels) < 2 or labels[-1].isdigit():
        return ""
    count = 3 if len(labels[-1]) == 2 and labels[-2] in _SECOND else 2
    return ".".join(labels[-count:])
