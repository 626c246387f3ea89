"""Flips, channels, badges and metrics, as clients of Healthchecks see them."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from tests.contract.speaking import MADE_UP, Answer, Project, tag_in_url
from tests.e2e.installation import Installation, wait_for


@pytest.mark.parametrize(
    ("query", "status", "count"),
    [
        ("", 200, 2),
        ("?seconds=3600", 200, 2),
        ("?seconds=0", 200, 2),
        ("?seconds=", 200, 2),
        ("?seconds=abc", 400, 0),
        ("?seconds=-123", 400, 0),
        ("?seconds=31536001", 400, 0),
        ("?seconds=12345678901234567890", 400, 0),
        ("?start=0", 200, 2),
        ("?start=NOW+60", 200, 0),
        ("?start=abc", 400, 0),
        ("?start=", 400, 0),
        ("?start=-123", 400, 0),
        ("?start=12345678901234567890", 400, 0),
        ("?end=NOW+60", 200, 2),
        ("?end=NOW-3600", 200, 0),
        ("?end=abc", 400, 0),
        ("?start=NOW-3600&end=NOW+60", 200, 2),
    ],
)
def test_flips(shop: Project, query: str, status: int, count: int) -> None:
    check = shop.check()
    shop.ping(check)
    shop.ping(check, "/fail")
    for sign in ("+60", "-3600"):
        query = query.replace(f"NOW{sign}", str(int(time.time()) + int(sign)))
    answer = shop.api("GET", f"checks/{check['uuid']}/flips/{query}")
    assert answer.status == status
    if status == 200:
        assert [one["up"] for one in answer.json["flips"]] == [0, 1][:count]
        for one in answer.json["flips"]:
            assert set(one) == {"timestamp", "up"}
            assert datetime.fromisoformat(one["timestamp"]).microsecond == 0


def test_flips_of_a_unique_key(shop: Project) -> None:
    check = shop.check(name="by unique key")
    shop.ping(check)
    looked = shop.api("GET", "checks/", key=shop.looking).json["checks"]
    [key] = [one["unique_key"] for one in looked if one["name"] == "by unique key"]
    found = shop.api("GET", f"checks/{key}/flips/", key=shop.looking)
    assert [one["up"] for one in found.json["flips"]] == [1]


def test_a_ping_in_the_list(shop: Project) -> None:
    check = shop.check()
    shop.ping(check, User_Agent="foo-agent", method="POST", body=b"Foo\nBar")
    shop.ping(check)
    bare, full = shop.pings(check)
    assert set(full) == {"type", "date", "n", "scheme", "remote_addr", "method", "ua", "rid", "body_url"}
    assert (full["n"], full["remote_addr"], full["ua"], full["rid"]) == (1, "127.0.0.1", "foo-agent", None)
    assert full["body_url"] == f"{shop.running.url}/api/v3/checks/{check['uuid']}/pings/1/body"
    body = shop.ask("GET", full["body_url"], headers={"X-Api-Key": shop.key})
    assert (body.headers["content-type"], body.body) == ("text/plain", b"Foo\nBar")
    assert bare["body_url"] is None
    for n in (2, 3, 0):
        assert shop.api("GET", f"checks/{check['uuid']}/pings/{n}/body").status == 404


@pytest.fixture(scope="module")
def heard(running: Installation) -> tuple[Project, dict[str, str]]:
    """A project with two channels of its own, and one of another project; ids by name."""
    heard, deaf = Project.make(running, "Heard"), Project.make(running, "Deaf")
    bearer = {"Authorization": f"Bearer {heard.token()}", "Content-Type": "application/json"}
    ids = {}
    for name, project in (
        ("alerts", heard),
        ("102eaa82-a274-4b15-a499-c1bb6bbcd7b6", heard),
        ("foreign", deaf),
    ):
        spec = {"name": name, "kind": "webhook", "url": "http://127.0.0.1:9/", "projects": [project.slug]}
        made = heard.ask("POST", "/v1/channels", json.dumps(spec).encode(), bearer)
        assert made.status == 201, made.text
        ids[name] = str(made.json["id"])
    return heard, ids


def test_channels_are_those_of_the_project(heard: tuple[Project, dict[str, str]]) -> None:
    project, ids = heard
    own = {name: key for name, key in ids.items() if name != "foreign"}
    found = project.api("GET", "channels/")
    assert found.status == 200
    assert {one["name"]: one["id"] for one in found.json["channels"]} == own
    assert {tuple(sorted(one)) for one in found.json["channels"]} == {("id", "kind", "name")}
    assert {one["kind"] for one in found.json["channels"]} == {"webhook"}


def test_channels_by_id_and_by_name(heard: tuple[Project, dict[str, str]]) -> None:
    project, ids = heard
    known = ",".join(sorted(key for name, key in ids.items() if name != "foreign"))
    odd = "102eaa82-a274-4b15-a499-c1bb6bbcd7b6"
    for asked in ("*", "", "alerts", ids["alerts"], odd, f"alerts,{odd}", "alerts,alerts"):
        assert project.check(channels=asked)["channels"] == known
    check = project.check()
    for asked, words in (
        ("abc", "invalid channel identifier: abc"),
        (ids["foreign"], f"invalid channel identifier: {ids['foreign']}"),
        ("foreign", "invalid channel identifier: foreign"),
        (MADE_UP, f"invalid channel identifier: {MADE_UP}"),
        ("alerts,nobody", "invalid channel identifier: nobody"),
        (",", "empty channel identifier"),
        ("alerts,", "empty channel identifier"),
    ):
        for path in ("checks/", f"checks/{check['uuid']}"):
            answer = project.api("POST", path, {"channels": asked})
            assert (answer.status, answer.error) == (400, words)


@pytest.fixture(scope="module")
def shown(running: Installation) -> Project:
    """A project with one check that is up, one that is late and one that is down."""
    shown = Project.make(running, "Shown")
    shown.looking = shown.token("--project", shown.slug, "--read-only")
    good, late, bad = (
        shown.check(name="good", tags="web up/here"),
        shown.quick(period="1s", grace="1d", tags=["late"]),
        shown.check(name='the "bad"', tags="web db@dc1"),
    )
    shown.ping(good)
    shown.ping(late)
    shown.ping(bad, "/fail")
    wait_for(lambda: shown.get(late)["status"] == "grace", 10)
    return shown


def badge(project: Project, address: str, method: str = "GET") -> Answer:
    """Asked as a stranger."""
    return project.ask(method, address)


def test_the_list_of_badges(shown: Project) -> None:
    badges = shown.api("GET", "badges/").json["badges"]
    assert set(badges) == {"*", "web", "db@dc1", "late", "up/here"}
    for found in badges.values():
        assert set(found) == {"svg", "svg3", "json", "json3", "shields", "shields3"}
        assert all(address.startswith(f"{shown.running.url}/badge/") for address in found.values())
        assert all(badge(shown, address).status == 200 for address in found.values())
    assert badges["up/here"]["svg"].endswith(f"/{tag_in_url('up/here')}.svg")


@pytest.mark.parametrize(
    ("tag", "two", "three", "total", "grace", "down"),
    [("*", "down", "down", 3, 1, 1), ("web", "down", "down", 2, 0, 1), ("late", "up", "late", 1, 1, 0),
     ("db@dc1", "down", "down", 1, 0, 1), ("up/here", "up", "up", 1, 0, 0)],
)  # fmt: skip
def test_what_a_badge_tells(
    shown: Project, tag: str, two: str, three: str, total: int, grace: int, down: int
) -> None:
    urls = shown.api("GET", "badges/").json["badges"][tag]
    counted = {"total": total, "grace": grace, "down": down}
    colors = {"up": ("#4c1", "success"), "late": ("#fe7d37", "important"), "down": ("#e05d44", "critical")}
    for ending, status in (("", two), ("3", three)):
        assert badge(shown, urls[f"json{ending}"]).json == {"status": status} | counted
        shields = badge(shown, urls[f"shields{ending}"]).json
        label = "Shown" if tag == "*" else tag
        color, word = colors[status]
        assert shields == {"schemaVersion": 1, "label": label, "message": status, "color": word}
        svg = badge(shown, urls[f"svg{ending}"])
        assert svg.headers["content-type"] == "image/svg+xml"
        assert svg.headers["access-control-allow-origin"] == "*"
        assert "no-cache" in svg.headers["cache-control"]
        assert color in svg.text
        texts = [node.text for node in ElementTree.fromstring(svg.text).iter() if node.tag.endswith("}text")]
        assert texts == [label, status]


def test_badges_that_nobody_gave_out(shown: Project) -> None:
    urls = shown.api("GET", "badges/").json["badges"]
    path = urlsplit(urls["web"]["svg"]).path
    signature = path.split("/")[3]
    wrong = "A" if signature[0] != "A" else "B"
    for bad in (
        path.replace(signature, "12345678"),
        path.replace(signature, wrong + signature[1:]),
        path.replace(signature, signature[:7]),
        path.replace("/web.", "/late."),
        path.replace("/web.svg", ".svg"),
        path.replace("/shown/", "/shop/"),
        path + "foo",
        path.replace(".svg", ".png"),
    ):
        assert badge(shown, bad).status == 404, bad
    assert badge(shown, path, "OPTIONS").status == 204
    assert badge(shown, path, "POST").status == 405


def test_the_badge_of_one_check(shown: Project) -> None:
    by_name: dict[str, Any] = {one["name"]: one for one in shown.api("GET", "checks/").json["checks"]}
    for name, two, three in (("good", "up", "up"), ('the "bad"', "down", "down")):
        address = by_name[name]["badge_url"]
        base = address.removesuffix(".svg")
        assert ElementTree.fromstring(badge(shown, address).text).get("aria-label") == f"{name}: {two}"
        assert badge(shown, f"{base}.json").json["status"] == two
        assert badge(shown, base.replace("/b/2/", "/b/3/") + ".json").json["status"] == three
        assert badge(shown, f"{base}.shields").json["label"] == name
        assert badge(shown, f"{base}.jsonfoo").status == 404
        assert badge(shown, address, "OPTIONS").status == 204
        assert "no-cache" in badge(shown, address).headers["cache-control"]
    late = next(one for one in by_name.values() if one["tags"] == "late")
    base = late["badge_url"].removesuffix(".svg")
    told = {"total": 1, "grace": 1, "down": 0}
    assert badge(shown, f"{base}.json").json == {"status": "up"} | told
    assert badge(shown, base.replace("/b/2/", "/b/3/") + ".json").json == {"status": "late"} | told
    assert badge(shown, f"/b/2/{uuid4()}.svg").status == 404
    assert badge(shown, f"/b/2/{late['uuid']}.svg").status == 404


def test_metrics(shown: Project) -> None:
    looked = {one["name"]: one for one in shown.api("GET", "checks/", key=shown.looking).json["checks"]}
    bearer = {"Authorization": f"Bearer {shown.looking}"}
    by_key = [f"/projects/{place}/{way}/{shown.looking}"
              for place in (shown.slug, uuid4()) for way in ("metrics", "checks/metrics")]  # fmt: skip
    answers = [shown.ask("GET", path) for path in by_key]
    answers.append(shown.ask("GET", f"/projects/{uuid4()}/metrics/", headers=bearer))
    assert {one.status for one in answers} == {200}
    assert len({one.text for one in answers}) == 1
    lines = answers[0].text.splitlines()
    good = f'{{name="good", tags="web up/here", unique_key="{looked["good"]["unique_key"]}"}}'
    bad = f'{{name="the \\"bad\\"", tags="web db@dc1", unique_key="{looked[chr(116) + "he " + chr(34) + "bad" + chr(34)]["unique_key"]}"}}'
    for line in (
        f"hc_check_up{good} 1", f"hc_check_up{bad} 0", f"hc_check_started{good} 0", f"hc_check_grace{good} 0",
        f"hc_check_paused{good} 0", 'hc_tag_up{tag="web"} 0', 'hc_tag_up{tag="late"} 1',
        'hc_tag_up{tag="up/here"} 1', "hc_checks_total 3", "hc_checks_down_total 1",
    ):  # fmt: skip
        assert line in lines
    late = [line for line in lines if line.startswith("hc_check_grace") and 'tags="late"' in line]
    assert late[0].endswith(" 1")
    assert "# TYPE hc_check_up gauge" in lines


def test_metrics_of_runs_and_pauses(running: Installation) -> None:
    moving = Project.make(running, "Moving")
    key = moving.token("--project", moving.slug, "--read-only")
    path = f"/projects/moving/metrics/{key}"
    check = moving.check(name="job")
    moving.ping(check, "/start")
    assert 'hc_check_started{name="job"' in moving.ask("GET", path).text
    started = [one for one in moving.ask("GET", path).text.splitlines() if one.startswith("hc_check_started")]
    assert started[0].endswith(" 1")
    moving.api("POST", f"checks/{check['uuid']}/pause")
    lines = moving.ask("GET", path).text.splitlines()
    assert [one[-1] for one in lines if one.startswith(("hc_check_paused", "hc_check_up"))] == ["1", "1"]


def test_metrics_want_a_key_for_looking(shown: Project) -> None:
    assert shown.ask("GET", "/projects/shown/metrics/").status == 401
    basic = {"Authorization": f"Basic {shown.looking}"}
    assert shown.ask("GET", "/projects/shown/metrics/", headers=basic).status == 401
    for key, status in (("R" * 31, 400), ("R" * 32, 403), (shown.key, 403), (shown.looking, 200)):
        assert shown.ask("GET", f"/projects/shown/metrics/{key}").status == status
    assert shown.ask("GET", f"/projects/shop/metrics/{shown.looking}").status == 403
    assert shown.looking not in (shown.running.log.read_text())
