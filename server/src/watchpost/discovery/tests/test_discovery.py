"""From one address to everything that is there, and nothing that is not: over real sockets."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from watchpost.discovery.offer import Watched, hosts_of, offer
from watchpost.discovery.scout import look_around
from watchpost.discovery.tests.world import HOME, NOT_FOUND, Page, world_of
from watchpost.registry import kinds
from watchpost.registry.site import Answer, Site

pytestmark = pytest.mark.asyncio

HEALTHY = Page('{"status": "ok", "checks": {"database": "ok"}}', type="application/json")
SHOP = {
    "shop.example/": Page(HOME),
    "shop.example/health/": HEALTHY,
    "shop.example/health": Page("", 301, headers={"Location": "/health/"}),
    "shop.example/status/": Page("<title>Order status | Shop</title>"),
    "www.shop.example/": Page("", 301, headers={"Location": "https://shop.example:{port}/"}),
    "api.shop.example/": Page('{"detail": "Not found."}', 404, "application/json"),
    "admin.shop.example/": Page("<title>Log in</title>"),
}
ON_IT = (
    "shop.example",
    "www.shop.example",
    "api.shop.example",
    "admin.shop.example",
    "old.shop.example",
    "stranger.test",
)
THERE = ("shop.example", "www.shop.example", "api.shop.example", "admin.shop.example", "stranger.test")


async def found_in(site: Site) -> dict[tuple[str, str], dict[str, Any]]:
    """The specs by kind and place; every one can be made, and says why."""
    found = {}
    for one in offer(site).new:
        own = {k: v for k, v in one.spec.items() if k not in ("name", "kind", "interval")}
        kinds()[str(one.spec["kind"])].config.model_validate(own)
        assert one.why.endswith(".")
        place = str(one.spec.get("url") or one.spec.get("host") or one.spec.get("domain"))
        found[str(one.spec["kind"]), place] = dict(one.spec)
    return found


async def test_everything_that_is_there_is_found_and_nothing_else() -> None:
    async with world_of(SHOP, ON_IT, THERE) as world:
        began = monotonic()
        site = await look_around(world.outbound, f"http://shop.example:{world.plain_port}/")
        assert monotonic() - began < 10
        found = await found_in(site)
        assert {key for key in found if key[0] in ("domain", "dns")} == {
            ("domain", "shop.example"),
            ("dns", "shop.example"),
        }
        plain = f"http://shop.example:{world.plain_port}/"
        home = world.url("shop.example")
        places = {place for kind, place in found if kind in ("http", "tls", "assets")}
        assert places == {
            home,
            plain,
            world.url("www.shop.example"),
            world.url("api.shop.example"),
            world.url("admin.shop.example"),
            "shop.example",
            "www.shop.example",
            "api.shop.example",
            "admin.shop.example",
        }  # not old.shop.example, which has no address; not the stranger; not /status/, which is a page
        assert found["http", home]["expect"] == {"body_contains": ["Tea and Biscuits of Lisbon"]}
        assert found["http", plain]["expect"] == {"https": True}
        assert found["http", world.url("api.shop.example")]["expect"] == {"status": [404]}
        assert [place for kind, place in found if kind == "health"] == [world.url("shop.example", "/health/")]
        assert "assets" in {kind for kind, _ in found}
        assert found["tls", "shop.example"]["port"] == world.port
        assert "stranger.test/" not in world.asked


async def test_a_site_that_answers_200_to_everything_has_no_health() -> None:
    everything = {
        "shop.example/": Page(HOME),
        "shop.example*": Page('{"status": "ok"}', type="application/json"),
    }
    async with world_of(everything, ("shop.example",), ("shop.example",)) as world:
        found = await found_in(await look_around(world.outbound, world.url("shop.example")))
        assert not [place for _, place in found if "health" in place or "up" in place]


async def test_what_is_down_is_watched_all_the_same_and_nothing_is_made_up() -> None:
    async with world_of({}, ("shop.example",), ("shop.example",)) as world:
        gone = f"https://nobody.example:{world.port}/"
        site = await look_around(world.outbound, gone)
        made = offer(site).new
        assert [one.spec["url"] for one in made] == [gone]
        assert "does not exist" in made[0].why
        assert world.asked == []


async def test_a_certificate_that_visitors_refuse_does_not_hide_the_site() -> None:
    async with world_of(SHOP, ON_IT, THERE, trusted=False) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        assert "visitors are turned away, for" in made[0].why
        assert ("tls", "shop.example") in {(one.spec["kind"], one.spec.get("host")) for one in made}


async def test_a_stranger_it_leads_to_is_named_and_not_watched() -> None:
    pages = {
        "shop.example/": Page("", 302, headers={"Location": "https://parked.test:{port}/"}),
        "parked.test/": Page("<title>Parked for sale</title>"),
    }
    both = ("shop.example", "parked.test")
    async with world_of(pages, both, both) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        home = made[0]
        assert "leads to parked.test, another domain" in home.why
        assert (home.spec["url"], home.spec["follow_redirects"]) == (world.url("shop.example"), False)
        assert home.spec["expect"] == {"status": [302]}
        assert ("domain", "shop.example") in {(one.spec["kind"], one.spec.get("domain")) for one in made}
        assert not [one for one in made if "parked" in str(dict(one.spec))]
        assert "parked.test/" not in world.asked


async def test_names_on_a_certificate_that_is_for_others_are_not_this_sites() -> None:
    async with world_of(SHOP, ("api.shop.example", "admin.shop.example"), THERE, trusted=False) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        assert not [one for one in made if "api." in str(dict(one.spec)) or "admin." in str(dict(one.spec))]
        assert not [one for one in made if "more name" in one.why]


@pytest.mark.parametrize(("end", "told"), [("self", True), ("www.self", False), ("elsewhere", False)])
async def test_who_comes_without_https_is_said_to_be_led_here_only_if_they_are(end: str, told: bool) -> None:
    home, plain = "https://self.shop.example/", "http://self.shop.example/"
    led = Answer(plain, f"https://{end}.shop.example/", 200)
    found = offer(Site(Answer(home, home, 200), {plain: led})).new
    assert any("is led there" in one.why for one in found) is told


@pytest.mark.parametrize("there", ["/", "/b/"])
async def test_a_circle_is_called_one(there: str) -> None:
    pages = {
        "shop.example/": Page("", 302, headers={"Location": there}),
        "shop.example/b/": Page("", 302, headers={"Location": "/"}),
    }
    async with world_of(pages, ("shop.example",), ("shop.example",)) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        assert "redirects in a circle" in made[0].why


async def test_a_page_to_sign_in_is_said_to_be_one() -> None:
    pages = {
        "shop.example/admin/": Page("", 302, headers={"Location": "/login/?next=/admin/"}),
        "shop.example/login/": Page("<title>Shop</title>"),
        "shop.example/login/?next=/admin/": Page("<title>Shop</title>"),
    }
    async with world_of(pages, ("shop.example",), ("shop.example",)) as world:
        home = offer(await look_around(world.outbound, world.url("shop.example", "/admin/"))).new[0]
        assert "a page to sign in (/login/)" in home.why
        assert (home.spec["url"], home.spec["name"]) == (world.url("shop.example", "/admin/"), "admin")


async def test_a_domain_is_known_by_any_name_under_it() -> None:
    async with world_of(SHOP, ON_IT, THERE) as world:
        site = await look_around(world.outbound, world.url("shop.example"))
        held = Watched(1, "Dom", "domain", {"domain": "www.Shop.example", "tags": []})
        assert ("domain", 1) in {(one.spec["kind"], other.id) for one, other in offer(site, [held]).known}
        assert not [one for one in offer(site, [held]).new if one.spec["kind"] == "domain"]


async def test_a_site_that_is_down_offers_nothing_to_delete() -> None:
    broken = {"shop.example/": Page("", 404)}
    async with world_of(broken, ("shop.example",), ("shop.example",)) as world:
        one = Watched(3, "Page", "http", {"url": world.url("shop.example", "/page/")})
        site = await look_around(world.outbound, world.url("shop.example"), [str(one.spec["url"])])
        assert offer(site, [one]).gone == ()


async def test_a_hanging_neighbour_costs_its_own_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SHOP | {"api.shop.example/": Page("late", after_s=30)}
    async with world_of(slow, ON_IT, THERE) as world:
        began = monotonic()
        found = await found_in(await look_around(world.outbound, world.url("shop.example")))
        assert monotonic() - began < 10
        assert ("http", world.url("api.shop.example")) not in found
        assert ("http", world.url("admin.shop.example")) in found


async def test_what_is_watched_already_is_not_offered_again_and_what_is_gone_is_said() -> None:
    async with world_of(SHOP, ON_IT, THERE) as world:
        known = Watched(
            1, "Home", "http", {"url": world.url("shop.example").upper().replace("HTTPS", "https")}
        )
        held = Watched(2, "Certificate", "tls", {"host": "Shop.Example.", "port": world.port})
        lost = Watched(3, "Old page", "http", {"url": world.url("shop.example", "/old/")})
        meant = Watched(
            4, "Closed", "http", {"url": world.url("shop.example", "/x/"), "expect": {"status": [404]}}
        )
        away = Watched(5, "Old shop", "http", {"url": world.url("old.shop.example")})
        there = [known, held, lost, meant, away]
        also = [str(one.spec["url"]) for one in there if "url" in one.spec]
        found = offer(await look_around(world.outbound, world.url("shop.example"), also), there)
        assert {monitor.id for _, monitor in found.known} == {1, 2}
        assert world.url("shop.example") not in {
            one.spec.get("url") for one in found.new if one.spec["kind"] == "http"
        }
        assert {one.monitor.id: one.why for one in found.gone} == {
            3: f"{world.url('shop.example', '/old/')} answers 404; delete it only if it was "
            "taken away for good.",
            5: "The name old.shop.example does not exist any more.",
        }


async def test_every_kind_of_monitor_of_a_name_that_is_gone_is_said_to_be_gone() -> None:
    """And what is watched under a name that only left the certificate is not forgotten."""
    names = tuple(name for name in ON_IT if name not in ("old.shop.example", "api.shop.example"))
    async with world_of(SHOP, names, THERE) as world:
        lost = [
            Watched(1, "Old shop", "http", {"url": world.url("old.shop.example")}),
            Watched(2, "Certificate of old", "tls", {"host": "Old.shop.example"}),
            Watched(3, "Port of old", "tcp", {"host": "old.shop.example", "port": 22}),
            Watched(4, "Files of old", "assets", {"url": world.url("old.shop.example")}),
            Watched(5, "DNS of old", "dns", {"domain": "old.shop.example"}),
        ]
        left = [
            Watched(6, "API", "http", {"url": world.url("api.shop.example", "/v1/")}),
            Watched(7, "Certificate of api", "tls", {"host": "api.shop.example"}),
        ]
        kept = Watched(8, "Certificate of admin", "tls", {"host": "admin.shop.example"})
        aside = Watched(9, "Elsewhere", "tcp", {"host": "stranger.test", "port": 22})
        there = [*lost, *left, kept, aside]
        site = await look_around(world.outbound, world.url("shop.example"), (), hosts_of(there))
        found = offer(site, there)
        why = "The name old.shop.example does not exist any more."
        assert [(one.monitor, one.why) for one in found.gone] == [(one, why) for one in lost]
        remark = "api.shop.example does not stand on the certificate of shop.example; it is still watched."
        assert [(one.why, monitor) for one, monitor in found.known if monitor in left] == [
            (remark, one) for one in left
        ]
        assert not [one for one, monitor in found.known if monitor == aside]
        assert "old.shop.example/" not in world.asked


async def test_a_redirect_to_a_name_that_is_gone_takes_nothing_away_from_the_monitor() -> None:
    led = SHOP | {
        "www.shop.example/": Page("", 301, headers={"Location": "https://old.shop.example:{port}/"})
    }
    async with world_of(led, ON_IT, THERE) as world:
        one = Watched(1, "www", "http", {"url": world.url("www.shop.example")})
        also = [world.url("www.shop.example")]
        site = await look_around(world.outbound, world.url("shop.example"), also, hosts_of([one]))
        assert offer(site, [one]).gone == ()


async def test_where_nothing_answers_200_too_words_are_chosen_that_it_lacks() -> None:
    pages = {
        "shop.example/": Page(HOME),
        "shop.example*": Page(NOT_FOUND),
    }
    async with world_of(pages, ("shop.example",), ("shop.example",)) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        assert made[0].spec["expect"] == {"body_contains": ["Fresh this morning"]}


@pytest.mark.parametrize(
    "title", ["Home", "Log in", "3 new mails", "Tea &amp; Biscuits", "Tea\nBiscuits", "", "x" * 80]
)
async def test_words_that_may_differ_tomorrow_are_not_chosen(title: str) -> None:
    async with world_of(
        {"shop.example/": Page(f"<title>{title}</title>")}, ("shop.example",), ("shop.example",)
    ) as world:
        made = offer(await look_around(world.outbound, world.url("shop.example"))).new
        assert "expect" not in made[0].spec


@pytest.mark.parametrize("address", ["", "https://", "ftp://shop.example/", "https://a b/", "http://[::1/"])
async def test_what_is_no_address_is_refused(address: str) -> None:
    async with world_of({}, ("shop.example",), ()) as world:
        with pytest.raises(ValueError):
            await look_around(world.outbound, address)
