import pytest

from watchpost.kinds.assets.css import references


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@import url(a.css);", [("style", "a.css")]),
        ("@import url( 'a b.css' ) screen;", [("style", "a b.css")]),
        ('@IMPORT "a.css";', [("style", "a.css")]),
        ("/* @import 'no.css'; */ @import 'yes.css';", [("style", "yes.css")]),
        ("/* never closed @import 'no.css';", []),
        ("@font-face{font-family:x;src:url(a.woff2) format('woff2'),url(a.ttf)}", [("font", "a.woff2")]),
        ("@font-face { src: local('x'), url('b.woff2') }", [("font", "b.woff2")]),
        ("@font-face { src: local('x') } b { background: url(no.png) }", []),
        ("@import 'a\\.css'; @import 'b\\2e css';", [("style", "a.css"), ("style", "b.css")]),
        ("@import '\\0 x\\d800 y\\110000 z';", [("style", "\ufffdx\ufffdy\ufffdz")]),
        ("@import url(); @import ;", [("style", "")]),
        ("a{}" * 3, []),
        ("a{} @import 'late.css';", []),
        ("@import 'a'; @font-face{src:url(f)} @import 'late';", [("style", "a"), ("font", "f")]),
        ("@charset 'utf-8'; @layer base, theme; /* { */ @import 'a' layer(base);", [("style", "a")]),
        ("@layer base {} @import 'late';", []),
        ("@import 'a'; @layer x; @import 'late';", [("style", "a")]),
        ("@namespace url(x); @import 'late';", []),
        ("@media print { } @import 'late';", []),
        ("@import 'a' screen and (min-width: 40em);@import\"b\";", [("style", "a"), ("style", "b")]),
        ("@import url(a;b{c) print; @import 'd;{';", [("style", "a;b{c"), ("style", "d;{")]),
        ("<!-- ; @import 'a'; --> @import 'b'", [("style", "a"), ("style", "b")]),
        ("@import 'a' supports(display: grid); @imports 'x'; @import 'late';", [("style", "a")]),
    ],
)
def test_what_a_stylesheet_loads(text: str, found: list[tuple[str, str]]) -> None:
    assert list(references(text)) == found


def test_a_flood_is_bounded() -> None:
    assert len(list(references("@import 'a';" * 5000))) == 100
    assert len(list(references("@font-face{src:url(a)}" * 5000))) == 100
