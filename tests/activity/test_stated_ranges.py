"""A response about another range is not published as the range that was requested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import compare_range
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollResult
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from gong_exporter.simulator.api.simulator import Simulator
from tests.activity.rig import (
    activity,
    asked,
    client_of,
    listed,
    page_of,
    plan_of,
    poll_simulator,
    truth,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.logs import LogRecorder
from tests.support.simulator import running_simulator

DAY = ActivityFilter(from_date=date(2026, 3, 10), to_date=date(2026, 3, 11))
WEEK = ActivityFilter(from_date=date(2026, 3, 4), to_date=date(2026, 3, 11))
HOUR = 3600.0


def stating(start: str | None, end: str | None, zone: str | None = "US/Pacific") -> ActivityPage:
    page = page_of([activity("1")], time_zone=zone)
    return replace(page, from_date_time=start, to_date_time=end)


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2026-03-04T00:00:00-08:00", "2026-03-11T00:00:00-07:00", "US/Pacific"),
        ("2026-03-04T08:00:00Z", "2026-03-11T07:00:00Z", "US/Pacific"),
        ("2026-03-04T00:00:00", "2026-03-11T00:00:00", "US/Pacific"),
        ("2026-03-04T00:00:00-08:00", "2026-03-11T00:00:00-07:00", None),
        ("2026-03-04T00:00:00-08:00", "2026-03-10T23:59:59.999-07:00", "US/Pacific"),
        ("2026-03-04T00:00:00-08:00", "2026-03-10T00:00:00-07:00", "US/Pacific"),
        ("2026-03-04T17:30:00-08:00", None, "US/Pacific"),
        (None, None, "US/Pacific"),
        (None, "2026-03-11T00:00:00-07:00", "US/Pacific"),
        ("2026-03-04T00:00:00", "2026-03-11T00:00:00", None),
        ("2019-01-21T000:00:00-08:00", "2019-01-21T000:00:00-08:00", "US/Pacific"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "UTC"),
        ("", "tomorrow", "Mars/Olympus_Mons"),
    ],
)
def test_the_requested_week_is_stated_or_nothing_readable(
    start: str | None, end: str | None, zone: str | None
) -> None:
    assert compare_range(stating(start, end, zone), WEEK) is None


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-03T16:00:00-08:00", "2026-03-10T17:00:00-07:00", 8),
        ("2026-03-05T00:00:00-08:00", "2026-03-11T00:00:00-07:00", 24),
        ("2026-03-04T00:00:00-08:00", "2026-03-12T00:00:00-07:00", 24),
        ("2026-03-04T00:00:00-08:00", "2026-03-11T00:00:01-07:00", 1 / HOUR),
        ("2026-03-04T00:00:00-08:00", "2026-03-09T12:00:00-07:00", 12),
        ("2026-02-11T00:00:00-08:00", "2026-03-11T00:00:00-07:00", 21 * 24),
        ("2019-01-21T00:00:00-08:00", "2019-01-22T00:00:00-08:00", float("inf")),
        ("2026-03-05T00:00:00-08:00", "2026-03-04T00:00:00-08:00", float("inf")),
    ],
)
def test_another_range_is_stated(start: str, end: str, hours: float) -> None:
    stated = compare_range(stating(start, end), WEEK)
    assert stated is not None
    assert stated.start == datetime.fromisoformat(start).timestamp()
    assert stated.end == datetime.fromisoformat(end).timestamp()
    if hours != float("inf"):
        assert stated.difference == hours * HOUR
    else:
        assert stated.difference > 36 * HOUR


def test_a_day_that_clocks_skip_begins_when_the_next_one_does() -> None:
    """Samoa had no 30 December 2011."""
    skipped = ActivityFilter(from_date=date(2011, 12, 30), to_date=date(2012, 1, 1))
    page = stating("2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", "Pacific/Apia")
    assert compare_range(page, skipped) is None


class Shifted:
    """Gong behind a proxy that states the range with this offset, on these connections."""

    def __init__(self, offset: timedelta, *, also_on_new_connections: bool) -> None:
        self.offset = offset
        self.also_on_new_connections = also_on_new_connections
        self.connections = 0
        self.calls = 0

    def page(
        self, wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
    ) -> ActivityPage:
        self.calls += 1
        self.connections += new_connection
        offset = self.offset
        if new_connection and not self.also_on_new_connections:
            offset = timedelta()
        start = datetime.combine(wanted.from_date, datetime.min.time(), UTC) + offset
        end = datetime.combine(wanted.to_date, datetime.min.time(), UTC) + offset
        number = 1 if not offset else 99
        page = page_of([activity(cursor or "0", number)], total=2, cursor=None if cursor else "1")
        return replace(
            page, from_date_time=start.isoformat(), to_date_time=end.isoformat(), time_zone="UTC"
        )


def polled(source: Shifted) -> tuple[PollResult, LogRecorder]:
    recorder = LogRecorder()
    state = CompanyState(host="http://gong.test", time_zone="UTC")
    return poll(source, plan_of("1d", "7d"), state, FakeClock(), recorder.log), recorder


def test_another_range_is_requested_once_more_on_a_new_connection() -> None:
    source = Shifted(timedelta(days=-1), also_on_new_connections=False)
    result, recorder = polled(source)
    assert not result.failures
    for window in result.windows:
        assert {values[0] for values in window.users.values()} == {1}
        assert window.end_timestamp == datetime(2026, 3, 11, tzinfo=UTC).timestamp()
        assert not window.as_stated
    assert (source.calls, source.connections) == (8, 4)  # every page is checked
    assert recorder.messages == []


def test_a_range_that_is_at_most_36_hours_away_is_published_as_stated_with_one_warning() -> None:
    source = Shifted(timedelta(hours=36), also_on_new_connections=True)
    result, recorder = polled(source)
    assert not result.failures
    week = window_of(result, "7d")
    assert week.start_timestamp == (datetime(2026, 3, 4, tzinfo=UTC) + source.offset).timestamp()
    assert week.end_timestamp == (datetime(2026, 3, 11, tzinfo=UTC) + source.offset).timestamp()
    assert week.as_stated
    assert recorder.messages == ["Gong states another range than requested, which is published"]
    assert recorder.values[0]["requested"] == "2026-03-04 to 2026-03-11"
    assert recorder.values[0]["stated"] == "2026-03-05T12:00:00+00:00 to 2026-03-12T12:00:00+00:00"


@pytest.mark.parametrize("offset", [timedelta(hours=37), timedelta(hours=-37), timedelta(days=400)])
def test_a_range_that_is_further_away_is_an_invalid_response(offset: timedelta) -> None:
    result, _ = polled(Shifted(offset, also_on_new_connections=True))
    assert result.windows == ()
    for failure in result.failures:
        assert isinstance(failure.error, InvalidResponse)
        assert "states another range than the requested" in failure.error.message


@contextmanager
def company(*faults: str, users: int = 150) -> Iterator[tuple[Simulator, FixtureCompany]]:
    fixture = FixtureCompany(users)
    with running_simulator(fixture) as simulator:
        simulator.set_faults(*faults)
        yield simulator, fixture


@pytest.mark.parametrize("zone", [None, "US/Pacific"])
def test_a_response_that_states_january_2019_is_served_as_nothing(zone: str | None) -> None:
    with company("other-range") as (simulator, _):
        result = poll_simulator(simulator, FakeClock(), zone=zone)
    assert result.windows == ()
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert isinstance(failure.error, InvalidResponse)
    assert failure.error.request_id


@pytest.mark.parametrize("users", [80, 250], ids=["one page", "three pages"])
@pytest.mark.parametrize("entries", [(), tuple(map(user_id, range(40)))], ids=["all", "a list"])
def test_late_responses_on_a_connection_cost_calls_and_no_wrong_number(
    users: int, entries: tuple[str, ...]
) -> None:
    """Each request but the first on a connection gets the response to the one before it."""
    with company("late-response", users=users) as (simulator, fixture):
        clock, recorder = FakeClock(), LogRecorder()
        plan = plan_of(host=simulator.url, zone="US/Pacific")
        state = CompanyState(host=plan.host)
        if entries:
            plan = replace(plan, selection=listed(*entries))
            state = replace(state, known_users=dict.fromkeys(entries, ""))
        result = poll(client_of(simulator, clock), plan, state, clock, recorder.log)
        calls = len(asked(simulator))
    for window in result.windows:
        assert window.users == truth(fixture, window.start, window.end, entries or None)
    if users == 80 or entries:
        assert not result.failures
        assert calls == 5  # 1d and 7d are requested twice


@pytest.mark.parametrize("fault", ["malformed-date-times", "null-members"])
def test_a_range_that_is_malformed_or_absent_is_tolerated(fault: str) -> None:
    with company(fault) as (simulator, fixture):
        result = poll_simulator(simulator, FakeClock(), zone="US/Pacific")
        assert len(asked(simulator)) == 6
    assert not result.failures
    for window in result.windows:
        assert window.users == truth(fixture, window.start, window.end)
