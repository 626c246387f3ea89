import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchpost.kinds.http import KIND, jsonpath
from watchpost.kinds.http.config import HttpConfig
from watchpost.registry.duration import parse_duration, show_duration
from watchpost.registry.place import place

URL = "https://shop.example/"


def config(**more: object) -> HttpConfig:
    return HttpConfig.model_validate({"url": URL, **more})


@pytest.mark.parametrize(
    ("url", "ascii_url", "host", "port"),
    [
        ("https://shop.example", "https://shop.example/", "shop.example", 443),
        (
            "HTTP://Shop.Example:8080/a b?q=ö#frag",
            "http://shop.example:8080/a%20b?q=%C3%B6",
            "shop.example",
            8080,
        ),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example", 443),
        ("http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81/", "2001:db8::1", 81),
        ("http://192.0.2.1/", "http://192.0.2.1/", "192.0.2.1", 80),
        ("http://localhost:65535/%7Ea", "http://localhost:65535/%7Ea", "localhost", 65535),
        ("https://shop.example.:443/", "https://shop.example/", "shop.example", 443),
    ],
)
def test_urls_are_taken_apart(url: str, ascii_url: str, host: str, port: int) -> None:
    found = config(url=url).place
    assert (found.url, found.host, found.port) == (ascii_url, host, port)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "ftp://shop.example/", "http:// or https://"),
        ("url", "shop.example", "http:// or https://"),
        ("url", "https://", "no host"),
        ("url", "http://shop.example:0/", "port 0"),
        ("url", "http://shop.example:65536/", "cannot be read"),
        ("url", "http://shop.example:x/", "cannot be read"),
        ("url", "http://user:pw@shop.example/", "basic_auth"),
        ("url", "http://shop.example/\r\nHost: evil", "control character"),
        ("url", "http://-bad-.example/", "host name"),
        ("url", "http://0x7f.1/", "IPv4"),
        ("url", "http://127.1/", "IPv4"),
        ("url", "http://2130706433/", "IPv4"),
        ("url", "http://[::1%eth0]/", "zone"),
        ("url", "http://[zz]/", ""),
        ("method", "BREW", "GET"),
        ("headers", {"a b": "c"}, "header name"),
        ("headers", {"a": "b\r\nc: d"}, "line break"),
        ("headers", {"Content-Length": "5"}, "follows from the body"),
        ("headers", {"transfer-encoding": "chunked"}, "follows from the body"),
        ("cookies", {"a": "b; c"}, "cookie"),
        ("bearer", "a\nb", "line break"),
        ("max_redirects", 31, "30"),
        ("ca_pem", "nonsense", "PEM"),
        ("connect_timeout", "soon", "30s, 5m"),
        ("connect_timeout", "1h", "2m"),
        ("http_version", "4", "1.1"),
        ("expect", {"status": ["2x"]}, "200, 2xx"),
        ("expect", {"status": []}, "at least one"),
        ("expect", {"body_matches": "(?=a)"}, "RE2"),
        ("expect", {"json": [{"path": "a..b"}]}, "cannot be read"),
        ("expect", {"json": [{"path": "a", "op": "~"}]}, "=="),
        ("expect", {"headers": {"x": "~("}}, "RE2"),
        ("expect", {"min_bytes": 10, "max_bytes": 1}, "exchange"),
        ("expect", {"p95_window": "30d"}, "7d"),
        ("expect", {"surprise": 1}, "Extra"),
    ],
)
def test_mistakes_name_the_field_and_the_fix(field: str, value: object, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**{field: value})
    assert caught.value.errors()[0]["loc"][0] == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        {"bearer": "x", "basic_auth": {"username": "a"}},
        {"body": "x"},
        {"method": "HEAD", "expect": {"body_contains": "x"}},
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**more)


def test_a_configuration_survives_being_stored() -> None:
    whole = config(
        method="POST",
        body="x",
        ip=6,
        http_version=2,
        connect_timeout="1500ms",
        follow_redirects=False,
        expect={
            "status": ["2xx", 301, "400-404"],
            "body_contains": "a",
            "json": [{"path": "a[0]", "op": ">", "value": 1}],
            "p95_ms": 800,
            "slow_in_row": {"ms": 10},
        },
    )
    stored = whole.model_dump_json(by_alias=True)
    again = HttpConfig.model_validate_json(stored)
    assert again == whole
    assert again.accepted == whole.accepted == frozenset([*range(200, 300), 301, *range(400, 405)])


def test_a_redirect_is_fine_when_it_is_not_followed() -> None:
    bare = HttpConfig.model_validate_json(config(follow_redirects=False).model_dump_json(by_alias=True))
    assert 302 in bare.accepted
    assert 302 not in config().accepted


def test_the_kind_describes_itself() -> None:
    made = HttpConfig.model_validate({"url": URL})
    assert KIND.target(made) == ("shop.example", 443)
    assert "shop.example" in KIND.describe(made)
    assert KIND.past(made).window_s == 0
    assert KIND.past(config(expect={"p95_ms": 1, "p95_window": "6h"})).window_s == 6 * 3600
    assert KIND.past(config(expect={"slow_in_row": {"ms": 5}})).window_s > 0
    assert made.model_json_schema()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("7d", 604800), ("250ms", 0.25), (90, 90), ("1.5", 1.5)],
)
def test_durations(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(0, 10**8))
def test_a_shown_duration_reads_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert abs(parse_duration(show_duration(seconds)) - seconds) < 1e-9


DOCUMENT = {"a": {"b": [{"c": 3}, {"c": None}], "x.y": True}, "list": [1, 2], "text": "abc"}


@pytest.mark.parametrize(
    ("path", "op", "value", "wanted"),
    [
        ("a.b[0].c", "==", 3, True),
        ("$.a.b[0].c", "==", 3.0, True),
        ("a.b[0].c", "==", "3", False),
        ("a.b[-1].c", "==", None, True),
        ("a.b[1].c", "exists", None, True),
        ("a.b[2].c", "exists", None, False),
        ("a.b[2].c", "exists", False, True),
        ('a["x.y"]', "==", True, True),
        ("a['x.y']", "==", 1, False),
        ("list.length", ">=", 2, True),
        ("list", "contains", 2, True),
        ("list", "contains", "2", False),
        ("text", "contains", "b", True),
        ("text", "<", "b", True),
        ("text", "<", 5, False),
        ("nothing", "!=", 5, False),
        ("a.b[0].c", "!=", "3", True),
        ("a.b[0].c", "<", 4, True),
        ("a.b[0].c", ">", True, False),
    ],
)
def test_json_paths_compare_with_types(path: str, op: str, value: object, wanted: bool) -> None:
    assert jsonpath.holds(jsonpath.read(DOCUMENT, path), op, value) is wanted


@given(st.text(max_size=40))
def test_no_path_and_no_url_breaks_the_readers(text: str) -> None:
    for reader in (jsonpath.parse, place, parse_duration):
        with contextlib.suppress(ValueError):
            reader(text)


@given(st.from_regex(r"https?://[a-z0-9.\[\]:-]{1,30}/[^\x00-\x1f]{0,20}", fullmatch=True))
def test_reading_a_read_url_changes_nothing(url: str) -> None:
    try:
        once = place(url)
    except ValueError:
        return
    assert place(once.url) == once
    assert once.url.isascii()
