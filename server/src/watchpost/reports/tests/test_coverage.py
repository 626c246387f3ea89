"""What was come across and is not watched, and the one click that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from watchpost import registry
from watchpost.monitors import edit
from watchpost.monitors.models import Change, Monitor, Project
from watchpost.registry.suffix import registered_domain
from watchpost.reports import coverage as module
from watchpost.reports.coverage import Coverage, coverage_of, watchable
from watchpost.reports.endings import watched_in
from watchpost.reports.models import NotNeeded
from watchpost.reports.tests.conftest import NOW, certificate, enter, member, page, seen
from watchpost.reports.tests.test_calendar import words

pytestmark = pytest.mark.django_db
PAGE = "/projects/shop/"


def now_of(project: Project) -> Coverage:
    return coverage_of(project, watched_in([project]))


def things(project: Project) -> list[str]:
    """All but the registrations, which have a test of their own: every host stands on one."""
    return [gap.thing for gap in now_of(project).gaps if not gap.thing.startswith("domain:")]


def test_the_registration_that_a_host_stands_on_is_named(shop: Project) -> None:
    page(shop, "www.shop.example.co.uk")
    found = next(gap for gap in now_of(shop).gaps if gap.thing.startswith("domain:"))
    assert (found.thing, found.how) == ("domain:example.co.uk", "is what the host stands on of")
    module.start_watching(shop, found, NOW)
    assert shop.monitors.get(kind="domain").config["domain"] == "example.co.uk"
    assert not any(gap.thing.startswith("domain:") for gap in now_of(shop).gaps)


def test_names_of_the_certificate_and_the_certificate_itself_are_named(shop: Project) -> None:
    home = seen(shop, "shop.example", "f1", 30, "api.shop.example", "shop.example.net", name="Home page")
    assert things(shop) == ["http:api.shop.example", "http:shop.example.net", "tls:shop.example:443"]
    api = now_of(shop).gaps[0]
    assert (api.shown, api.how, api.monitor) == ("api.shop.example", "stands in the certificate of", home)
    said = words(enter(member(shop)).get(PAGE))
    assert "api.shop.example stands in the certificate of Home page , and is not watched" in said
    assert "Certificate of shop.example was seen by Home page" in said
    assert "Watch it" not in said  # a viewer sees and does not change


def test_what_any_kind_watches_is_watched(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "mx.shop.example", "api.shop.example")
    edit.create_monitor(
        shop, {"name": "mx", "kind": "tls", "host": "MX.shop.example.", "starttls": "smtp"}, NOW
    )
    edit.create_monitor(shop, {"name": "api", "kind": "http", "url": "https://api.shop.example/v1"}, NOW)
    edit.create_monitor(shop, {"name": "cert", "kind": "tls", "host": "shop.example"}, NOW)
    assert things(shop) == ["tls:api.shop.example:443"]


@pytest.mark.parametrize(
    "name",
    ["*.shop.example", "192.0.2.7", "2001:db8::1", "db.internal", "printer.local", "intranet", "localhost", "x.home.arpa",
     "not a name", "", "a" * 300 + ".example"],
)  # fmt: skip
def test_what_leads_nowhere_from_outside_is_left_out(shop: Project, name: str) -> None:
    assert watchable(name) == ""
    seen(shop, "shop.example", "f1", 30, name)
    assert things(shop) == ["tls:shop.example:443"]


def test_strangers_on_a_shared_certificate_and_redirects_elsewhere_are_none_of_ours(shop: Project) -> None:
    shared = certificate("f1", 30, "shop.example", "other.example.org", "api.shop.example") | {
        "more_names": 80
    }
    facts = {
        "certificate": shared,
        "hops": [["https://shop.example/", 302]],
        "final": "https://login.example.com/",
    }
    page(shop, "shop.example", facts)
    assert things(shop) == ["http:api.shop.example", "tls:shop.example:443"]
    led = {"hops": [["https://shop.example/", 302]], "final": "https://checkout.shop.example/"}
    page(shop, "www.shop.example", led, environment="staging")
    assert "http:checkout.shop.example" in things(shop)


def test_hosts_that_a_pages_files_come_from(shop: Project) -> None:
    """Those of one's own domain, and those written down; a content network is nobody's of the project."""
    facts = {"hosts": ["cdn.shop.example", "static.shop.example", "cdn.jsdelivr.net", "d1.cloudfront.net"]}
    spec = {"kind": "assets", "name": "Files", "also": ["d2.cloudfront.net"]}
    files = page(shop, "www.shop.example", facts, **spec)
    edit.create_monitor(shop, {"name": "s", "kind": "http", "url": "https://static.shop.example/x"}, NOW)
    named = [gap for gap in now_of(shop).gaps if gap.thing.startswith("http:")]
    assert [(gap.shown, gap.how, gap.monitor) for gap in named] == [
        ("cdn.shop.example", "serves files of", files),
        ("d2.cloudfront.net", "serves files of", files),
    ]


def test_neighbours_at_one_host_are_strangers(shop: Project) -> None:
    facts = {"hosts": ["img.me.github.io", "stranger.github.io"]}
    page(shop, "me.github.io", facts, kind="assets", name="Files")
    assert things(shop) == ["http:img.me.github.io"]


def test_a_mail_server_is_offered_as_one_and_never_as_a_page(shop: Project) -> None:
    """Only those of our own domains: that of somebody who carries the mail is not ours to watch."""
    mail = ["10 mail.shop.example", "20 mx.carrier.example.org"]
    facts = {"records": {"MX": [{"servers": [0], "values": mail}]}}
    page(shop, "DNS of shop.example", facts, kind="dns", url=None, domain="shop.example")
    assert things(shop) == ["tcp:mail.shop.example:25"]
    seen(shop, "www.shop.example", "f1", 30, "mail.shop.example")  # nor when a certificate names it, too
    assert things(shop) == ["tcp:mail.shop.example:25", "tls:www.shop.example:443"]
    module.start_watching(shop, next(gap for gap in now_of(shop).gaps if gap.kind.name == "tcp"), NOW)
    made = shop.monitors.get(kind="tcp")
    wants = {"host": "mail.shop.example", "port": 25, "starttls": "smtp", "verify_tls": False}
    assert (made.name, made.config) == ("Mail server mail.shop.example", wants)
    assert things(shop) == ["tls:www.shop.example:443"]


def test_of_many_some_are_shown_and_the_others_folded(shop: Project) -> None:
    names = [f"n{number:02}.shop.example" for number in range(30)]
    seen(shop, "shop.example", "f1", 30, *names[:8])
    few = now_of(shop)
    assert (few.first, few.others) == (few.gaps, ())  # ten with the certificate and the registration
    page(shop, "www.shop.example", {"certificate": certificate("f2", 30, "www.shop.example", *names)})
    many = now_of(shop)
    assert (len(many.first), many.first + many.others) == (8, many.gaps)
    said = words(enter(member(shop)).get(PAGE))
    assert f"{len(many.others)} more" in said
    assert all(name in said for name in names)


def test_an_international_name_is_shown_as_people_write_it(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "xn--bcher-kva.shop.example")
    assert now_of(shop).gaps[0].shown == "bücher.shop.example (xn--bcher-kva.shop.example)"


def test_other_projects_neither_show_nor_cover(shop: Project, blog: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "api.shop.example")
    seen(blog, "api.shop.example", "f2", 30, "more.shop.example")
    assert things(shop) == ["http:api.shop.example", "tls:shop.example:443"]


def test_one_click_makes_the_monitor_once(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "api.shop.example", environment="staging")
    owner = enter(member(shop, "owner"))
    wanted = {"do": "watch", "thing": "http:api.shop.example"}
    for _ in range(2):  # a double click, or a form from yesterday
        owner.post(f"{PAGE}coverage/", wanted)
    made = Monitor.objects.get(name="api.shop.example")
    assert (made.kind, made.slug, made.environment) == ("http", "api-shop-example", "staging")
    assert made.config["url"] == "https://api.shop.example/"
    assert Change.objects.filter(topic="monitor", key=str(made.pk)).exists()  # the engine hears of it
    owner.post(f"{PAGE}coverage/", {"do": "watch", "thing": "tls:shop.example:443"})
    cert = Monitor.objects.get(kind="tls")
    assert (cert.name, cert.interval_s) == ("Certificate of shop.example", 900)
    for odd in ("http:evil.example.org", "nonsense", ""):
        owner.post(f"{PAGE}coverage/", {"do": "watch", "thing": odd})
    assert Monitor.objects.count() == 3
    assert things(shop) == ["tls:api.shop.example:443"]


def test_viewers_and_strangers_change_nothing(shop: Project, blog: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "api.shop.example")
    wanted = {"do": "watch", "thing": "http:api.shop.example"}
    assert enter(member(shop)).post(f"{PAGE}coverage/", wanted).status_code == 403
    assert enter(member(blog, "owner", "eva@example.com")).post(f"{PAGE}coverage/", wanted).status_code == 404
    assert enter(member(shop, "owner", "o@example.com")).get(f"{PAGE}coverage/").status_code == 302
    assert Monitor.objects.count() == 1
    assert not NotNeeded.objects.exists()


def test_not_needed_is_remembered_and_can_be_taken_back(shop: Project) -> None:
    seen(shop, "shop.example", "f1", 30, "api.shop.example")
    owner = enter(member(shop, "owner"))
    for thing in (
        "http:api.shop.example",
        "tls:shop.example:443",
        "domain:shop.example",
        "http:api.shop.example",
    ):
        owner.post(f"{PAGE}coverage/", {"do": "aside", "thing": thing})
    assert things(shop) == []
    assert NotNeeded.objects.count() == 3
    said = words(owner.get(PAGE))
    assert "is watched, or need not be." in said
    assert "3 not needed" in said
    owner.post(f"{PAGE}coverage/", {"do": "undo", "thing": "http:api.shop.example"})
    assert things(shop) == ["http:api.shop.example"]


def test_a_kind_that_hosts_stand_on_is_asked_without_being_named(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kind of registered domains would say it."""

    def under(host: str) -> str | None:
        return f"dummy:{registered_domain(host)}" if registered_domain(host) else None

    def watch(which: str) -> Mapping[str, Any]:
        return {"name": f"Domain {which}", "kind": "dummy", "url": f"https://{which}/"}

    http = registry.kinds()["http"]
    dummy = replace(
        http,
        name="dummy",
        under=under,
        watch=watch,
        covers=lambda config: (f"dummy:{config.place.host}",),
    )
    known = MappingProxyType({**registry.kinds(), "dummy": dummy})
    for where in (module, edit, registry):
        monkeypatch.setattr(where, "kinds", lambda: known)
    page(shop, "www.shop.example.co.uk")
    page(shop, "192.0.2.1")
    gap = next(gap for gap in now_of(shop).gaps if gap.thing.startswith("dummy:"))
    assert (gap.thing, gap.shown) == ("dummy:example.co.uk", "Domain example.co.uk")
    module.start_watching(shop, gap, NOW)
    assert not any(gap.thing.startswith("dummy:") for gap in now_of(shop).gaps)
