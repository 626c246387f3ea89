"""What a page names, and that no page takes long to read."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchpost.kinds.assets.asset import folder, is_hashed, is_ignored, is_own, read
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.page import MOST_FOUND, decode, find
from watchpost.registry.place import place

AT = "https://shop.example/a/page?x=1"


def named(html: str, url: str = AT, policy: str = "") -> list[tuple[str, str]]:
    return [(one.kind, one.url) for one in find(html, url, policy).assets]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<link rel=stylesheet href=/s.css>", [("style", "https://shop.example/s.css")]),
        ("<LINK REL='StyleSheet' HREF='s.css'>", [("style", "https://shop.example/a/s.css")]),
        ("<link rel='alternate stylesheet' href=/s.css>", []),
        ("<link rel=stylesheet href=/s.css disabled>", []),
        ("<link rel=canonical href=/x>", []),
        ("<script src=//cdn.example/a.js></script>", [("script", "https://cdn.example/a.js")]),
        ("<script type=module src=a.js></script>", [("module", "https://shop.example/a/a.js")]),
        ("<script type=text/template src=a.js></script>", []),
        ("<script nomodule src=a.js></script>", []),
        ("<script>document.write('<img src=x.png>')</script>", []),
        ("<link rel=modulepreload href=/m.js>", [("module", "https://shop.example/m.js")]),
        ("<link rel=preload as=font href=/f.woff2>", [("font", "https://shop.example/f.woff2")]),
        ("<link rel=preload as=fetch href=/api>", []),
        ("<link rel='shortcut icon' href=/i.ico>", [("icon", "https://shop.example/i.ico")]),
        ("<link rel=manifest href=/m.json>", [("manifest", "https://shop.example/m.json")]),
        ("<img src=' /i.png\n'>", [("image", "https://shop.example/i.png")]),
        ("<img srcset='/1.png 1x, /2.png 2x'>", [("image", "https://shop.example/1.png")]),
        ("<picture><source srcset='/a,b.webp, /c'></picture>", [("image", "https://shop.example/a,b.webp")]),
        ("<img src='data:image/png;base64,AAAA'><img src=''><img src='#x'><img src='blob:x'>", []),
        ("<script src='javascript:alert(1)'></script><img src='mailto:a@b'>", []),
        ("<!-- <img src=x> --><noscript><img src=y></noscript><template><img src=z></template>", []),
        ("<textarea><img src=x></textarea><title><img src=y></title>", []),
        ("<style>@import '/i.css'; @font-face{src:url(/f.woff2)}</style>",
         [("style", "https://shop.example/i.css"), ("font", "https://shop.example/f.woff2")]),
        ("<base href=/b/><img src=i.png>", [("image", "https://shop.example/b/i.png")]),
        ("<base href='https://cdn.example/x/'><base href=/late/><img src=i>", [("image", "https://cdn.example/x/i")]),
        ("<base target=_top><base href='data:,x'><img src=i>", [("image", "https://shop.example/a/i")]),
        ("<base href='http://[::1'><img src=i>", [("image", "https://shop.example/a/i")]),
        ("<img src='\\\\cdn.example\\i.png'>", [("image", "https://cdn.example/i.png")]),
        ("<img src=i.png><link rel=icon href=i.png><img src='i.png#a'>", [("image", "https://shop.example/a/i.png")]),
        ("<img src=1.png><script src=2.js></script>",
         [("script", "https://shop.example/a/2.js"), ("image", "https://shop.example/a/1.png")]),
        ("<p><div></p><a title='x><b>'><img src=/i.png <script src=/s.js></script>", [("image", "https://shop.example/i.png")]),
        ("<table><img src=/i.png></table></body></html><link rel=stylesheet href=/late.css>",
         [("style", "https://shop.example/late.css"), ("image", "https://shop.example/i.png")]),
    ],
)  # fmt: skip
def test_what_a_page_names(html: str, found: list[tuple[str, str]]) -> None:
    assert named(html) == found


def test_an_address_that_cannot_be_read_is_kept_for_the_report() -> None:
    (one,) = find("<script src='http://[::1/x.js'></script>", AT).assets
    assert (one.place, one.url) == (None, "http://[::1/x.js")


def test_http_is_upgraded_where_the_page_says_so() -> None:
    html = "<img src=http://shop.example/i.png>"
    assert named(html) == [("image", "http://shop.example/i.png")]
    for upgraded in (
        named(html, policy="default-src 'self'; upgrade-insecure-requests"),
        named("<meta http-equiv=Content-Security-Policy content=upgrade-insecure-requests>" + html),
    ):
        assert upgraded == [("image", "https://shop.example/i.png")]


def test_an_integrity_is_demanded_by_any_of_two_tags() -> None:
    html = "<link rel=modulepreload href=a.js><script src=a.js integrity='sha256-x'></script>"
    (one,) = find(html, AT).assets
    assert (one.kind, one.integrity) == ("module", "sha256-x")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<img src=ä.png>".encode("utf-16"), "text/html"),
        ("<img src=ä.png>".encode("latin-1"), "text/html; charset=iso-8859-1"),
        ("<meta charset='iso-8859-1'><img src=ä.png>".encode("latin-1"), "text/html"),
        ("<img src=ä.png>".encode(), "text/html; charset=no-such"),
        ("<img src=ä.png>".encode(), "text/html; charset=base64"),
        ("\ufeff<img src=ä.png>".encode(), "text/html; charset=latin-1"),
    ],
)
def test_a_wrong_charset_hides_no_file(body: bytes, content_type: str) -> None:
    assert named(decode(body, content_type)) == [("image", "https://shop.example/a/%C3%A4.png")]


_EACH = 2_000_000
HOSTILE = [
    "<div>", "<b>", "<b><p>", "<a ", "<!--", "<a x='", "<", "<select><option>", "</p>", "<svg><g>", "<table><b><td>",
    "<img ", "<img/", "<img x='", '<img x="1"', "<script>", "<noscript>", "<NoScript>", "<template>", "<style", "<title>",
    "<![CDATA[", "<?", "<img src=x>", "<img srcset=',,,, '>", "&#", "&notinx;", "</noscript>", "a\0", "<style>@import",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_two_megabytes_of_anything_are_read_in_little_time(piece: str) -> None:
    began = process_time()
    find(piece * (_EACH // len(piece)), AT)
    assert process_time() - began < 8  # quadratic ones took minutes; a busy machine takes about a second


@pytest.mark.parametrize(
    "html",
    [
        "".join(f"<b {i}>" for i in range(10_000)) + "".join(f"<i {i}>" for i in range(10_000)) + "x</b>" * 10_000,
        "<img " + " ".join(f"x{i}=1" for i in range(200_000)) + ">",
        "<noscript>" * 50_000 + "</template>" * 50_000,
        "<style>" + "@font-face{" * 180_000,
        "<style>" + "@import url(" * 160_000,
        "<style>" + "/*" * 1_000_000,
    ],
    ids=["formatting", "attributes", "noscript", "faces", "imports", "comments"],
)  # fmt: skip
def test_known_bombs_are_defused(html: str) -> None:
    began = process_time()
    find(html, AT)
    assert process_time() - began < 8


def test_five_thousand_files_are_each_found_once_and_a_flood_is_bounded() -> None:
    html = "".join(f"<img src=/{i}.png><img src=/{i}.png>" for i in range(5000))
    assert len(named(html)) == 5000
    assert len(named("".join(f"<img src={i}>" for i in range(MOST_FOUND + 500)))) == MOST_FOUND


@given(st.text(alphabet="<>/='\" abimgsrclnkhtp:.\\@{};\x00\t", max_size=300))
def test_any_text_is_read_without_an_error(html: str) -> None:
    for one in find(html, AT).assets:
        assert one.place is None or one.url.startswith("http")


@pytest.mark.parametrize(
    ("name", "hashed"),
    [
        ("css/base.4f2a9c81d03e.css", True),
        ("main-0badc0de.js", True),
        ("assets/index-BfT3xQ9k.js", True),
        ("base.css?v=4f2a9c81d03e", True),
        ("base.css?4f2a9c81d03e", True),
        ("base.css", False),
        ("base.css?v=12", False),
        ("bootstrap-5.3.2.min.js", False),
        ("order-template.js", False),
        ("550e8400-e29b-41d4-a716-446655440000.jpg", False),
        ("photo_Xy12abC.jpg", False),
    ],
)
def test_names_with_a_hash(name: str, hashed: bool) -> None:
    assert is_hashed(f"https://shop.example/static/{name}") == hashed


def test_whose_a_file_is() -> None:
    page = place("https://www.shop.co.uk/")
    own = AssetsConfig.model_validate({"url": page.url, "also": ["CDN.example."]})
    everybody = AssetsConfig.model_validate({"url": page.url, "hosts": "all"})
    for host, is_ours in (
        ("static.shop.co.uk", True),
        ("cdn.example", True),
        ("other.co.uk", False),
        ("9.9.9.9", False),
    ):
        assert is_own(own, page, place(f"https://{host}/x")) == is_ours
        assert is_own(everybody, page, place(f"https://{host}/x"))
    assert not is_own(own, place("https://10.0.0.1/"), place("https://9.0.0.1/"))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("/media/*", True),
        ("*.map", False),
        ("/media/a?.png", False),
        ("/media/a.png", True),
        ("*", True),
        ("https://shop.example/media/a.png?v=1", True),
        ("*?v=*", True),
        ("/media/a.png*a.png", False),
        ("/m*d*a*.p*g", True),
        ("/m*x*.png", False),
        ("edia/*", False),
    ],
)
def test_a_star_stands_for_anything_and_nothing_else_does(pattern: str, fits: bool) -> None:
    config = AssetsConfig.model_validate({"url": AT, "ignore": [pattern]})
    assert is_ignored(config, "https://shop.example/media/a.png?v=1") == fits


def test_what_is_ignored_and_which_folder_it_is() -> None:
    config = AssetsConfig.model_validate({"url": AT, "ignore": ["/media/*", "https://t.example/*"]})
    assert is_ignored(config, "https://shop.example/media/a.png?x")
    assert is_ignored(config, "https://t.example/x")
    assert not is_ignored(config, "https://shop.example/static/media/a.png")
    assert folder(place("https://shop.example/static/css/a.css")) == "https://shop.example/static/"
    assert folder(place("https://shop.example/favicon.ico")) == "https://shop.example/"
    assert read("image", "x" * 5000, AT).place is None  # type: ignore[union-attr]
