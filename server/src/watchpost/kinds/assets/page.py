"""From the HTML of a page to the files that a browser loads for it. Pure, and linear in time.

The rules are those of the HTML Standard: the first base tag with an address counts, a script of a type
that is not run is not fetched, what stands in noscript or template is not loaded. The parser is
lexbor, but never on the page as served: see ``_flatten``.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from watchpost.kinds.assets import css
from watchpost.kinds.assets.asset import CLASSES, Asset, read

MOST_FOUND = 10_000
_MOST_NODES = 20_000
_KEPT = "base|link|meta|script|style|img|source|noscript|template|title|textarea|iframe|noembed|noframes|xmp"
_OTHER_TAG = re.compile(rf"</?(?!(?:{_KEPT})[\s/>])[a-zA-Z][^\s/>]*+", re.IGNORECASE)
_MANY_ATTRIBUTES = re.compile(r"""<[a-zA-Z](?:[^\s/"'=<>]*+[\s/"'=]){1000}+""")
_NESTING = re.compile("<(?:noscript|template)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_RUN = re.compile(
    r"|module|(?:text|application)/(?:x-)?(?:java|ecma)script|text/(?:javascript1\.[0-5]|jscript|livescript)"
)
_PRELOADS = {"style": "style", "script": "script", "font": "font", "image": "image"}
_WANTED = "base[href], link[href], script[src], img, source[srcset], style, meta[http-equiv]"


@dataclass(frozen=True, slots=True)
class Page:
    """``assets``: each address once, stylesheets and scripts first, otherwise in the page's order.
    ``upgrades``: the page asks browsers to load http as https (Content Security Policy)."""

    assets: tuple[Asset, ...]
    upgrades: bool = False


def decode(body: bytes, content_type: str) -> str:
    """The page as text, never failing: the byte order mark, else the header, else the meta tag, else
    UTF-8 (HTML Standard, 13.2.3). A charset that does not exist does not hide the files."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body.decode(codec, "replace")
    declared = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", content_type, re.IGNORECASE)
    in_page = _META_CHARSET.search(body[:1024])
    name = declared[1] if declared else in_page[1].decode("ascii") if in_page else "utf-8"
    if not declared and name.lower().startswith("utf-16"):
        name = "utf-8"  # the tag could not have been read if it were true
    try:
        return body.decode(name, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def find(html: str, url: str, policy: str = "") -> Page:
    """The files of a page that was served at ``url`` with the Content-Security-Policy ``policy``."""
    tree = LexborHTMLParser(_flatten(html))
    hidden = {node.mem_id for node in tree.css("noscript *, template *")}
    nodes = [node for node in tree.css(_WANTED)[:_MOST_NODES] if node.mem_id not in hidden]
    base = next((_base(url, _of(node, "href")) for node in nodes if node.tag == "base"), url)
    upgrades = _upgrades(policy) or any(
        _upgrades(_of(node, "content"))
        for node in nodes
        if node.tag == "meta" and _of(node, "http-equiv").lower() == "content-security-policy"
    )
    found: dict[str, Asset] = {}
    for node in nodes:
        for kind, reference in _references(node):
            asset = read(kind, reference, base, _of(node, "integrity"))
            if asset is not None:
                _add(found, _upgraded(asset) if upgrades else asset)
        if len(found) >= MOST_FOUND:
            break
    return Page(tuple(sorted(found.values(), key=lambda one: CLASSES.index(one.weight))), upgrades)


def _flatten(html: str) -> str:
    """The page without what makes tree building slow: by the standard it is more than linear in nesting and
    in open formatting elements, and in the attributes of one tag (lexbor issue 340). Every tag that
    neither names a file nor hides one becomes a <br>; which element holds which is not asked here."""
    html = _MANY_ATTRIBUTES.sub("<br>", html)
    if sum(1 for _ in islice(_NESTING.finditer(html), 5001)) > 5000:
        html = _NESTING.sub("<br", html)
    # Without a body tag of its own a noscript would belong to the head, and end at the first image in it.
    return "<body>" + _OTHER_TAG.sub("<br", html)


def _of(node: object, name: str) -> str:
    return node.attributes.get(name) or ""  # type: ignore[attr-defined]


def _base(url: str, href: str) -> str:
    """An unreadable base, or one that is not http, is none (HTML Standard, 4.2.3)."""
    try:
        base = urljoin(url, href.strip())
        return base if urlsplit(base).scheme in ("http", "https") and urlsplit(base).hostname else url
    except ValueError:
        return url


def _upgrades(policy: str) -> bool:
    return any("upgrade-insecure-requests" in part.split() for part in re.split("[;,]", policy.lower()))


def _upgraded(asset: Asset) -> Asset:
    if asset.place is None or asset.place.scheme == "https":
        return asset
    return read(asset.kind, "https" + asset.url[4:], asset.url, asset.integrity) or asset


def _add(found: dict[str, Asset], asset: Asset) -> None:
    """Each address once: the weightiest use counts, and an integrity that any tag demands."""
    held = found.get(asset.url)
    if held is None:
        found[asset.url] = asset
        return
    heavier = min(held, asset, key=lambda one: CLASSES.index(one.weight))
    found[asset.url] = Asset(heavier.kind, held.url, held.place, held.integrity or asset.integrity)


def _references(node: object) -> Iterator[tuple[str, str]]:
    tag = node.tag  # type: ignore[attr-defined]
    if tag == "link":
        yield from _of_link(node)
    elif tag == "script":
        kind = _of(node, "type").strip().lower()
        if _RUN.fullmatch(kind) and "nomodule" not in node.attributes:  # type: ignore[attr-defined]
            yield "module" if kind == "module" else "script", _of(node, "src")
    elif tag == "img":
        yield "image", _of(node, "src")
        yield "image", _first_of(_of(node, "srcset"))
    elif tag == "source":
        yield "image", _first_of(_of(node, "srcset"))
    elif tag == "style":
        yield from css.references(node.text())  # type: ignore[attr-defined]


def _of_link(node: object) -> Iterator[tuple[str, str]]:
    rel, href = set(_of(node, "rel").lower().split()), _of(node, "href")
    if "stylesheet" in rel:
        if "alternate" not in rel and "disabled" not in node.attributes:  # type: ignore[attr-defined]
            yield "style", href
    elif "modulepreload" in rel:
        yield "module", href
    elif "preload" in rel and (kind := _PRELOADS.get(_of(node, "as").lower())):
        yield kind, href
    elif rel & {"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"}:
        yield "icon", href
    elif "manifest" in rel:
        yield "manifest", href


def _first_of(srcset: str) -> str:
    """The first candidate: up to white space; a comma at its end belongs to the list (HTML, 4.8.4.2)."""
    words = srcset.lstrip(" \t\n\r\f,").split(None, 1)
    return words[0].rstrip(",") if words else ""
