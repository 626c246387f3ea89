"""What is said: counts that add up, the right names, and nothing of it too long or secret."""

from __future__ import annotations

from typing import Any

import pytest

from watchpost.codes import catalogue
from watchpost.core.types import NO_PAST, Finding, Observation, Outcome, Phases
from watchpost.kinds.assets import KIND
from watchpost.kinds.assets.asset import read
from watchpost.kinds.assets.check import Result, is_refused, lifetime_s
from watchpost.kinds.assets.config import AssetsConfig
from watchpost.kinds.assets.facts import gather
from watchpost.kinds.assets.tests.site import AT

URL = "https://shop.example/"


def judge(facts: dict[str, Any], **more: Any) -> tuple[Finding, ...]:
    config = AssetsConfig.model_validate({"url": URL, **more})
    seen = Observation(1, "local", AT, 1, Outcome.OK, Phases(), 1.0, "192.0.2.1", facts)
    return KIND.judge(config, seen, {}, NO_PAST, AT).findings


def result(path: str, what: str = "", status: int = 200, kind: str = "style", **more: Any) -> Result:
    asset = read(kind, path, URL)
    assert asset is not None
    return Result(asset, what, status, **more)


def of(*results: Result) -> dict[str, Any]:
    return {"status": 200, "bytes": 10, "found": len(results)} | gather(results)


def test_three_of_fourteen() -> None:
    good = [result(f"/s/{n}.css") for n in range(11)]
    bad = [result(f"/s/bad{n}.css?token=secret", "missing", 404) for n in range(3)]
    (finding,) = judge(of(*good, *bad))
    assert finding.sentence == (
        "3 of 14 stylesheets and scripts of https://shop.example/ are missing (404): "
        "/s/bad0.css?…, /s/bad1.css?…, /s/bad2.css?…; the page itself answers 200."
    )
    assert (finding.code, finding.subject) == ("static.missing", "stylesheets and scripts")
    assert finding.joins == ("host:shop.example", "addr:192.0.2.1")


def test_one_of_fourteen_and_the_only_one() -> None:
    (one,) = judge(of(result("/a/x.css", "missing", 410), result("/a/y.css")))
    assert (
        "1 of 2 stylesheets and scripts of https://shop.example/ is missing (410): /a/x.css;" in one.sentence
    )
    (only,) = judge(of(result("/a/x.css", "missing", 404)))
    assert (
        "The only stylesheet or script of https://shop.example/ is missing (404): /a/x.css;" in only.sentence
    )


def test_what_an_explanation_covers_is_not_named_again() -> None:
    gone = [result(f"/static/{n}.4f2a9c81d03{n}.css", "missing", 404) for n in range(5)]
    facts = of(*gone, result("/static/plain.css", "missing", 404), result("/static/there.css"))
    collected, missing = judge(facts)
    assert (
        "5 of 5 files with a hash in their name under https://shop.example/static/ are missing"
        in collected.sentence
    )
    assert (collected.code, collected.subject) == ("static.not_collected", "https://shop.example/static/")
    assert missing.sentence.startswith(
        "1 of 7 stylesheets and scripts of https://shop.example/ is missing (404): "
    )
    assert "/static/plain.css; the page" in missing.sentence


def test_where_all_hashed_files_are_gone_the_application_may_hold_an_old_manifest() -> None:
    gone = [result(f"/static/{n}.4f2a9c81d03{n}.css", "missing", 404) for n in range(4)]
    (all_gone,) = judge(of(*gone))
    assert all_gone.sentence.endswith(
        ": the static files were not collected, the web server looks in the wrong folder, or the application "
        "holds the manifest of an earlier collectstatic."
    )
    (most_gone,) = judge(of(*gone, result("/static/there.4f2a9c81d034.css")))
    assert most_gone.sentence.endswith("not collected, or the web server looks in the wrong folder.")


def test_the_fix_of_a_wrong_type_and_of_a_refusal_names_the_usual_reason_first() -> None:
    (wrong,) = judge(of(result("/static/a.css", "wrong_type", 200, why="application/octet-stream")))
    assert wrong.fix.startswith("Include mime.types")
    (refused,) = judge(of(result("/static/a.css", "forbidden", 403)))
    assert "deny" in refused.fix


def test_an_explanation_stands_before_its_symptoms() -> None:
    rank = {code: entry.rank for code, entry in catalogue().items()}
    others = {code: at for code, at in rank.items() if code in KIND.codes}
    assert max(others, key=lambda code: others[code]) == "static.not_collected"
    assert rank["static.page_failed"] < min(
        at for code, at in rank.items() if code.startswith("site.unreachable")
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": 502}, "does not come: https://shop.example/ answers 502 Bad Gateway."),
        ({"status": 799}, "answers 799."),
        ({"status": 302, "astray": "in a circle"}, "https://shop.example/ redirects in a circle."),
        (
            {
                "failure": {
                    "phase": "dns",
                    "kind": "nxdomain",
                    "sentence": "there is no x.example",
                    "host": "x.example",
                }
            },
            "cannot be read: there is no x.example.",
        ),
    ],
)
def test_a_page_that_does_not_come_is_told_in_one_sentence(facts: dict[str, Any], words: str) -> None:
    (finding,) = judge(facts)
    assert (finding.code, finding.subject) == ("static.page_failed", "page")
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("kind", "served", "nosniff", "refused"),
    [
        ("style", "text/css", True, False),
        ("style", "text/plain", False, True),
        ("style", "", False, False),
        ("script", "application/javascript", True, False),
        ("script", "application/octet-stream", False, False),
        ("script", "application/octet-stream", True, True),
        ("script", "image/png", False, True),
        ("module", "application/x-javascript", False, False),
        ("module", "", False, True),
        ("image", "text/html", False, True),
        ("image", "application/octet-stream", True, False),
        ("font", "text/html", False, True),
    ],
)
def test_types_are_judged_as_browsers_do(kind: str, served: str, nosniff: bool, refused: bool) -> None:
    assert is_refused(kind, served, nosniff) == refused


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "public, max-age=60"}, 60),
        ({"cache-control": 'MAX-AGE="60"'}, 60),
        ({"cache-control": "s-maxage=60"}, 0),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"expires": "Thu, 01 Jan 2026 00:01:00 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 60),
        ({"expires": "0", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0),
        ({"expires": "Thu, 99 Jan 99999 00:01:00 GMT", "date": "never"}, 0),
    ],
)
def test_how_long_an_answer_may_be_kept(headers: dict[str, str], seconds: float) -> None:
    assert lifetime_s(headers.get) == seconds
