"""The zoo: each specimen on a real server gives exactly the expected finding codes."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from base64 import b64encode

import pytest

from watchpost.codes import severity_of
from watchpost.kinds.assets.tests.site import File, Send, Site, css, img, js, look, page, serving

YEAR = {"Cache-Control": "public, max-age=31536000, immutable"}
GONE = File(b"<h1>Not Found</h1>", 404, "text/html")
HTML = File(b"<!doctype html><div id=app></div>", 200, "text/html")
BOMB = File(gzip.compress(bytes(60_000_000), 1), headers={"Content-Encoding": "gzip"})
H = ["4f2a9c81d03e", "0d7be11f2a63", "aabbccddeeff", "0123456789ab"]


def sri(body: bytes, algorithm: str = "sha384") -> str:
    return f"integrity='{algorithm}-{b64encode(hashlib.new(algorithm, body).digest()).decode()}'"


def send(*pieces: bytes, again: bool = False, pause_s: float = 0.0, wait: bool = False) -> Send:
    async def write(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
        while again:
            writer.write(pieces[-1])
            await writer.drain()
            await asyncio.sleep(pause_s)
        if wait:
            await writer.drain()
            await asyncio.sleep(60)

    return write


JS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n"
hashed = [f"/static/a.{h}.css" for h in H]

# name -> (the files, the expected codes)
ZOO: dict[str, tuple[dict[str, File], list[str]]] = {
    "all well": ({"/": page(css("/s.css"), js("/s.js"), img("/i.png")), "/s.css": File(), "/s.js": File(), "/i.png": File()}, []),
    "one stylesheet missing": ({"/": page(css("/s/a.css"), css("/s/b.css")), "/s/b.css": File()}, ["static.missing"]),
    "an image missing": ({"/": page(img("/m/i.png"))}, ["static.missing"]),
    "gone for ever": ({"/": page(css("/s.css"), js("/x.js")), "/s.css": File(status=410), "/x.js": File()}, ["static.missing"]),
    "all of the folder missing": ({"/": page(css("/static/a.css"), js("/static/b.js"))}, ["static.not_collected"]),
    "all hashed missing": ({"/": page(*map(css, hashed[:2]), css("/static/b.css")), "/static/b.css": File()}, ["static.not_collected"]),
    "most hashed missing": ({"/": page(*map(css, hashed)), hashed[0]: File(headers=YEAR)}, ["static.not_collected"]),
    "hashed and others missing": ({"/": page(*map(css, hashed), css("/o/x.css"), css("/o/y.css")), "/o/y.css": File()}, ["static.not_collected", "static.missing"]),
    "one hashed missing": ({"/": page(*map(css, hashed)), **{h: File(headers=YEAR) for h in hashed[1:]}}, ["static.stale"]),
    "all uploads missing": ({"/": page(img("/media/a.png"), img("/media/b.png"))}, ["static.missing"]),
    "may not be read": ({"/": page(css("/s.css")), "/s.css": File(status=403)}, ["static.forbidden"]),
    "HTML as CSS": ({"/": page(css("/s.css"), js("/s.js"), img("/i.png")), "/s.css": HTML, "/s.js": HTML, "/i.png": HTML}, ["static.wrong_type"] * 2),
    "text as CSS": ({"/": page(css("/s.css")), "/s.css": File(type="text/plain")}, ["static.wrong_type"]),
    "CSS of no type": ({"/": page(css("/s.css")), "/s.css": File(type=None)}, []),
    "CSS of no type, nosniff": ({"/": page(css("/s.css")), "/s.css": File(type=None, headers={"X-Content-Type-Options": "nosniff"})}, ["static.wrong_type"]),
    "text as script": ({"/": page(js("/s.js")), "/s.js": File(type="text/plain")}, []),
    "text as script, nosniff": ({"/": page(js("/s.js")), "/s.js": File(type="text/plain", headers={"X-Content-Type-Options": "nosniff"})}, ["static.wrong_type"]),
    "text as module": ({"/": page(js("/s.js", "type=module")), "/s.js": File(type="text/plain")}, ["static.wrong_type"]),
    "login page for a file": ({"/": page(css("/s.css")), "/s.css": File(status=302, headers={"Location": "/login?next=x"}), "/login?next=x": HTML}, ["static.wrong_type"]),
    "wrong charset": ({"/": page(css("/s.css"), type="text/html; charset=nonsense"), "/s.css": File(type="text/css; charset=bogus")}, []),
    "empty": ({"/": page(css("/s.css"), img("/i.png")), "/s.css": File(b""), "/i.png": File(b"")}, ["static.empty"] * 2),
    "emptied under its integrity": ({"/": page(js("/s.js", sri(b"x{}"))), "/s.js": File(b"")}, ["static.integrity"]),
    "an empty file that is vouched for": ({"/": page(js("/s.js", sri(b""))), "/s.js": File(b"")}, ["static.empty"]),
    "no content": ({"/": page(js("/s.js")), "/s.js": File(b"", 204)}, ["static.empty"]),
    "304 unasked": ({"/": page(css("/s.css")), "/s.css": File(b"", 304)}, ["static.error_status"]),
    "bad gateway": ({"/": page(css("/s.css")), "/s.css": File(status=502)}, ["static.error_status"]),
    "rate limit": ({"/": page(css("/s.css")), "/s.css": File(status=429)}, ["static.blocked"]),
    "right integrity": ({"/": page(js("/s.js", sri(b"x{}"))), "/s.js": File()}, []),
    "wrong integrity": ({"/": page(js("/s.js", sri(b"other"))), "/s.js": File()}, ["static.integrity"]),
    "the strongest counts": ({"/": page(js("/s.js", sri(b"x{}", "sha256")[:-1] + " " + sri(b"other", "sha512")[11:])), "/s.js": File()}, ["static.integrity"]),
    "one of two hashes fits": ({"/": page(js("/s.js", sri(b"other")[:-1] + " " + sri(b"x{}")[11:])), "/s.js": File()}, []),
    "unknown integrity": ({"/": page(js("/s.js", "integrity='md5-abc sha384'")), "/s.js": File()}, []),
    "integrity behind a redirect": ({"/": page(js("/s.js", sri(b"x{}"))), "/s.js": File(b"moved", 301, headers={"Location": "/t.js"}), "/t.js": File()}, []),
    "hashed, not cached": ({"/": page(css(hashed[0])), hashed[0]: File()}, ["static.not_cached"]),
    "hashed, no-store": ({"/": page(css(hashed[0])), hashed[0]: File(headers={"Cache-Control": "no-store, max-age=31536000"})}, ["static.not_cached"]),
    "hashed, an hour": ({"/": page(css(hashed[0])), hashed[0]: File(headers={"Cache-Control": "max-age=3600"})}, ["static.not_cached"]),
    "hashed, Expires": ({"/": page(css(hashed[0])), hashed[0]: File(headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Expires": "Sun, 01 Feb 2026 00:00:00 GMT"})}, []),
    "hashed in the query": ({"/": page(css("/s.css?v=4f2a9c81")), "/s.css?v=4f2a9c81": File(headers=YEAR)}, []),
    "hashed in the query, not cached": ({"/": page(css("/s.css?v=4f2a9c81")), "/s.css?v=4f2a9c81": File()}, ["static.not_cached"]),
    "redirect to a private address": ({"/": page(css("/s.css")), "/s.css": File(status=302, headers={"Location": "http://10.0.0.1/x.css"})}, ["static.refused_by_guard"]),
    "redirect to metadata": ({"/": page(img("/i.png")), "/i.png": File(status=302, headers={"Location": "http://169.254.169.254/latest/"})}, ["static.refused_by_guard"]),
    "redirect in a circle": ({"/": page(css("/s.css")), "/s.css": File(status=302, headers={"Location": "/s.css"})}, ["static.bad_redirect"]),
    "redirect to a file": ({"/": page(css("/s.css")), "/s.css": File(status=302, headers={"Location": "file:///etc/passwd"})}, ["static.bad_redirect"]),
    "redirects without end": ({"/": page(css("/0.css")), **{f"/{n}.css": File(status=302, headers={"Location": f"/{n + 1}.css"}) for n in range(20)}}, ["static.bad_redirect"]),
    "a cookie, then the file": ({"/": File(b"", 302, headers={"Location": "/home", "Set-Cookie": "a=1"}), "/home": page(css("/s.css")), "/s.css": File()}, []),
    "50 MB script": ({"/": page(js("/s.js")), "/s.js": File(bytes(50_000_000))}, ["static.too_large"]),
    "50 MB script with integrity": ({"/": page(js("/s.js", sri(b""))), "/s.js": File(bytes(50_000_000))}, ["static.too_large"]),
    "endless script": ({"/": page(js("/s.js")), "/s.js": File(send=send(JS_HEAD + b"\r\n", b"x" * 65_536, again=True))}, ["static.too_large"]),
    "gzip bomb": ({"/": page(js("/s.js")), "/s.js": BOMB}, ["static.too_large"]),
    "gzip": ({"/": page(js("/s.js", sri(b"hello"))), "/s.js": File(gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})}, []),
    "not gzip": ({"/": page(js("/s.js")), "/s.js": File(b"plain", headers={"Content-Encoding": "gzip"})}, ["static.unreachable"]),
    "cut": ({"/": page(js("/s.js")), "/s.js": File(send=send(JS_HEAD + b"Content-Length: 500\r\n\r\nhello"))}, ["static.unreachable"]),
    "closed without an answer": ({"/": page(js("/s.js")), "/s.js": File(send=send(b""))}, ["static.unreachable"]),
    "a lie to HEAD": ({"/": page(img("/i.png")), "/i.png": File(head_status=405)}, []),
    "an address nobody can read": ({"/": page(js("http://[::1/x.js"))}, ["static.unreachable"]),
    "a port that is closed": ({"/": page(js("http://127.0.0.1:1/x.js"))}, ["static.unreachable"]),
    "imports": ({"/": page(css("/c/s.css")), "/c/s.css": File(b"@import 'a.css'; @font-face{src:url(../f.woff2)}"), "/c/a.css": File(b"@import 'deeper.css'"), "/f.woff2": File()}, []),
    "an import missing": ({"/": page(css("/c/s.css")), "/c/s.css": File(b"@import 'a.css'; @font-face{src:url(../f.woff2)}"), "/f.woff2": File()}, ["static.missing"]),
    "a font missing": ({"/": page(css("/c/s.css")), "/c/s.css": File(b"@font-face{src:url(f.woff2)}")}, ["static.missing"]),
    "data and blob only": ({"/": page(img("data:image/png;base64,AAAA"), js("blob:x"))}, ["static.none"]),
    "no HTML at all": ({"/": File(b"{}", type="application/json")}, ["static.none"]),
    "another site's": ({"/": page(css("https://other.example/a.css"))}, ["static.none"]),
    "base tag": ({"/": page("<base href='/b/'>", css("s.css")), "/b/s.css": File()}, []),
    "broken HTML": ({"/": page("<div><p <b", ">" + css("/s.css"), "</table></html>", js("/s.js")), "/s.css": File(), "/s.js": File()}, []),
    "page missing": ({}, ["static.page_failed"]),
    "page broken": ({"/": File(b"oops", 500)}, ["static.page_failed"]),
    "page without content": ({"/": File(b"", 204)}, ["static.page_failed"]),
    "page in a circle": ({"/": File(b"", 302, headers={"Location": "/"})}, ["static.page_failed"]),
    "page at a private address": ({"/": File(b"", 302, headers={"Location": "http://10.0.0.1/"})}, ["static.page_failed"]),
    "page cut": ({"/": File(send=send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello"))}, ["static.page_failed"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
async def test_each_specimen_gives_exactly_its_codes(name: str) -> None:
    files, codes = ZOO[name]
    async with serving(Site(files)) as url:
        _, findings = await look(url, max_body=2_000_000)
    assert [one.code for one in findings] == codes, [one.sentence for one in findings]


async def test_a_slow_drip_costs_half_of_the_look_and_hides_nothing_else() -> None:
    drip = File(send=send(JS_HEAD + b"\r\n", b"x", again=True, pause_s=0.02))
    files = {"/": page(js("/drip.js"), js("/hang.js"), css("/s/a.css"), img("/i.png")), "/drip.js": drip}
    files |= {"/hang.js": File(send=send(b"", wait=True)), "/i.png": File()}
    async with serving(Site(files)) as url:
        seen, findings = await look(url, deadline_s=2.0)
    assert sorted(one.code for one in findings) == ["static.missing", "static.unreachable"]
    assert seen.facts["wrong"]["unreachable"] == {"heavy": 2}


async def test_five_thousand_files_are_bounded_and_said_so() -> None:
    site = Site({"/": page(*(img(f"/i/{n}.png") for n in range(5000)), css("/s.css")), "/s.css": File()})
    site.files |= {f"/i/{n}.png": File() for n in range(5000)}
    async with serving(site) as url:
        seen, (finding,) = await look(url, most=50)
    assert (finding.code, seen.facts["found"], len(site.asked)) == ("static.too_many", 5001, 51)
    assert seen.facts["looked"] == {"heavy": 1, "light": 49}
    assert site.most_at_once <= 6


async def test_many_broken_files_leave_fifty_rows_and_exact_counts() -> None:
    files = {"/": page(*(js(f"/s/{n}.js") for n in range(200)), css("/s/ok.css"), css("/s/x.css"))}
    files |= {"/s/ok.css": File(), "/s/x.css": File(status=502)}
    async with serving(Site(files)) as url:
        seen, findings = await look(url, most=300)
    assert len(seen.facts["broken"]) == 50
    assert {row["what"] for row in seen.facts["broken"]} == {"missing", "error_status"}
    by_code = {one.code: one.sentence for one in findings}
    assert "200 of 202 stylesheets and scripts of" in by_code["static.missing"]
    assert "/s/0.js, /s/1.js, /s/2.js and 197 more; the page itself answers 200." in by_code["static.missing"]


@pytest.mark.parametrize(
    ("tag", "severity"),
    [
        (js("/x.js"), "error"),
        (css("/x.css"), "warning"),
        (css("/x.4f2a9c81d03e.css"), "error"),
        (css("/x.d41d8cd98f00.css"), "warning"),  # as Django names an empty file
        (js("/x.js?v=e3b0c44298fc"), "warning"),
        (img("/x.png"), "info"),
    ],
)
async def test_what_an_empty_file_means_to_a_visitor_is_its_severity(tag: str, severity: str) -> None:
    name = tag.split("'")[1]
    async with serving(Site({"/": page(tag, css("/ok.css")), "/ok.css": File(), name: File(b"")})) as url:
        _, (finding,) = await look(url)
    assert (finding.code, severity_of(finding).word) == ("static.empty", severity)


@pytest.mark.parametrize(
    ("tag", "severity"),
    [(css("/x.css"), "error"), (img("/x.png"), "warning"), ("<link rel=icon href=/x.ico>", "info")],
)
async def test_what_a_missing_file_means_to_a_visitor_is_its_severity(tag: str, severity: str) -> None:
    async with serving(Site({"/": page(tag, css("/ok.css")), "/ok.css": File()})) as url:
        _, (finding,) = await look(url)
    assert (finding.code, severity_of(finding).word) == ("static.missing", severity)
