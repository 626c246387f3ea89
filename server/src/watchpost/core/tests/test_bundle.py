from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchpost.core.bundle import Waiting, is_storm, parcels, pause_s

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)


def rows(*events: str, incident: int | None = 7) -> list[Waiting]:
    return [Waiting(i, incident, event, NOW) for i, event in enumerate(events, 1)]


def shapes(found: list[Waiting], together: bool = True) -> list[tuple[tuple[int, ...], str]]:
    return [(parcel.rows, parcel.event) for parcel in parcels(found, together)]


def test_a_webhook_gets_the_oldest_row_alone() -> None:
    assert shapes(rows("opened", "updated", "resolved"), together=False) == [((1,), "opened")]


def test_people_get_the_beginning_with_all_that_joined_it() -> None:
    assert shapes(rows("opened", "updated", "acknowledged")) == [((1, 2, 3), "opened")]


def test_a_beginning_and_its_end_are_two_messages() -> None:
    assert shapes(rows("opened", "updated", "resolved")) == [((1, 2), "opened")]


def test_updates_that_still_wait_go_with_the_end() -> None:
    assert shapes(rows("updated", "updated", "resolved")) == [((1, 2, 3), "resolved")]


def test_an_acknowledgement_among_updates_is_what_the_message_says() -> None:
    assert shapes(rows("updated", "acknowledged", "updated")) == [((1, 2, 3), "acknowledged")]


def test_tests_without_an_incident_go_each_by_itself() -> None:
    assert shapes(rows("test", "test", incident=None)) == [((1,), "test"), ((2,), "test")]


def test_what_waits_is_taken_along_by_what_is_due() -> None:
    [parcel] = parcels([Waiting(1, 7, "updated", LATER), Waiting(2, 7, "updated", NOW)], True)
    assert parcel.is_due(NOW)
    [alone] = parcels([Waiting(1, 7, "updated", LATER)], True)
    assert not alone.is_due(NOW)
    assert alone.is_due(LATER)


def test_a_failed_attempt_waits_out_its_pause_whatever_has_come_after_it() -> None:
    [parcel] = parcels([Waiting(1, 7, "opened", LATER, attempts=1), Waiting(2, 7, "updated", NOW)], True)
    assert not parcel.is_due(NOW)


def test_the_fourth_message_of_a_minute_waits_ten_seconds_from_the_third() -> None:
    sent = [NOW, NOW + timedelta(seconds=1)]
    assert pause_s(sent, NOW + timedelta(seconds=2)) == 0
    sent.append(NOW + timedelta(seconds=2))
    assert pause_s(sent, NOW + timedelta(seconds=5)) == 7
    assert pause_s(sent, NOW + timedelta(seconds=12)) == 0
    assert is_storm(sent, NOW + timedelta(seconds=12))
    assert not is_storm(sent, NOW + timedelta(seconds=61))


EVENTS = st.sampled_from(["opened", "updated", "acknowledged", "resolved"])
OUTBOX = st.lists(st.tuples(st.integers(1, 3), EVENTS, st.booleans()), max_size=20)


@given(OUTBOX, st.booleans())
def test_whatever_waits_every_row_goes_once_and_in_the_order_of_its_incident(
    drawn: list[tuple[int, str, bool]], together: bool
) -> None:
    left = [
        Waiting(i, incident, event, LATER if late else NOW) for i, (incident, event, late) in enumerate(drawn)
    ]
    gone: list[int] = []
    while left:
        found = parcels(left, together)
        taken = {row for parcel in found for row in parcel.rows}
        assert taken
        gone += sorted(taken)
        left = [row for row in left if row.id not in taken]
    assert sorted(gone) == list(range(len(drawn)))
    for incident in (1, 2, 3):
        own = [i for i in gone if drawn[i][0] == incident]
        assert own == sorted(own)
