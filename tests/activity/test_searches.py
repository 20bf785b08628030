"""The search for listed users whom Gong never named: once a day, also when it fails."""

from __future__ import annotations

from datetime import date

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.users import ALL_USERS, Selection
from gong_exporter.activity.windows import DayRange
from gong_exporter.gong.errors import QuotaSpent
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from tests.activity.polls import DAY, FEW, HOUR, MANY, WINDOWS, Polls, assert_true, polls
from tests.activity.rig import (
    Answering,
    activity,
    client_of,
    listed,
    page_of,
    plan_of,
    window_of,
)
from tests.support.clocks import NOW, FakeClock
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.logs import no_log

TODAY = date(2026, 3, 11)
KNOWN = (user_id(0), user_id(1))
LATE = user_id(2)
SEARCH = ("2026-02-11", "2026-03-11")
"""The longest window, 28d, on the tests' first day."""


def know(company: Polls, *users: str) -> None:
    """Let Gong have named these before."""
    company.company_state = CompanyState(
        host=company.simulator.url, time_zone="US/Pacific", known_users=dict.fromkeys(users, "")
    )


@pytest.mark.parametrize("fault", ["server-error", "wrong-total", "html", "bad-request"])
def test_a_failed_search_counts_as_the_search_of_its_day(fault: str) -> None:
    with polls(FEW, *KNOWN, LATE, "555") as company:
        know(company, *KNOWN)
        company.broken = (fault,)
        assert_true(company.poll(), FEW, KNOWN)
        assert company.recorder.messages[-1] == "the search for listed users failed"
        assert company.listings.keys() == {SEARCH}
        for _ in range(3):
            assert_true(company.poll(after=HOUR), FEW, KNOWN)
            assert company.calls == len(WINDOWS)
        assert company.selection.unknown_users(company.company_state) == (LATE, "555")
        company.broken = ()
        assert_true(company.poll(after=DAY), FEW, (*KNOWN, LATE))
        assert company.listings.total() == 1
        assert company.selection.unknown_users(company.company_state) == ("555",)


@pytest.mark.parametrize("fault", ["server-error", "wrong-total"])
def test_if_no_user_is_known_every_poll_searches(fault: str) -> None:
    """No user is known: without it there would be nothing to ask Gong, and nothing to show."""
    entries = (email(0), email(1).upper())
    with polls(FEW, *entries) as company:
        company.broken = (fault,)
        for _ in range(3):
            result = company.poll(after=HOUR)
            assert company.listings.keys() == {SEARCH}
            assert result.windows == ()
            assert [failure.windows for failure in result.failures] == [WINDOWS]
        company.broken = ()
        assert_true(company.poll(after=HOUR), FEW, KNOWN)
        company.poll(after=HOUR)
        assert company.listings.total() == 0


def test_a_search_without_result_leaves_empty_windows_until_the_next_day() -> None:
    with polls(FEW, "555") as company:
        for _ in range(2):
            result = company.poll(after=HOUR)
            assert [dict(window.users) for window in result.windows] == [{}, {}, {}]
        assert company.calls == 0
        company.poll(after=DAY)
        assert company.listings.total() == 1


@pytest.mark.parametrize("fault", ["rate-limited-long", "unauthorized", "redirect"])
def test_a_poll_that_was_refused_at_its_first_call_has_not_searched(fault: str) -> None:
    """It is Gong's word on all that we ask, and not on the search: nothing was spent on one."""
    with polls(FEW, *KNOWN, LATE) as company:
        know(company, *KNOWN)
        company.broken = (fault,)
        assert company.poll().windows == ()
        assert company.calls == 1
        company.broken = ()
        assert_true(company.poll(after=3 * HOUR), FEW, (*KNOWN, LATE))


@pytest.mark.parametrize(
    ("fault", "page"), [("rate-limited-long", 2), ("forbidden", 2), ("forbidden", 1)]
)
def test_a_refused_search_does_not_affect_the_next_poll(fault: str, page: int) -> None:
    """Half-way, or by a rule that forbids to list all users, but not the listed ones."""
    with polls(MANY, *KNOWN, "555") as company:
        know(company, *KNOWN)
        company.broken, company.broken_from = (fault,), page
        assert company.poll().windows == ()
        assert company.calls == page
        assert_true(company.poll(after=3 * HOUR), MANY, KNOWN)
        assert company.calls == len(WINDOWS)


def test_a_listing_of_all_users_after_a_404_is_the_search_of_its_day() -> None:
    """Gong named all listed users before, and now none of them: all users are listed."""
    company_of_two = FixtureCompany(2)
    gone = ("555", "556")
    with polls(company_of_two, *gone, gone=gone) as company:
        company.poll()
        assert company.company_state.last_search_day == TODAY
        window = window_of(company.poll(after=HOUR), "28d")
        assert dict(window.users) == {}
        assert window.covered == frozenset(gone)


@pytest.mark.parametrize("whole", [False, True])
def test_a_search_that_used_up_the_quota_does_not_lengthen_the_wait(whole: bool) -> None:  # noqa: FBT001 - a case
    """The next poll does not search: it takes as many calls as ever."""

    def ask(wanted: ActivityFilter, cursor: str | None) -> ActivityPage:
        if wanted.user_ids is not None or (cursor == "9" and not whole):
            raise QuotaSpent("spent", until=NOW.timestamp() + 1, spacing=17.0)
        place = int(cursor or 0) + 1
        more = None if cursor == "9" else str(place)
        return page_of([activity(str(place))], total=None, cursor=more)

    before = CompanyState(host="http://gong.test", time_zone="Etc/UTC", known_users={"1": ""})
    plan = plan_of(selection=listed("1", "555"))
    result = poll(Answering(ask), plan, before, FakeClock(), no_log())
    assert [window.window for window in result.windows] == (["28d"] if whole else [])
    assert result.company_state.last_search_day == TODAY
    assert result.retry_at == NOW.timestamp() + len(WINDOWS) * 17


@pytest.mark.parametrize("selection", [listed(email(0)), ALL_USERS], ids=["a list", "everybody"])
def test_after_a_first_listing_used_up_the_quota_the_wait_suffices_for_all_of_it(
    selection: Selection,
) -> None:
    """It is not known yet how many pages it has; those received are the first of them."""
    company = FixtureCompany(1000)
    with polls(company) as rig:
        client = client_of(rig.simulator, rig.clock, per_day=14)
        plan = plan_of("28d", host=rig.simulator.url, selection=selection)
        another = plan.filter(DayRange(date(2026, 3, 1), date(2026, 3, 2)))
        for _ in range(2):  # ten pages fit, but never in what one half of the day's calls leaves
            for _ in range(7):
                client.page(another)
            rig.clock.advance(DAY / 2)
        result = poll(client, plan, rig.company_state, rig.clock, rig.recorder.log)
        assert result.failures
        for _ in range(3):
            assert result.retry_at is not None
            rig.clock.advance(result.retry_at - rig.clock.now() + 1)
            result = poll(client, plan, result.company_state, rig.clock, rig.recorder.log)
            if not result.failures:
                break
        assert_true(result, company, tuple(company.user_ids) if selection.all_users else KNOWN[:1])
