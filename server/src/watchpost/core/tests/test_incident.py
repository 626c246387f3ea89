from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchpost.core.incident import (
    EXPLAINS,
    Member,
    OpenIncident,
    causes,
    headline,
    is_over,
    muted,
    place,
    severity,
    snooze_over,
    tell_again,
)
from watchpost.core.title import title
from watchpost.core.types import Severity

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)


def s(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def member(
    monitor: int = 1,
    code: str = "site.error_status",
    began: float = 0,
    *,
    sev: Severity = Severity.ERROR,
    rank: int = 0,
    lasting: bool = False,
    shares: str = "host:shop",
    subject: str = "",
    left: float | None = None,
    joined: float | None = None,
) -> Member:
    return Member(
        monitor, "", code, subject, sev, f"{code} happened.", "Fix it.", rank, lasting,
        frozenset(shares.split()), s(began), s(began + 3 if joined is None else joined),
        None if left is None else s(left), f"m{monitor}",
    )  # fmt: skip


def incident(
    *members: Member, number: int = 7, project: int = 1, environment: str = "production"
) -> OpenIncident:
    return OpenIncident(number, project, environment, "open", severity(members), members)


def joined(candidate: Member, *incidents: OpenIncident, interval_s: float = 60) -> int | None:
    return place(candidate, 1, "production", interval_s, incidents).incident_id


CERT = {"code": "tls.expires_soon", "subject": "cert:ab", "lasting": True}


@pytest.mark.parametrize(
    ("why", "candidate", "there", "expected"),
    [
        ("same host, soon", member(2, began=60), [incident(member())], 7),
        ("nothing shared", member(2, began=60, shares="host:blog"), [incident(member())], None),
        ("same host, at the edge", member(2, began=303), [incident(member())], 7),
        ("same host, too late", member(2, began=304), [incident(member())], None),
        ("the latest join counts", member(3, began=500), [incident(member(), member(2, began=290))], 7),
        ("began earlier, seen later", member(2, began=-200), [incident(member())], 7),
        ("began long before", member(2, began=-400), [incident(member())], None),
        ("other project", member(2, began=5), [incident(member(), project=2)], None),
        ("other environment", member(2, began=5), [incident(member(), environment="staging")], None),
        ("lasting joins no outage", member(2, began=5, **CERT), [incident(member())], None),
        ("an outage joins no lasting one", member(2, began=5), [incident(member(**CERT))], None),
        ("not even of the same monitor", member(1, began=5), [incident(member(1, **CERT))], None),
        ("identical lasting, days later", member(2, began=9e5, **CERT), [incident(member(**CERT))], 7),
        ("lasting, other subject", member(2, code="tls.expires_soon", subject="x", lasting=True),
         [incident(member(**CERT))], None),
        ("lasting, but not there", member(2, began=5, **CERT),
         [incident(member(code="tls.expires_soon", subject="cert:ab"))], None),
        ("left and back, hours later", member(1, began=9000), [incident(member(left=50), member(2))], 7),
        ("another code of a member", member(1, "dns.gone", 9000, shares=""), [incident(member())], 7),
        ("the nearest of two", member(3, began=250),
         [incident(member(), number=1), incident(member(2, began=240), number=2)], 2),
        ("whatever the order", member(3, began=250),
         [incident(member(2, began=240), number=1), incident(member(), number=2)], 1),
    ],
)  # fmt: skip
def test_the_join_rule(why: str, candidate: Member, there: list[OpenIncident], expected: int | None) -> None:
    assert joined(candidate, *there) == expected, why


def test_a_slow_monitor_has_a_longer_window() -> None:
    late = member(2, began=3600)
    assert joined(late, incident(member()), interval_s=60) is None
    assert joined(late, incident(member()), interval_s=3600) == 7


def test_reasons_name_what_is_shared() -> None:
    said = place(member(2, began=5), 1, "production", 60, [incident(member())]).reason
    assert said == "It has the host shop in common and began within 5 min of the one before."


def test_a_shared_certificate_is_named_as_people_can_read_it() -> None:
    token = frozenset({"cert:" + "ab" * 32})
    one, two = replace(member(), shares=token), replace(member(2, began=5), shares=token)
    said = place(two, 1, "production", 60, [incident(one)]).reason
    assert said.startswith("It has the certificate abababababababab in common")


MEMBERS = st.builds(
    member,
    st.integers(1, 4),
    st.sampled_from(["site.error_status", "tls.expires_soon", "dns.gone"]),
    st.integers(-2000, 2000),
    sev=st.sampled_from([Severity.WARNING, Severity.ERROR, Severity.CRITICAL]),
    rank=st.integers(0, 3),
    lasting=st.booleans(),
    shares=st.sampled_from(["", "host:a", "host:b", "host:a addr:1"]),
    left=st.none() | st.integers(2000, 3000),
)
SOME = st.lists(MEMBERS, min_size=1, max_size=5)


@settings(max_examples=300, deadline=None)
@given(
    MEMBERS,
    st.lists(st.tuples(SOME, st.integers(1, 2), st.sampled_from(["production", "staging"])), max_size=4),
)
def test_never_across_projects_environments_or_tempers(
    candidate: Member, there: list[tuple[list[Member], int, str]]
) -> None:
    incidents = [incident(*m, number=n, project=p, environment=e) for n, (m, p, e) in enumerate(there)]
    placement = place(candidate, 1, "production", 60, incidents)
    assert placement.reason
    if placement.incident_id is None:
        return
    chosen = incidents[placement.incident_id]
    assert (chosen.project_id, chosen.environment) == (1, "production")
    assert any(m.lasting == candidate.lasting for m in chosen.members)
    if candidate.lasting:
        assert any((m.code, m.subject) == (candidate.code, candidate.subject) for m in chosen.members)
    else:
        assert any(
            not m.lasting and (m.monitor_id == candidate.monitor_id or m.shares & candidate.shares)
            for m in chosen.members
        )


def test_an_explanation_outranks_a_worse_symptom() -> None:
    why = member(1, "database.too_many_connections", 30, sev=Severity.ERROR, rank=40)
    symptom = member(2, sev=Severity.CRITICAL)
    assert headline([symptom, why]) is why
    assert [c.code for c in causes([symptom, why])] == [why.code, symptom.code]
    assert severity([symptom, why]) is Severity.CRITICAL
    assert title([symptom, why]) == "m1: database.too_many_connections happened. m2 at shop is down, too"


@pytest.mark.parametrize(
    ("members", "over", "expected"),
    [
        ([member()], False, "m1: site.error_status happened."),
        ([member(), member(code="tls.expired")], False, "m1: site.error_status happened."),
        (
            [member(1), member(2), member(3)],
            False,
            "m1: site.error_status happened. 2 more at shop are down, too",
        ),
        (
            [member(1), member(2), member(3, left=9)],
            False,
            "m1: site.error_status happened. m2 at shop is down, too",
        ),
        ([member(1), member(2, left=9)], False, "m1: site.error_status happened."),
        (
            [member(1, left=8), member(2, left=9)],
            True,
            "m1: site.error_status happened. m2 at shop was down, too",
        ),
        ([member(1, left=9)], True, "m1: site.error_status happened."),
        (
            [member(1, shares="host:a addr:192.0.2.1"), member(2, shares="host:b addr:192.0.2.1")],
            False,
            "m1: site.error_status happened. m2 at 192.0.2.1 is down, too",
        ),
        (
            [member(1, shares="host:a"), member(2, shares="host:b")],
            False,
            "m1: site.error_status happened. m2 is down, too",
        ),
        (
            [member(1), member(2, sev=Severity.WARNING)],
            False,
            "m1: site.error_status happened. m2 at shop is degraded, too",
        ),
        (
            [member(1, sev=Severity.WARNING), member(2, sev=Severity.WARNING)],
            False,
            "m1: site.error_status happened. m2 at shop is degraded, too",
        ),
    ],
)
def test_the_title_of_several_says_why_how_many_and_where(
    members: list[Member], over: bool, expected: str
) -> None:
    assert title(members, over) == expected


WHY = member(1, "database.too_many_connections", 30, rank=EXPLAINS)


@pytest.mark.parametrize(
    ("members", "over", "expected"),
    [
        ([member(2), WHY], False, "m2 is down, too"),
        ([member(2), member(2, "site.slow"), member(3), WHY], False, "m2 and m3 are down, too"),
        ([member(2, left=9), replace(WHY, left_at=s(9))], True, "m2 was down, too"),
        ([member(2, sev=Severity.WARNING), WHY], False, "m2 is degraded, too"),
        ([member(2), replace(WHY, severity=Severity.WARNING)], False, "m2 is down"),
        ([WHY], False, ""),
        ([member(2, left=9), WHY], False, ""),
    ],
)
def test_a_cause_heads_the_title_and_symptoms_follow(
    members: list[Member], over: bool, expected: str
) -> None:
    assert title(members, over) == f"m1: database.too_many_connections happened. {expected}".strip()


def test_what_does_not_explain_enough_is_counted_as_ever() -> None:
    almost = replace(WHY, rank=EXPLAINS - 1)
    expected = "m1: database.too_many_connections happened. 2 more at shop are down, too"
    assert title([member(2), member(3), almost]) == expected


def test_several_that_see_one_change_are_titled_with_its_sentence_not_as_a_fleet() -> None:
    of = {"code": "dns.name_servers_changed", "subject": "shop", "lasting": True}
    both = [member(1, **of), member(2, **of)]
    assert title(both) == title(both, over=True) == "dns.name_servers_changed happened."
    other = replace(both[1], sentence="Others went.")
    for apart in (other, replace(both[1], subject="blog"), replace(both[1], code="dns.ds_changed")):
        assert (
            title([both[0], apart]) == "m1: dns.name_servers_changed happened. m2 at shop is in trouble, too"
        )
    assert title([*both, replace(other, left_at=s(9))]) == "dns.name_servers_changed happened."
    assert title([*both, other]).endswith("happened. m2 at shop is in trouble, too")


def test_then_severity_then_beginning() -> None:
    early, late = member(1, began=0), member(2, began=5)
    worse = member(3, began=9, sev=Severity.CRITICAL)
    assert headline([late, early]) is early
    assert headline([late, early, worse]) is worse
    assert headline([late, early, member(3, sev=Severity.CRITICAL, left=9)]) is early  # it left
    gone = [member(1, left=5), member(2, sev=Severity.CRITICAL, left=5)]
    assert headline(gone) is gone[1]


@pytest.mark.parametrize("way", ["dns", "connect", "timeout", "reset"])
@pytest.mark.parametrize("kind", ["tls", "tcp"])
def test_of_equals_the_page_that_does_not_answer_comes_before_its_port_and_its_certificate(
    way: str, kind: str
) -> None:
    """Whoever looks first is chance; the sentence of the incident must not be."""
    page, port = (f"{name}.unreachable.{way}" for name in ("site", kind))
    first, then = member(1, port, 0, rank=60), member(2, page, 5, rank=60)
    assert headline([first, then]) is then
    assert [c.code for c in causes([first, then])] == [page, port]
    for better in (replace(first, rank=61), replace(first, severity=Severity.CRITICAL)):
        assert headline([better, then]) is better
    slow = replace(then, code="site.slow.total")
    assert headline([first, slow]) is first


@given(SOME)
def test_causes_are_unique_best_first_and_led_by_the_headline(members: list[Member]) -> None:
    found = causes(members)
    assert len({c.code for c in found}) == len(found)
    assert found[0].code == headline(members).code
    assert all(0 < c.confidence <= 95 for c in found)


def test_it_is_over_when_all_left_and_none_flaps() -> None:
    gone, still = member(1, left=10), member(2)
    assert is_over([gone], frozenset())
    assert not is_over([gone, still], frozenset())
    assert not is_over([gone], frozenset({1}))
    assert is_over([gone], frozenset({2}))


@pytest.mark.parametrize(
    ("state", "told_s", "snooze_s", "resend_s", "expected"),
    [
        ("open", 0, None, 100, True),
        ("open", 1, None, 100, False),
        ("acknowledged", 0, None, 100, False),
        ("open", 0, 101, 100, False),
        ("open", 0, 100, 100, True),
        ("open", None, None, 100, False),
        ("open", 0, None, 0, False),
    ],
)
def test_resend(state: str, told_s: int | None, snooze_s: int | None, resend_s: int, expected: bool) -> None:
    it = OpenIncident(
        1, 1, "production", state, Severity.ERROR, (member(),), None,
        None if snooze_s is None else s(snooze_s), None if told_s is None else s(told_s),
    )  # fmt: skip
    assert tell_again(it, resend_s, s(100)) is expected


def test_snooze_mutes_until_it_is_over_or_broken_by_a_rise() -> None:
    it = OpenIncident(1, 1, "production", "open", Severity.ERROR, (member(),), None, s(100))
    assert muted(it, False, s(99))
    assert not muted(it, True, s(99))
    assert not muted(it, False, s(100))
    assert (snooze_over(it, s(99)), snooze_over(it, s(100))) == (False, True)


def test_an_incident_held_open_by_flapping_is_not_told_as_being_down() -> None:
    long_ago = member(1, began=-3600, left=-3000)
    twice = [member(1, began=0, left=60), member(1, began=600, left=700)]
    expected = "m1 was down twice in 30 min and is up now; held open until it holds still"
    assert title([long_ago, *twice]) == expected.replace("twice", "2 times")
    both = title([*twice, member(2, began=600, left=650)])
    assert both == "m1 and 1 more were down 2 times in 30 min and are up now; held open until they hold still"


def test_one_outage_that_many_see_is_counted_once() -> None:
    seen = [member(i, began=i, left=60 + i) for i in range(14)]
    again = [member(i, began=600 + i, left=660) for i in range(14)]
    assert title([*seen, *again]).startswith("m0 and 13 more were down 2 times in 30 min and are up now")
    assert "were down once in" in title(seen)


def test_a_child_is_told_only_under_a_parent_it_follows() -> None:
    port = member(1, "tcp.refused", rank=60, shares="monitor:1 addr:192.0.2.1")
    redis = member(2, "health.failing", rank=50, shares="monitor:2 addr:192.0.2.1")
    worker = member(3, rank=70, shares="monitor:3 monitor:2 addr:192.0.2.1")
    assert title([port, redis, worker]) == "m1: tcp.refused happened. 2 more at 192.0.2.1 are down, too"
    mine = member(4, shares="monitor:4 under:1")
    grandchild = member(5, shares="monitor:5 monitor:4")
    expected = "m1: tcp.refused happened. 2 that depend on it are down, too: m4 and m5; and 2 more"
    assert title([port, redis, worker, mine, grandchild]) == expected


def test_a_place_is_an_address_only_if_that_is_the_one_in_trouble() -> None:
    both = "addr:127.0.8.1 addr:127.0.8.2"
    slow = [member(i, lasting=True, subject="old", shares=f"host:{i} {both}") for i in (1, 2, 3)]
    slow[1] = replace(slow[1], sentence="Other words.")
    assert title(slow) == "m1: site.error_status happened. 2 more are in trouble, too"
    dead = [member(i, subject="127.0.8.2", shares=f"host:{i} {both}") for i in (1, 2, 3)]
    dead[1] = replace(dead[1], sentence="Other words.")
    assert title(dead).endswith("2 more at 127.0.8.2 are down, too")
    mild = [replace(one, severity=Severity.WARNING) for one in slow]
    assert title(mild).endswith("2 more are in trouble, too")


def test_slow_trouble_brings_nothing_down_but_the_outage_beside_it_does() -> None:
    outage = [member(2), member(2, "tls.expires_soon", lasting=True, sev=Severity.WARNING)]
    assert title([member(1), *outage]).endswith("m2 at shop is down, too")


def test_who_comes_back_is_told_as_one_who_was_there() -> None:
    """Not as one who still is: the line above it in the timeline says that it had left."""
    gone = replace(member(), left_at=s(9))
    said = place(member(began=20, code="site.wrong_content"), 1, "production", 60, [incident(gone)]).reason
    assert said.endswith("was in this incident before.")


def test_what_explains_is_never_less_likely_than_what_it_explains() -> None:
    """Every monitor that is in trouble beside a reason speaks for the reason."""
    symptoms = [member(i, rank=50) for i in (2, 3, 4)]
    assert [c.confidence for c in causes([*symptoms, WHY])] == [95, 90]
    lone = causes([replace(WHY, rank=20), *(replace(one, rank=10) for one in symptoms)])
    assert [c.confidence for c in lone] == sorted((c.confidence for c in lone), reverse=True)
    assert [c.confidence for c in causes([WHY])] == [80], "alone it has nobody who speaks for it"


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        ("Static files", "are"), ("Shop: product pages", "are"), ("Home page", "is"), ("Order status", "is"),
        ("Redis", "is"), ("Postgres", "is"), ("Shop DNS", "is"), ("https://shop.example/news", "is"),
    ],
)  # fmt: skip
def test_a_name_in_the_plural_has_its_verb(name: str, verb: str) -> None:
    other = replace(member(2), name=name)
    assert title([member(1), other]) == f"m1: site.error_status happened. {name} at shop {verb} down, too"
    was = {"is": "was", "are": "were"}[verb]
    assert title([replace(member(1), left_at=s(8)), replace(other, left_at=s(9))], over=True).endswith(
        f"{name} at shop {was} down, too"
    )
