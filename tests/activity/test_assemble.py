"""From a listing to columns: the documented counters, and undocumented ones."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.activity.fetch import Listing
from gong_exporter.activity.snapshot import METRICS, WindowData, build_window, metric_name
from gong_exporter.activity.windows import DayRange, parse_window
from gong_exporter.gong.records import COUNTERS, UserActivity
from tests.support.logs import LogRecorder


def assembled(*users: UserActivity) -> tuple[WindowData, LogRecorder]:
    recorder = LogRecorder()
    data = build_window(
        window=parse_window("1d"),
        days=DayRange(date(2026, 3, 7), date(2026, 3, 8)),
        zone=ZoneInfo("US/Pacific"),
        listing=Listing(users=users, time_zone=None, pages=2),
        covered=frozenset("12"),
        fetched_at=5.0,
        fingerprint="f",
        log=recorder.log,
    )
    return data, recorder


def user(user_id: str, **counters: int) -> UserActivity:
    return UserActivity(user_id=user_id, email=None, counters=counters)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("callsAsHost", "calls_as_host"),
        ("callsMarkedAsFeedbackReceived", "calls_marked_as_feedback_received"),
        ("ownCallsListenedTo", "own_calls_listened_to"),
        ("callsSummarizedByAI", "calls_summarized_by_ai"),
        ("AICallsSummarized", "ai_calls_summarized"),
        ("calls2Go", "calls2_go"),
        ("calls_already_snake", "calls_already_snake"),
        ("X", "x"),
    ],
)
def test_a_metric_is_the_field_in_snake_case(field: str, name: str) -> None:
    assert metric_name(field) == name


def test_the_documented_counters_are_the_columns_in_the_order_of_the_vendors_page() -> None:
    data, recorder = assembled(user("1", **dict(zip(COUNTERS, range(15), strict=True))))
    assert (data.metrics, data.users) == (METRICS, {"1": tuple(range(15))})
    assert recorder.messages == []


def test_a_counter_that_is_missing_is_unknown() -> None:
    data, _ = assembled(user("1", callsAsHost=0, callsAttended=4))
    assert data.users["1"] == (0, *(None,) * 9, 4, *(None,) * 4)


def test_undocumented_counters_follow_and_are_unknown_for_those_without() -> None:
    data, recorder = assembled(user("1", callsWhispered=2), user("2", callsByAI=3))
    assert data.metrics == (*METRICS, "calls_by_ai", "calls_whispered")
    assert [values[15:] for values in data.users.values()] == [(None, 2), (3, None)]
    assert recorder.messages == []


def test_a_counter_with_the_name_of_another_one_is_left_out() -> None:
    data, recorder = assembled(user("1", callsAsHost=1, calls_as_host=99, callsNew=2, calls_new=3))
    assert data.metrics == (*METRICS, "calls_new")
    assert (data.users["1"][0], data.users["1"][15]) == (1, 2)
    assert recorder.messages == ["a counter with the name of another one is left out"] * 2
    assert recorder.values == [{"counter": "calls_as_host"}, {"counter": "calls_new"}]


def test_the_number_of_undocumented_counters_is_bounded() -> None:
    users = [user(str(n), **{f"calls{n:03}": n}) for n in range(80)]
    data, recorder = assembled(*users)
    assert len(data.metrics) == 15 + 50
    assert recorder.messages == ["too many undocumented counters: the rest is left out"]
    assert len(data.users) == 80


def test_timestamps_are_the_starts_of_the_days_in_the_companys_zone() -> None:
    """Clocks go forward on the 8th, at 2."""
    data, _ = assembled()
    assert (data.start, data.end) == (date(2026, 3, 7), date(2026, 3, 8))
    assert data.end_timestamp - data.start_timestamp == 24 * 3600
    assert data.end_timestamp == 1_772_956_800
    assert (data.fetched_at, data.fingerprint) == (5.0, "f")
    assert data.covered == frozenset({"1", "2"})


def test_only_known_addresses_are_kept() -> None:
    people = [("1", "a@acme.example"), ("2", None), ("3", "")]
    data, _ = assembled(*(UserActivity(user_id=n, email=e, counters={}) for n, e in people))
    assert data.emails == {"1": "a@acme.example"}
