"""Users by id and by address: found, looked for, renamed, added, not asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.gong.errors import ServerError, UserNotFound
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from tests.activity.polls import DAY, FEW, HOUR, MANY, WINDOWS, assert_true, polls, snapshot_of
from tests.activity.rig import (
    Answering,
    activity,
    asked,
    listed,
    page_of,
    plan_of,
    rows,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, email, user_id
from tests.support.logs import no_log


def test_users_by_address_and_by_id_are_the_same_users() -> None:
    entries = (user_id(1), email(2), email(3).upper(), "nobody@acme.example")
    known = (user_id(1), user_id(2), user_id(3))
    with polls(MANY, *entries) as company:
        first = company.poll()
        assert_true(first, MANY, known)
        assert company.selection.unknown_users(company.company_state) == ("nobody@acme.example",)
        assert_true(company.poll(after=HOUR), MANY, known)
        filters = [body["filter"]["userIds"] for body in asked(company.simulator)]
        assert filters == [sorted(known)] * 3


def test_a_listed_address_stays_the_same_user_when_gong_changes_it() -> None:
    renamed = [activity("7", 1, "jane@acme.example")]

    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        found = [u for u in renamed if wanted.user_ids is None or u.user_id in wanted.user_ids]
        return page_of(found)

    source, clock = Answering(answer), FakeClock()
    plan = plan_of("7d", selection=listed("Jane@acme.example"))
    first = poll(source, plan, CompanyState(host=plan.host, time_zone="UTC"), clock, no_log())
    assert set(window_of(first, "7d").users) == {"7"}
    renamed[:] = [activity("7", 2, "jane.doe@acme.example"), activity("8", 3, "jane@acme.example")]
    second = poll(source, plan, first.company_state, clock, no_log())
    assert set(window_of(second, "7d").users) == {"7"}
    assert source.calls[-1][0].user_ids == ("7",)
    assert second.company_state.known_users["7"] == "jane.doe@acme.example"


def test_a_user_who_appears_later_is_found_by_the_next_days_search() -> None:
    late = FixtureCompany(3)
    people = list(late.user_ids)
    late._user_ids = tuple(people[:2])
    with polls(late, *people) as company:
        assert set(window_of(company.poll(), "28d").users) == set(people[:2])
        late._user_ids = tuple(people)
        company.poll(after=HOUR)
        assert company.selection.unknown_users(company.company_state) == (people[2],)
        assert_true(company.poll(after=DAY), late, tuple(people))
        assert company.selection.unknown_users(company.company_state) == ()
        company.poll(after=DAY)
        assert company.listings == {}  # no search any more


def test_a_user_added_to_the_list_needs_no_search_if_everybody_was_listed_before() -> None:
    with polls(MANY, user_id(0), "555") as company:
        company.poll()
        company.selection = listed(user_id(0), user_id(9), email(10), "555")
        assert_true(company.poll(after=HOUR), MANY, (user_id(0), user_id(9), user_id(10)))
        assert company.listings == {}


@pytest.mark.parametrize("fault", ["rate-limited-long", "unauthorized", "forbidden", "redirect"])
def test_an_error_that_ends_the_poll_ends_it_in_the_search_too(fault: str) -> None:
    with polls(FEW, user_id(0), "555", gone=(user_id(0),)) as company:
        company.simulator.set_faults(fault)
        result = company.poll()
        assert company.calls == 1
        assert [failure.windows for failure in result.failures] == [WINDOWS]
        assert (result.retry_at is not None) == (fault == "rate-limited-long")


def test_a_user_that_was_not_requested_is_left_out() -> None:
    source = Answering(lambda *_: page_of([activity("1"), activity("2")]))
    plan = plan_of("7d", selection=listed("1"))
    company_state = CompanyState(host=plan.host, time_zone="UTC", known_users={"1": "", "2": ""})
    result = poll(source, plan, company_state, FakeClock(), no_log())
    assert set(window_of(result, "7d").users) == {"1"}


@pytest.mark.parametrize("others", [(), ("1",)], ids=["nobody else is listed", "somebody is"])
def test_a_newly_known_user_has_no_zero_in_a_window_that_does_not_cover_the_user(
    others: tuple[str, ...],
) -> None:
    """Their 7d failed to arrive, so its data is from before they were listed."""
    broken = False

    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if broken and wanted.from_date == date(2026, 3, 4):
            raise ServerError(500)
        people = [activity("1")] + [activity("2")] * broken
        found = [u for u in people if wanted.user_ids is None or u.user_id in wanted.user_ids]
        return page_of(found)

    clock, selection = FakeClock(), listed(*others, "2")
    plan = plan_of("7d", "28d", selection=selection)
    start = CompanyState(host=plan.host, time_zone="UTC")
    first = poll(Answering(answer), plan, start, clock, no_log())
    assert [user.user_id for user in snapshot_of(first, selection).users] == [*others]
    broken = True
    clock.advance(DAY)
    clock.set(datetime(2026, 3, 11, 23, tzinfo=UTC))
    company_state = replace(first.company_state, last_search_day=None)
    second = poll(Answering(answer), plan, company_state, clock, no_log())
    assert second.company_state.known_users.keys() == {"1", "2"}
    shown = snapshot_of(second, selection, window_of(first, "7d"))
    assert [user.user_id for user in shown.users] == [*others]
    assert shown.unknown == ("2",)
    broken = False
    third = poll(Answering(answer), plan, second.company_state, clock, no_log())
    shown = snapshot_of(third, selection)
    assert [user.user_id for user in shown.users] == [*others, "2"]
    assert shown.unknown == ()


def test_a_user_first_named_by_the_listing_after_a_404_is_in_that_window() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if wanted.user_ids is not None:
            raise UserNotFound(404, errors=("User not found",))
        return page_of([activity("1"), activity("2")])

    selection = listed("1", "2")
    plan = plan_of("7d", selection=selection)
    today = date(2026, 3, 11)
    company_state = CompanyState(
        host=plan.host, time_zone="UTC", known_users={"1": ""}, last_search_day=today
    )
    result = poll(Answering(answer), plan, company_state, FakeClock(), no_log())
    assert set(window_of(result, "7d").users) == {"1", "2"}
    assert [user.user_id for user in snapshot_of(result, selection).users] == ["1", "2"]


def test_an_empty_window_covers_all_users() -> None:
    clock, selection = FakeClock(datetime(2026, 6, 1, 18, tzinfo=UTC)), listed("1")
    source = Answering(lambda *_: page_of([activity("1")]))
    plan = plan_of("mtd", "7d", selection=selection)
    result = poll(source, plan, CompanyState(host=plan.host, time_zone="UTC"), clock, no_log())
    snapshot = snapshot_of(result, selection)
    assert rows(snapshot, window_of(result, "mtd")) == {"1": (0,) * 15}
