"""One poll, over real sockets against the simulated API: windows, zones, failures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.snapshot import METRICS
from gong_exporter.activity.windows import day_start
from tests.activity.rig import (
    asked,
    client_of,
    plan_of,
    poll_simulator,
    ranges,
    truth,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.logs import LogRecorder, no_log
from tests.support.simulator import running_simulator

COMPANY = FixtureCompany(150)
"""In US/Pacific, where it is Wednesday, 11 March 2026."""


def test_a_first_poll_learns_the_zone_and_then_fetches_every_window() -> None:
    clock, recorder = FakeClock(), LogRecorder()
    with running_simulator(COMPANY) as simulator:
        result = poll_simulator(simulator, clock, log=recorder.log)
        bodies = asked(simulator)
    assert not result.failures
    assert result.company_state.time_zone == "US/Pacific"
    assert bodies[0] == {"filter": {"fromDate": "2026-02-11", "toDate": "2026-03-11"}}
    assert [window.window for window in result.windows] == ["1d", "7d", "28d"]
    for name, start in (
        ("1d", date(2026, 3, 10)),
        ("7d", date(2026, 3, 4)),
        ("28d", date(2026, 2, 11)),
    ):
        window = window_of(result, name)
        assert (window.start, window.end) == (start, date(2026, 3, 11))
        assert window.users == truth(COMPANY, start, window.end)
        assert window.metrics == METRICS
        assert window.start_timestamp == day_start(start, ZoneInfo("US/Pacific"))
        assert window.end_timestamp == datetime(2026, 3, 11, 7, tzinfo=UTC).timestamp()
        assert clock.now() - 5 < window.fetched_at <= clock.now()
        assert window.fingerprint == plan_of(host=simulator.url).fingerprint
        assert window.emails["7000"] == "user0@acme.example"
    assert result.company_state.pages == {"1d": 2, "7d": 2, "28d": 2}
    assert set(result.company_state.known_users) == set(COMPANY.user_ids)
    assert recorder.warnings == []


def test_the_next_poll_knows_the_zone_and_begins_with_the_longest_window() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan, client = plan_of("1d", "28d", "mtd", host=simulator.url), client_of(simulator, clock)
        first = poll(client, plan, CompanyState(host=plan.host), clock, no_log())
        simulator.journal.clear()
        poll(client, plan, first.company_state, clock, no_log())
        days = ranges(body for body in asked(simulator) if "cursor" not in body)
    assert days == [
        ("2026-02-11", "2026-03-11"),
        ("2026-03-10", "2026-03-11"),
        ("2026-03-01", "2026-03-11"),
    ]


def test_the_state_of_another_host_is_not_used() -> None:
    clock = FakeClock()
    stranger = CompanyState(
        host="https://other", time_zone="Asia/Tokyo", known_users={"1": "a@other"}
    )
    with running_simulator(COMPANY) as simulator:
        plan = plan_of("1d", host=simulator.url)
        result = poll(client_of(simulator, clock), plan, stranger, clock, no_log())
    assert (result.company_state.host, result.company_state.time_zone) == (plan.host, "US/Pacific")
    assert "1" not in result.company_state.known_users


def test_the_created_range_is_sent_with_every_call() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        assert not poll_simulator(
            simulator, clock, created_from="2026-01-01T00:00:00Z", created_to="2026-03-01T00:00:00Z"
        ).failures
        filters = [body["filter"] for body in asked(simulator)]
    assert len(filters) == 7
    assert {f["createdFromDateTime"] for f in filters} == {"2026-01-01T00:00:00Z"}
    assert {f["createdToDateTime"] for f in filters} == {"2026-03-01T00:00:00Z"}


def test_on_the_first_day_of_a_period_the_window_is_empty_without_a_call() -> None:
    """Monday, 1 June 2026, is the first day of a week and a month."""
    clock = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        plan = plan_of("wtd", "mtd", "1d", host=simulator.url)
        known = CompanyState(host=plan.host, time_zone="US/Pacific", pages={"wtd": 2})
        result = poll(client_of(simulator, clock), plan, known, clock, no_log())
        days = ranges(asked(simulator))
    assert not result.failures
    assert set(days) == {("2026-05-31", "2026-06-01")}
    for name in ("wtd", "mtd"):
        window = window_of(result, name)
        assert window.start == window.end == date(2026, 6, 1)
        assert window.start_timestamp == window.end_timestamp
        assert window.users == {}
    # Tomorrow it costs calls again, and the forecast must not forget it.
    assert result.company_state.pages["wtd"] == 2


def test_if_all_windows_are_empty_and_the_zone_is_known_no_call_is_made() -> None:
    clock = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        plan = plan_of("wtd", "mtd", host=simulator.url)
        first = poll_simulator(simulator, clock, "wtd", "mtd")
        assert not first.failures
        assert ranges(asked(simulator)) == [("2026-05-31", "2026-06-01")]  # for the zone
        simulator.journal.clear()
        assert not poll(
            client_of(simulator, clock), plan, first.company_state, clock, no_log()
        ).failures
        assert asked(simulator) == []


def test_a_poll_can_be_made_for_another_day() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of("7d", host=simulator.url, zone="US/Pacific")
        state = CompanyState(host=plan.host)
        source, day = client_of(simulator, clock), date(2025, 1, 3)
        result = poll(source, plan, state, clock, no_log(), today=day)
    window = window_of(result, "7d")
    assert window.users == truth(COMPANY, date(2024, 12, 27), date(2025, 1, 3))
