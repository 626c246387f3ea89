"""How a look goes: credentials, https, time that runs out, and what is asked first the next time."""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_network

import pytest
import trustme

from watchpost.core.types import Outcome
from watchpost.kinds.assets import memory
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.tests.site import LOOPBACK, File, Site, css, img, js, look, page, serving
from watchpost.outbound import Guard, Outbound, Reply, Request
from watchpost.outbound.names import Found
from watchpost.outbound.resolver import Resolved


def certificate() -> tuple[ssl.SSLContext, str]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, authority.cert_pem.bytes().decode()


async def test_credentials_go_to_the_origin_of_the_page_alone() -> None:
    mine, other = Site({"/": page(), "/s.css": File()}), Site({"/o.js": File(), "/r.css": File()})
    async with serving(mine) as url, serving(other) as there:
        mine.files["/"] = page(css("/s.css"), js(f"{there}o.js"), css("/away.css"))
        mine.files["/away.css"] = File(status=302, headers={"Location": f"{there}r.css"})
        _, findings = await look(
            url,
            headers={"X-Key": "k1"},
            cookies={"sessionid": "s1"},
            basic_auth={"username": "u", "password": "p"},
        )
    assert findings == ()
    assert all(
        "X-Key: k1" in text and "sessionid=s1" in text and "Basic dTpw" in text for *_, text in mine.asked
    )
    assert {path for _, path, _ in other.asked} == {"/o.js", "/r.css"}
    assert not any(secret in text for *_, text in other.asked for secret in ("k1", "s1", "Basic"))


async def test_mixed_content_is_not_loaded_and_said() -> None:
    context, pem = certificate()
    plain = Site({"/x.js": File()})
    async with serving(plain) as there:
        site = Site({"/": page(js(f"{there}x.js"), css("/s.css")), "/s.css": File()})
        async with serving(site, context) as url:
            _, (finding,) = await look(url, ca_pem=pem)
            site.files["/"] = page(css("/s.css"), js("/r.js"))
            site.files["/r.js"] = File(status=302, headers={"Location": f"{there}x.js"})
            _, (redirected,) = await look(url, ca_pem=pem)
        assert {finding.code, redirected.code} == {"static.mixed_content"}
        assert "1 of 2 stylesheets and scripts of" in finding.sentence
        assert len(plain.asked) == 1  # the redirect was followed; what the page names was not


async def test_a_page_that_asks_for_upgrades_has_no_mixed_content() -> None:
    context, pem = certificate()
    site = Site({"/s.css": File(b"@import 'http://127.0.0.1/i.css'")})
    async with serving(site, context) as url:
        site.files["/"] = page(
            css(f"http://127.0.0.1:{site.port}/s.css"),
            headers={"Content-Security-Policy": "upgrade-insecure-requests"},
        )
        site.files["/s.css"] = File(f"@import 'http://127.0.0.1:{site.port}/i.css'".encode())
        site.files["/i.css"] = File()
        _, findings = await look(url, ca_pem=pem)
    assert findings == ()
    assert [path for _, path, _ in site.asked] == ["/", "/s.css", "/i.css"]


async def test_a_certificate_nobody_trusts_is_the_pages_failure() -> None:
    context, _ = certificate()
    async with serving(Site({"/": page()}), context) as url:
        seen, (finding,) = await look(url)
    assert (finding.code, seen.outcome, seen.facts["failure"]["phase"]) == (
        "static.page_failed",
        "failed",
        "tls",
    )


async def test_a_closed_address_is_refused_without_a_packet() -> None:
    site = Site({"/": page()})
    async with serving(site) as url:
        outbound = Outbound(Guard())
        seen, (finding,) = await look(url, outbound)
        await outbound.close()
    assert (finding.code, seen.outcome, site.asked) == ("static.page_failed", Outcome.REFUSED, [])
    assert "127.0.0.1 is a loopback address" in finding.sentence


def slow(pause_s: float) -> File:
    async def send(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(pause_s)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\n")

    return File(send=send)


async def test_a_look_that_runs_out_of_time_says_so_and_does_not_heal_what_it_did_not_see() -> None:
    """Sixty slow images, and the last of all is missing: found once, it is asked first from then on."""
    files = {"/": page(*(img(f"/i/{n}.png") for n in range(60)), img("/i/gone.png"))}
    site = Site(files | {f"/i/{n}.png": slow(0.25) for n in range(60)})
    outbound = Outbound(LOOPBACK)
    async with serving(site) as url:
        _, findings = await look(url, outbound, deadline_s=1.2)
        assert [one.code for one in findings] == ["static.unfinished"]
        _, findings = await look(url, outbound, deadline_s=6.0)
        assert [one.code for one in findings] == ["static.missing"]
        _, findings = await look(url, outbound, deadline_s=1.2)
        assert [one.code for one in findings] == ["static.missing", "static.unfinished"]
        _, findings = await look(url, outbound, deadline_s=1.2, monitor_id=2)
        assert [one.code for one in findings] == ["static.unfinished"]
        site.files["/i/gone.png"] = File()
        _, findings = await look(url, outbound, deadline_s=1.2)
        assert [one.code for one in findings] == ["static.unfinished"]
        assert memory.recall(outbound, 1) == frozenset()
    await outbound.close()


class Names(Outbound):
    """Every name is this machine; counts the questions."""

    asked: list[str]

    to_dead = 0

    async def fetch(self, request: Request) -> Reply:
        self.to_dead += request.port == 1
        return await super().fetch(request)

    async def look_up(self, host: str, family: str, first: int, ends: float) -> Found:
        self.asked = [*getattr(self, "asked", []), host]
        await asyncio.sleep(0.01)
        return Found(Resolved(("127.0.0.1",), 60.0, 1.0))


async def test_a_name_is_looked_up_once_in_a_look_and_a_dead_host_costs_one_try() -> None:
    outbound = Names(Guard((ip_network("127.0.0.1/32"),)))
    site = Site({f"/{n}.png": File() for n in range(30)})
    async with serving(site):
        base = f"http://shop.localhost:{site.port}/"
        dead = [js(f"http://cdn.localhost:1/{n}.js") for n in range(30)]
        site.files["/"] = page(*(img(f"/{n}.png") for n in range(30)), *dead)
        _, (finding,) = await look(base, outbound, host="cdn.localhost", also=["cdn.localhost"])
        assert finding.code == "static.unreachable"
        assert "30 of 30 stylesheets and scripts of" in finding.sentence
        assert "host:shop.localhost" in finding.joins
        assert outbound.to_dead <= 6  # those that were under way already
        assert sorted(outbound.asked) == ["cdn.localhost", "shop.localhost"]
    await outbound.close()


async def test_large_pages_are_parsed_off_the_loop() -> None:
    gaps, running = [0.0], True

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while running:
            before = loop.time()
            await asyncio.sleep(0.001)
            gaps.append(loop.time() - before)

    site = Site(
        {
            "/": File(b"<p class=a>text <a href=b>l</a></p>" * 50_000 + css("/s.css").encode()),
            "/s.css": File(),
        }
    )
    async with serving(site) as url:
        ticking = asyncio.ensure_future(tick())
        _, findings = await look(url)
        running = False
        await ticking
    assert findings == ()
    assert max(gaps) < 0.5


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "https://u:p@shop.example/", "use basic_auth"),
        ("url", "ftp://shop.example/", "must begin with http"),
        ("most", 501, "less than or equal to 500"),
        ("also", ["https://cdn.example/"], "is not a host name"),
        ("headers", {"Range": "bytes=0-1"}, "written by the look itself"),
        ("headers", {"X": "a\r\nb"}, "line break"),
        ("cookies", {"a": "b;c"}, "cookies do not allow"),
        ("ca_pem", "hello", "holds no certificate"),
        ("ignore", [""], "at least 1 character"),
        ("connect_timeout", "2m", "between 100ms and 1m"),
    ],
)
def test_a_wrong_configuration_is_refused_with_a_sentence(field: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AssetsConfig.model_validate({"url": "https://shop.example/", field: value})


async def test_the_hosts_that_files_come_from_are_known_their_own_first() -> None:
    outbound, site = Names(LOOPBACK), Site({"/s.css": File(b"@import url(http://font.other.invalid/f.css);")})
    async with serving(site):
        site.files["/"] = page(
            css("/s.css"), js("//a.network.invalid:1/a.js"), img("//cdn.shop.invalid:1/x.png")
        )
        seen, _ = await look(f"http://www.shop.invalid:{site.port}/", outbound, host="cdn.shop.invalid")
        assert seen.facts["hosts"] == ["cdn.shop.invalid", "a.network.invalid", "font.other.invalid"]
        site.files["/"] = page(css("/s.css"))
        site.files["/s.css"] = File()
        seen, _ = await look(f"http://www.shop.invalid:{site.port}/", outbound)
        assert seen.facts["hosts"] == []  # known again at every look: a host that went is not kept
    await outbound.close()
