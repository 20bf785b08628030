"""One poll, over real sockets against the simulated API: windows, zones, failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.activity.knowledge import Knowledge
from gong_exporter.activity.poll import poll
from gong_exporter.activity.snapshot import METRICS
from gong_exporter.activity.windows import day_start
from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.errors import (
    BadRequest,
    Forbidden,
    GongError,
    InvalidResponse,
    QuotaSpent,
    RateLimited,
    Redirected,
    ServerError,
    Unauthorized,
    WaitTooLong,
)
from gong_exporter.gong.records import ActivityFilter, Page
from gong_exporter.simulator.options import Readings
from tests.activity.rig import (
    Answering,
    Said,
    activity,
    asked,
    client_of,
    page_of,
    plan_of,
    ranges,
    truth,
    window_of,
)
from tests.support.clocks import NOW, FakeClock
from tests.support.companies import FixtureCompany
from tests.support.simulator import running_simulator

COMPANY = FixtureCompany(150)
"""In US/Pacific, where it is Wednesday, 11 March 2026."""


def test_a_first_poll_learns_the_zone_and_then_fetches_every_window_true() -> None:
    clock, said = FakeClock(), Said()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of(host=simulator.url)
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, said)
        bodies = asked(simulator)
    assert result.complete
    assert (result.zone, result.knowledge.time_zone) == (ZoneInfo("US/Pacific"), "US/Pacific")
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
        assert (window.fingerprint, window.pages) == ("f1", 2)
        assert window.emails["7000"] == "user0@acme.example"
    assert result.knowledge.pages == {"1d": 2, "7d": 2, "28d": 2}
    assert set(result.knowledge.named) == set(COMPANY.user_ids)
    assert said.warnings == []


def test_the_next_poll_knows_the_zone_and_begins_with_the_longest_window() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan, client = plan_of("1d", "28d", "mtd", host=simulator.url), client_of(simulator, clock)
        first = poll(client, plan, Knowledge(host=plan.host), clock, Said())
        simulator.journal.clear()
        poll(client, plan, first.knowledge, clock, Said())
        days = ranges(body for body in asked(simulator) if "cursor" not in body)
    assert days == [
        ("2026-02-11", "2026-03-11"),
        ("2026-03-10", "2026-03-11"),
        ("2026-03-01", "2026-03-11"),
    ]


def test_what_is_known_of_another_host_is_another_companys() -> None:
    clock = FakeClock()
    stranger = Knowledge(host="https://other", time_zone="Asia/Tokyo", named={"1": "a@other"})
    with running_simulator(COMPANY) as simulator:
        plan = plan_of("1d", host=simulator.url)
        result = poll(client_of(simulator, clock), plan, stranger, clock, Said())
    assert (result.knowledge.host, result.knowledge.time_zone) == (plan.host, "US/Pacific")
    assert "1" not in result.knowledge.named


def test_the_created_range_is_passed_on_with_every_call() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of(
            host=simulator.url,
            created_from="2026-01-01T00:00:00Z",
            created_to="2026-03-01T00:00:00Z",
        )
        assert poll(
            client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said()
        ).complete
        filters = [body["filter"] for body in asked(simulator)]
    assert len(filters) == 7
    assert {f["createdFromDateTime"] for f in filters} == {"2026-01-01T00:00:00Z"}
    assert {f["createdToDateTime"] for f in filters} == {"2026-03-01T00:00:00Z"}


def test_on_the_first_day_of_a_period_nothing_is_asked_and_the_window_is_empty() -> None:
    """Monday, 1 June 2026, is the first day of a week and a month."""
    clock = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        plan = plan_of("wtd", "mtd", "1d", host=simulator.url)
        known = Knowledge(host=plan.host, time_zone="US/Pacific", pages={"wtd": 2})
        result = poll(client_of(simulator, clock), plan, known, clock, Said())
        days = ranges(asked(simulator))
    assert result.complete
    assert set(days) == {("2026-05-31", "2026-06-01")}
    for name in ("wtd", "mtd"):
        window = window_of(result, name)
        assert window.start == window.end == date(2026, 6, 1)
        assert window.start_timestamp == window.end_timestamp
        assert (window.users, window.pages) == ({}, 0)
    # Tomorrow it costs calls again, and the forecast must not forget it.
    assert result.knowledge.pages["wtd"] == 2


def test_only_periods_and_all_of_them_empty_cost_no_call_once_the_zone_is_known() -> None:
    clock = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        plan = plan_of("wtd", "mtd", host=simulator.url)
        first = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        assert first.complete
        assert ranges(asked(simulator)) == [("2026-05-31", "2026-06-01")]  # for the zone
        simulator.journal.clear()
        assert poll(client_of(simulator, clock), plan, first.knowledge, clock, Said()).complete
        assert asked(simulator) == []


def test_a_poll_can_be_asked_as_of_another_day() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of("7d", host=simulator.url, zone="US/Pacific")
        result = poll(
            client_of(simulator, clock),
            plan,
            Knowledge(host=plan.host),
            clock,
            Said(),
            today=date(2025, 1, 3),
        )
    window = window_of(result, "7d")
    assert window.users == truth(COMPANY, date(2024, 12, 27), date(2025, 1, 3))


# Zones


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
def test_no_date_is_asked_for_that_the_company_has_not_reached(zone: str, now: str) -> None:
    """The simulated API refuses such a date, as Gong does."""
    clock = FakeClock(datetime.fromisoformat(now))
    company = FixtureCompany(3, time_zone=zone)
    with running_simulator(company, now=clock.datetime) as simulator:
        plan = plan_of(host=simulator.url)
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        statuses = {entry.status for entry in simulator.journal.entries()}
    today = clock.datetime().astimezone(ZoneInfo(zone)).date()
    assert result.complete
    assert statuses == {200}
    assert {window.end for window in result.windows} == {today}
    assert {window.end_timestamp for window in result.windows} <= {day_start(today, ZoneInfo(zone))}


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from([*FROM_END_TO_END, "Pacific/Apia", "America/Havana", "Asia/Beirut"]),
    now=st.floats(1_325_000_000, 2_145_000_000),
    known=st.sampled_from([None, "the zone"]),
)
def test_at_no_moment_in_no_zone_is_such_a_date_asked_for(
    zone: str, now: float, known: str | None
) -> None:
    clock = FakeClock(now)

    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        today = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).date()
        assert wanted.from_date < wanted.to_date <= today
        return page_of([activity("1")], time_zone=zone)

    knowledge = Knowledge(host="http://gong.test", time_zone=zone if known else None)
    plan = plan_of("1d", "7d", "28d", "400d", "wtd", "mtd", "qtd", "ytd")
    assert poll(Answering(answer), plan, knowledge, clock, Said()).complete


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
    clock, said = FakeClock(datetime(2026, 3, 11, 5, tzinfo=UTC)), Said()
    company = FixtureCompany(3, time_zone=moved_to)
    with running_simulator(company, now=clock.datetime) as simulator:
        plan = plan_of(host=simulator.url)
        knowledge = Knowledge(host=plan.host, time_zone=known)
        result = poll(client_of(simulator, clock), plan, knowledge, clock, said)
        got = [entry.status for entry in simulator.journal.entries()]
    today = clock.datetime().astimezone(ZoneInfo(moved_to)).date()
    assert result.complete
    assert (result.zone, result.knowledge.time_zone) == (ZoneInfo(moved_to), moved_to)
    for window in result.windows:
        assert window.end == today
        assert window.end_timestamp == day_start(today, ZoneInfo(moved_to))
        assert window.users == truth(company, window.start, today)
    assert got == statuses
    assert said.messages[-1] == f"the company's time zone is now {moved_to}"


def test_another_name_for_the_same_days_costs_no_call() -> None:
    clock, said = FakeClock(), Said()
    with running_simulator(FixtureCompany(3, time_zone="America/Los_Angeles")) as simulator:
        plan = plan_of(host=simulator.url)
        knowledge = Knowledge(host=plan.host, time_zone="US/Pacific")
        result = poll(client_of(simulator, clock), plan, knowledge, clock, said)
        assert len(asked(simulator)) == 3
    assert (result.knowledge.time_zone, said.warnings) == ("America/Los_Angeles", [])


@pytest.mark.parametrize("month", [3, 11], ids=["the end moves", "the start moves"])
def test_a_zone_that_moves_either_end_of_a_window_is_another_zone(month: int) -> None:
    """Arizona has no summer time: of 28 days before 11 March or November, one end differs."""
    clock = FakeClock(datetime(2026, month, 11, 18, tzinfo=UTC))
    with running_simulator(FixtureCompany(3, "US/Arizona"), now=clock.datetime) as simulator:
        plan = plan_of("28d", host=simulator.url)
        knowledge = Knowledge(host=plan.host, time_zone="US/Mountain")
        result = poll(client_of(simulator, clock), plan, knowledge, clock, Said())
    window = window_of(result, "28d")
    assert window.end_timestamp - window.start_timestamp == 28 * 86_400


def test_a_move_is_remembered_even_if_nothing_else_arrives() -> None:
    source = Answering(fail_after(1, ServerError(500)))
    knowledge = Knowledge(host="http://gong.test", time_zone="US/Pacific")
    result = poll(source, plan_of(), knowledge, FakeClock(), Said())
    assert (result.windows, result.knowledge.time_zone) == ((), "UTC")


def test_a_zone_that_changes_with_every_answer_is_not_believed() -> None:
    zones = iter(["Asia/Tokyo", "US/Pacific"] * 9)
    source = Answering(lambda *_: page_of([activity("1")], time_zone=next(zones)))
    knowledge = Knowledge(host="http://gong.test", time_zone="Etc/UTC")
    result = poll(source, plan_of(), knowledge, FakeClock(), Said())
    assert not result.complete
    assert {type(failure.error) for failure in result.failures} == {InvalidResponse}
    assert {window.end_timestamp for window in result.windows} <= {
        day_start(date(2026, 3, 12), ZoneInfo("Asia/Tokyo"))
    }
    assert len(source.calls) <= 6


def test_a_configured_zone_wins_and_the_difference_is_said_once() -> None:
    clock, said = FakeClock(), Said()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of(host=simulator.url, zone="US/Eastern")
        knowledge = Knowledge(host=plan.host, time_zone="Asia/Tokyo")
        result = poll(client_of(simulator, clock), plan, knowledge, clock, said)
    assert result.zone == ZoneInfo("US/Eastern")
    assert {window.end_timestamp for window in result.windows} == {
        datetime(2026, 3, 11, 4, tzinfo=UTC).timestamp()
    }
    assert said.messages == [
        "gong.time_zone is US/Eastern, but Gong counts the company's days in US/Pacific"
    ]
    assert said.warnings[0][1] is not None  # Gong's requestId


def test_a_configured_zone_ahead_of_the_company_fails_and_is_not_overridden() -> None:
    clock = FakeClock(datetime(2026, 3, 11, 5, tzinfo=UTC))
    with running_simulator(COMPANY, now=clock.datetime) as simulator:
        plan = plan_of(host=simulator.url, zone="Pacific/Auckland")
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        assert len(asked(simulator)) == 3
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert isinstance(failure.error, BadRequest)
    assert "gong.time_zone" in failure.error.advice


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("unknown-time-zone", "an unknown time zone, 'Mars/Olympus_Mons'"),
        ("null-time-zone", "no time zone"),
    ],
)
def test_a_zone_that_cannot_be_learned_is_one_failure_that_says_what_to_set(
    fault: str, named: str
) -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        plan = plan_of(host=simulator.url)
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        assert len(asked(simulator)) == 1
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert failure.error.message == f"Gong names {named}: set gong.time_zone"
    assert (result.windows, result.zone, result.retry_at) == ((), None, None)


@pytest.mark.parametrize("configured", [None, "US/Pacific"])
@pytest.mark.parametrize(
    ("fault", "messages"),
    [
        ("unknown-time-zone", ["Gong names an unknown time zone, 'Mars/Olympus_Mons'"]),
        ("null-time-zone", []),
    ],
)
def test_a_known_zone_stays_when_gong_names_none_that_is_known(
    fault: str, messages: list[str], configured: str | None
) -> None:
    clock, said = FakeClock(), Said()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        plan = plan_of(host=simulator.url, zone=configured)
        knowledge = Knowledge(host=plan.host, time_zone="US/Pacific")
        result = poll(client_of(simulator, clock), plan, knowledge, clock, said)
    assert result.complete
    assert result.knowledge.time_zone == "US/Pacific"
    assert said.messages == messages


def test_a_company_without_any_activity_cannot_teach_its_zone_where_empty_is_404() -> None:
    clock = FakeClock()
    company = FixtureCompany(3, silent=range(3))
    with running_simulator(company, readings=Readings(empty_is_404=True)) as simulator:
        plan = plan_of(host=simulator.url)
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
    (failure,) = result.failures
    assert failure.error.message.endswith("set gong.time_zone")


@pytest.mark.parametrize("empty_is_404", [False, True])
def test_an_empty_window_is_empty_in_both_readings(empty_is_404: bool) -> None:  # noqa: FBT001 - a case
    """On Monday, yesterday was a Sunday; users with an even number do nothing then."""
    clock = FakeClock(datetime(2026, 3, 9, 18, tzinfo=UTC))
    company = FixtureCompany(3, silent=[1])
    readings = Readings(empty_is_404=empty_is_404)
    with running_simulator(company, now=clock.datetime, readings=readings) as simulator:
        plan = plan_of(host=simulator.url)
        knowledge = Knowledge(host=plan.host, time_zone="US/Pacific")
        result = poll(client_of(simulator, clock), plan, knowledge, clock, Said())
        calls = len(asked(simulator))
    assert result.complete
    assert window_of(result, "1d").users == {}
    assert len(window_of(result, "7d").users) == 2
    assert calls == (4 if empty_is_404 else 3)  # a 404 is asked for twice


# Failures


def fail_after(calls: int, error: GongError) -> Callable[[ActivityFilter, str | None], Page]:
    """Good pages, and after so many of them this error."""
    made = 0

    def answer(_wanted: ActivityFilter, _cursor: str | None) -> Page:
        nonlocal made
        made += 1
        if made > calls:
            raise error
        return page_of([activity("1")])

    return answer


KNOWN = Knowledge(host="http://gong.test", time_zone="Etc/UTC")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("unauthorized", Unauthorized),
        ("no-scope", Unauthorized),
        ("forbidden", Forbidden),
        ("redirect", Redirected),
        ("rate-limited-long", RateLimited),
    ],
)
@pytest.mark.parametrize("zone", [None, "US/Pacific"])
def test_what_would_befall_every_window_ends_the_poll_with_one_call_and_one_failure(
    fault: str, kind: type[GongError], zone: str | None
) -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        plan = plan_of(host=simulator.url, zone=zone)
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        assert len(asked(simulator)) == 1
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")
    assert isinstance(failure.error, kind)
    assert failure.error.advice
    assert result.windows == ()
    if kind is RateLimited:
        assert result.retry_at == pytest.approx(NOW.timestamp() + 7200, abs=1)
    else:
        assert failure.error.request_id or kind is Redirected
        assert result.retry_at is None


def test_a_bad_request_is_not_retried_and_fails_each_window_with_one_failure() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults("bad-request")
        plan = plan_of(host=simulator.url, zone="US/Pacific")
        result = poll(client_of(simulator, clock), plan, Knowledge(host=plan.host), clock, Said())
        assert len(asked(simulator)) == 3
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")


def test_a_long_retry_after_keeps_the_whole_windows_and_says_when_to_come_back() -> None:
    error = RateLimited(retry_after=7200)
    error.until = NOW.timestamp() + 7200
    source = Answering(fail_after(2, error))
    result = poll(source, plan_of(), KNOWN, FakeClock(), Said())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    (failure,) = result.failures
    assert (failure.windows, failure.error) == (("7d",), error)
    assert result.retry_at == error.until
    assert len(source.calls) == 3


@pytest.mark.parametrize("error", [WaitTooLong("quiet", until=5.0), QuotaSpent("spent", until=5.0)])
def test_a_call_that_is_not_made_ends_the_poll_and_says_when_to_come_back(
    error: GongError,
) -> None:
    source = Answering(fail_after(1, error))
    result = poll(source, plan_of(), KNOWN, FakeClock(), Said())
    assert [window.window for window in result.windows] == ["28d"]
    assert [failure.windows for failure in result.failures] == [("1d", "7d")]
    assert (result.retry_at, len(source.calls)) == (5.0, 2)


def test_a_spent_quota_keeps_what_is_whole_over_real_sockets() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of(host=simulator.url, zone="US/Pacific")
        client = client_of(simulator, clock, per_day=3)
        result = poll(client, plan, Knowledge(host=plan.host), clock, Said())
        assert len(asked(simulator)) == 3
    assert [window.window for window in result.windows] == ["28d"]
    assert result.retry_at == pytest.approx(NOW.timestamp() + 86_400, abs=5)


def test_one_window_that_fails_keeps_the_others() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        if wanted.from_date == date(2026, 3, 4):
            raise ServerError(500, request_id="r9")
        return page_of([activity("1")])

    result = poll(Answering(answer), plan_of(), KNOWN, FakeClock(), Said())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    assert [failure.windows for failure in result.failures] == [("7d",)]
    assert result.retry_at is None


def test_failures_of_different_kinds_are_told_apart() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> Page:
        if wanted.from_date == date(2026, 3, 4):
            raise InvalidResponse("the answer is HTML (6 bytes)")
        raise ServerError(500, request_id="r9")

    result = poll(Answering(answer), plan_of(), KNOWN, FakeClock(), Said())
    assert [(f.windows, f.error.reason) for f in result.failures] == [
        (("1d", "28d"), "server_error"),
        (("7d",), "invalid_response"),
    ]


def test_a_stop_leaves_the_poll_at_once() -> None:
    def answer(_wanted: ActivityFilter, _cursor: str | None) -> Page:
        raise Stopped

    with pytest.raises(Stopped):
        poll(Answering(answer), plan_of(), KNOWN, FakeClock(), Said())
