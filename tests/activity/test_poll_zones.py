"""The company's days in every zone: learned, moved, configured, and never ahead of the company."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.windows import day_start, describe_zone
from gong_exporter.gong.errors import (
    BadRequest,
    InvalidResponse,
    ServerError,
)
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from gong_exporter.simulator.api.faults import Fault
from tests.activity.rig import (
    Answering,
    activity,
    asked,
    fail_after,
    page_of,
    plan_of,
    poll_simulator,
    truth,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.logs import LogRecorder, no_log
from tests.support.simulator import running_simulator

COMPANY = FixtureCompany(150)
"""In US/Pacific, where it is Wednesday, 11 March 2026."""


FROM_END_TO_END = [
    "Etc/GMT+12",
    "Pacific/Pago_Pago",
    "Pacific/Honolulu",
    "US/Pacific",
    "America/Sao_Paulo",
    "Etc/UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]


@pytest.mark.parametrize("zone", FROM_END_TO_END)
@pytest.mark.parametrize(
    "now",
    [
        "2025-12-31T23:59:59Z",
        "2026-01-01T00:00:01Z",
        "2026-01-01T09:59:59Z",
        "2026-01-01T10:00:00Z",
        "2026-01-01T11:59:59Z",
        "2026-01-01T12:00:00Z",
        "2028-02-29T12:00:00Z",
    ],
)
def test_no_date_is_requested_that_the_company_has_not_reached(zone: str, now: str) -> None:
    """The simulated API refuses such a date, as Gong does."""
    clock = FakeClock(datetime.fromisoformat(now))
    company = FixtureCompany(3, time_zone=zone)
    with running_simulator(company, now=clock.datetime) as simulator:
        result = poll_simulator(simulator, clock)
        statuses = {entry.status for entry in simulator.journal.entries()}
    today = clock.datetime().astimezone(ZoneInfo(zone)).date()
    assert not result.failures
    assert statuses == {200}
    assert {window.end for window in result.windows} == {today}
    assert {window.end_timestamp for window in result.windows} <= {day_start(today, ZoneInfo(zone))}


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from([*FROM_END_TO_END, "Pacific/Apia", "America/Havana", "Asia/Beirut"]),
    now=st.floats(1_325_000_000, 2_145_000_000),
    known=st.sampled_from([None, "the zone"]),
)
def test_no_such_date_is_requested_at_any_time_in_any_zone(
    zone: str, now: float, known: str | None
) -> None:
    clock = FakeClock(now)

    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        today = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).date()
        assert wanted.from_date < wanted.to_date <= today
        return page_of([activity("1")], time_zone=zone)

    company_state = CompanyState(host="http://gong.test", time_zone=zone if known else None)
    plan = plan_of("1d", "7d", "28d", "400d", "wtd", "mtd", "qtd", "ytd")
    assert not poll(Answering(answer), plan, company_state, clock, no_log()).failures


@pytest.mark.parametrize(
    ("known", "moved_to", "statuses"),
    [
        # Eastward the answers name another zone; westward our date is not over there yet.
        ("Pacific/Honolulu", "Pacific/Auckland", [200, 200, 200, 200]),
        ("Pacific/Auckland", "Pacific/Honolulu", [400, 200, 200, 200, 200]),
        ("US/Pacific", "US/Eastern", [200, 200, 200, 200]),
    ],
)
def test_a_company_that_moved_to_another_zone_gets_its_new_days_in_the_same_poll(
    known: str, moved_to: str, statuses: list[int]
) -> None:
    clock, recorder = FakeClock(datetime(2026, 3, 11, 5, tzinfo=UTC)), LogRecorder()
    company = FixtureCompany(3, time_zone=moved_to)
    with running_simulator(company, now=clock.datetime) as simulator:
        result = poll_simulator(simulator, clock, known_zone=known, log=recorder.log)
        got = [entry.status for entry in simulator.journal.entries()]
    today = clock.datetime().astimezone(ZoneInfo(moved_to)).date()
    assert not result.failures
    assert result.company_state.time_zone == moved_to
    for window in result.windows:
        assert window.end == today
        assert window.end_timestamp == day_start(today, ZoneInfo(moved_to))
        assert window.users == truth(company, window.start, today)
    assert got == statuses
    assert recorder.messages[-1] == "the company's time zone has changed"
    assert recorder.values[-1] == {"time_zone": moved_to}


def test_after_refused_ranges_the_zone_is_requested_once_in_a_poll() -> None:
    """A company that did not move: something else is wrong with the request."""
    today = date(2026, 3, 11)

    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if wanted.to_date == today:
            raise BadRequest(400)
        return page_of([activity("1")], time_zone="US/Pacific")

    source = Answering(answer)
    company_state = CompanyState(host="http://gong.test", time_zone="US/Pacific")
    result = poll(source, plan_of(), company_state, FakeClock(), no_log())
    assert result.windows == ()
    assert len(source.calls) == 4  # three windows, and the question


def test_another_name_for_the_same_days_costs_no_call() -> None:
    clock, recorder = FakeClock(), LogRecorder()
    with running_simulator(FixtureCompany(3, time_zone="America/Los_Angeles")) as simulator:
        result = poll_simulator(simulator, clock, known_zone="US/Pacific", log=recorder.log)
        assert len(asked(simulator)) == 3
    assert (result.company_state.time_zone, recorder.warnings) == ("America/Los_Angeles", [])


@pytest.mark.parametrize("month", [3, 11], ids=["the end moves", "the start moves"])
def test_a_zone_that_changes_either_end_of_a_window_is_another_zone(month: int) -> None:
    """Arizona has no summer time: of 28 days before 11 March or November, one end differs."""
    clock = FakeClock(datetime(2026, month, 11, 18, tzinfo=UTC))
    with running_simulator(FixtureCompany(3, "US/Arizona"), now=clock.datetime) as simulator:
        result = poll_simulator(simulator, clock, "28d", known_zone="US/Mountain")
    window = window_of(result, "28d")
    assert window.end_timestamp - window.start_timestamp == 28 * 86_400


def test_a_new_zone_is_remembered_even_if_no_window_is_fetched() -> None:
    source = Answering(fail_after(1, ServerError(500)))
    company_state = CompanyState(host="http://gong.test", time_zone="US/Pacific")
    result = poll(source, plan_of(), company_state, FakeClock(), no_log())
    assert (result.windows, result.company_state.time_zone) == ((), "UTC")


def test_a_zone_that_changes_with_every_response_is_not_used() -> None:
    zones = iter(["Asia/Tokyo", "US/Pacific"] * 9)
    source = Answering(lambda *_: page_of([activity("1")], time_zone=next(zones)))
    company_state = CompanyState(host="http://gong.test", time_zone="Etc/UTC")
    result = poll(source, plan_of(), company_state, FakeClock(), no_log())
    assert result.failures
    assert {type(failure.error) for failure in result.failures} == {InvalidResponse}
    assert {window.end_timestamp for window in result.windows} <= {
        day_start(date(2026, 3, 12), ZoneInfo("Asia/Tokyo"))
    }
    assert len(source.calls) <= 6


def test_a_configured_zone_is_used_and_the_difference_logged_once() -> None:
    clock, recorder = FakeClock(), LogRecorder()
    with running_simulator(COMPANY) as simulator:
        result = poll_simulator(
            simulator, clock, zone="US/Eastern", known_zone="Asia/Tokyo", log=recorder.log
        )
    assert {window.end_timestamp for window in result.windows} == {
        datetime(2026, 3, 11, 4, tzinfo=UTC).timestamp()
    }
    (values,) = recorder.values
    assert (values["configured"], values["company"]) == ("US/Eastern", "US/Pacific")
    assert values["advice"] == "set gong.time_zone to US/Pacific, or remove it"
    assert recorder.warnings[0][1] is not None  # Gong's requestId


def test_a_configured_zone_ahead_of_the_company_fails_and_is_not_overridden() -> None:
    clock = FakeClock(datetime(2026, 3, 11, 5, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        result = poll_simulator(simulator, clock, zone="Pacific/Auckland")
        assert len(asked(simulator)) == 3
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert isinstance(failure.error, BadRequest)
    assert "gong.time_zone" in failure.error.advice


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("unknown-time-zone", "an unknown time zone 'Mars/Olympus_Mons'"),
        ("null-time-zone", "no time zone"),
    ],
)
def test_a_zone_that_cannot_be_learned_is_one_failure_with_advice(fault: str, named: str) -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        result = poll_simulator(simulator, clock)
        assert len(asked(simulator)) == 1
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert failure.error.message == f"the response has {named}: set gong.time_zone"
    assert (result.windows, result.retry_at) == ((), None)


@pytest.mark.parametrize("configured", [None, "US/Pacific"])
@pytest.mark.parametrize(
    ("fault", "messages"),
    [
        ("unknown-time-zone", ["the response has an unknown time zone"]),
        ("null-time-zone", []),
    ],
)
def test_a_known_zone_stays_if_the_response_has_no_known_one(
    fault: str, messages: list[str], configured: str | None
) -> None:
    clock, recorder = FakeClock(), LogRecorder()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        result = poll_simulator(
            simulator, clock, zone=configured, known_zone="US/Pacific", log=recorder.log
        )
    assert not result.failures
    assert result.company_state.time_zone == "US/Pacific"
    assert recorder.messages == messages


def test_the_zone_cannot_be_learned_if_an_empty_listing_is_a_404() -> None:
    clock = FakeClock()
    company = FixtureCompany(3, silent=range(3))
    with running_simulator(company, faults=(Fault("empty-is-404"),)) as simulator:
        result = poll_simulator(simulator, clock)
    (failure,) = result.failures
    assert failure.error.message.endswith("set gong.time_zone")


@pytest.mark.parametrize("empty_is_404", [False, True])
def test_an_empty_window_is_empty_in_both_readings(empty_is_404: bool) -> None:  # noqa: FBT001 - a case
    """On Monday, yesterday was a Sunday; users with an even number do nothing then."""
    clock = FakeClock(datetime(2026, 3, 9, 18, tzinfo=UTC))
    company = FixtureCompany(3, silent=[1])
    readings = (Fault("empty-is-404"),) if empty_is_404 else ()
    with running_simulator(company, now=clock.datetime, faults=readings) as simulator:
        result = poll_simulator(simulator, clock, known_zone="US/Pacific")
        calls = len(asked(simulator))
    assert not result.failures
    assert window_of(result, "1d").users == {}
    assert len(window_of(result, "7d").users) == 2
    assert calls == (4 if empty_is_404 else 3)  # a 404 is asked for twice


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Mars/Olympus_Mons", "'Mars/Olympus_Mons'"),
        ("Etc/GMT+25", "'Etc/GMT+25'"),
        ("Basic QUNDRVNTS0VZOnNlY3JldA==", "(not the name of a time zone)"),
        ("x" * 33, "(not the name of a time zone)"),
        ("Mars/Olympus_Mons\n", "(not the name of a time zone)"),
    ],
)
def test_only_text_that_looks_like_a_zone_name_is_shown(name: str, shown: str) -> None:
    assert describe_zone(name) == shown
