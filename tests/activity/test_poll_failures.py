"""What a poll does when windows cannot be fetched: the others are not affected."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.errors import (
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
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from tests.activity.rig import (
    Answering,
    activity,
    asked,
    client_of,
    fail_after,
    page_of,
    plan_of,
    poll_simulator,
)
from tests.support.clocks import NOW, FakeClock
from tests.support.companies import FixtureCompany
from tests.support.logs import no_log
from tests.support.simulator import running_simulator

COMPANY = FixtureCompany(150)
"""In US/Pacific, where it is Wednesday, 11 March 2026."""


SOON = NOW.timestamp() + 60

KNOWN = CompanyState(host="http://gong.test", time_zone="Etc/UTC")


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
def test_an_error_that_affects_every_window_ends_the_poll_with_one_failure(
    fault: str, kind: type[GongError], zone: str | None
) -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        simulator.set_faults(fault)
        result = poll_simulator(simulator, clock, zone=zone)
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
        result = poll_simulator(simulator, clock, zone="US/Pacific")
        assert len(asked(simulator)) == 3
    (failure,) = result.failures
    assert failure.windows == ("1d", "7d", "28d")


def test_after_a_long_retry_after_whole_windows_and_retry_at_are_returned() -> None:
    error = RateLimited(retry_after=7200)
    error.until = NOW.timestamp() + 7200
    source = Answering(fail_after(2, error))
    result = poll(source, plan_of(), KNOWN, FakeClock(), no_log())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    (failure,) = result.failures
    assert (failure.windows, failure.error) == (("7d",), error)
    assert result.retry_at == error.until
    assert len(source.calls) == 3


@pytest.mark.parametrize(
    "error", [WaitTooLong("quiet", until=SOON), QuotaSpent("spent", until=SOON)]
)
def test_a_call_that_is_not_allowed_ends_the_poll_with_a_retry_at(
    error: GongError,
) -> None:
    source = Answering(fail_after(1, error))
    result = poll(source, plan_of(), KNOWN, FakeClock(), no_log())
    assert [window.window for window in result.windows] == ["28d"]
    assert [failure.windows for failure in result.failures] == [("1d", "7d")]
    assert (result.retry_at, len(source.calls)) == (SOON, 2)


def test_a_spent_quota_keeps_whole_windows() -> None:
    clock = FakeClock()
    with running_simulator(COMPANY) as simulator:
        plan = plan_of(host=simulator.url, zone="US/Pacific")
        client = client_of(simulator, clock, per_day=3)
        result = poll(client, plan, CompanyState(host=plan.host), clock, no_log())
        assert len(asked(simulator)) == 3
    assert [window.window for window in result.windows] == ["28d"]
    assert result.retry_at == pytest.approx(NOW.timestamp() + 86_400, abs=5)


def test_after_a_spent_quota_the_wait_frees_as_many_calls_as_a_poll_needs() -> None:
    """Else each call that becomes free would be spent on a first page, and no window be whole."""
    error = QuotaSpent("spent", until=NOW.timestamp() + 1, spacing=17.0)
    known = replace(KNOWN, pages={"1d": 20, "28d": 100, "90d": 300})
    result = poll(Answering(fail_after(0, error)), plan_of(), known, FakeClock(), no_log())
    assert result.retry_at == NOW.timestamp() + (20 + 1 + 100) * 17
    later = QuotaSpent("spent", until=NOW.timestamp() + 9999, spacing=17.0)
    result = poll(Answering(fail_after(0, later)), plan_of(), known, FakeClock(), no_log())
    assert result.retry_at == later.until
    never = QuotaSpent("spent", until=NOW.timestamp() + 1, spacing=9999.0)
    result = poll(Answering(fail_after(0, never)), plan_of(), known, FakeClock(), no_log())
    assert result.retry_at == NOW.timestamp() + 86_400


def test_received_pages_of_a_window_with_more_do_not_lengthen_the_wait() -> None:
    def ask(_wanted: ActivityFilter, cursor: str | None) -> ActivityPage:
        if cursor == "90":
            raise QuotaSpent("spent", until=NOW.timestamp() + 1, spacing=17.0)
        place = int(cursor or 0) + 1
        return page_of([activity(str(place))], total=None, cursor=str(place))

    for pages, calls in ((100, 20 + 1 + 100), (90, 2 * 90), (3, 2 * 90)):
        known = replace(KNOWN, pages={"1d": 20, "28d": pages})
        result = poll(Answering(ask), plan_of(), known, FakeClock(), no_log())
        assert result.retry_at == NOW.timestamp() + calls * 17


def test_one_window_that_fails_keeps_the_others() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if wanted.from_date == date(2026, 3, 4):
            raise ServerError(500, request_id="r9")
        return page_of([activity("1")])

    result = poll(Answering(answer), plan_of(), KNOWN, FakeClock(), no_log())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    assert [failure.windows for failure in result.failures] == [("7d",)]
    assert result.retry_at is None


def test_failures_of_different_kinds_are_separate() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if wanted.from_date == date(2026, 3, 4):
            raise InvalidResponse("the response is HTML (6 bytes)")
        raise ServerError(500, request_id="r9")

    result = poll(Answering(answer), plan_of(), KNOWN, FakeClock(), no_log())
    assert [(f.windows, f.error.reason) for f in result.failures] == [
        (("1d", "28d"), "server_error"),
        (("7d",), "invalid_response"),
    ]


def test_a_stop_ends_the_poll_at_once() -> None:
    def answer(_wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        raise Stopped

    with pytest.raises(Stopped):
        poll(Answering(answer), plan_of(), KNOWN, FakeClock(), no_log())
