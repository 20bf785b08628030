"""Every meaning that a 404 may have: the others' numbers arrive, and calls are few."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.gong.errors import GongError, UserNotFound
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from tests.activity.polls import (
    DAY,
    FEW,
    HOUR,
    MANY,
    MILD,
    STRICT,
    WINDOWS,
    assert_true,
    mixed,
    polls,
    snapshot_of,
)
from tests.activity.rig import (
    Answering,
    activity,
    listed,
    page_of,
    plan_of,
    rows,
    window_of,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.logs import no_log

CASES = [
    (1, 0),
    (1, 1),
    (10, 0),
    (10, 1),
    (10, 10),
    (60, 0),
    (60, 1),
    (60, 60),
]

both_readings = pytest.mark.parametrize(
    "reading", [MILD, STRICT], ids=["404 if nobody has data", "404 for any unknown id"]
)


@both_readings
@pytest.mark.parametrize(("count", "unknown"), CASES)
def test_ids_that_gong_never_named_do_not_affect_the_others(
    count: int, unknown: int, reading: frozenset[str]
) -> None:
    known, strangers = mixed(count, unknown)
    with polls(MANY, *known, *strangers, reading=reading) as company:
        result = company.poll()
        assert_true(result, MANY, known)
        assert company.refusals == 0
        # One search through all users, in the longest window; then each window, if a user is left.
        assert company.listings == {("2026-02-11", "2026-03-11"): 1}
        assert company.calls == 3 + (2 if known else 0)
        # What the search cost is not what the next poll will.
        assert company.company_state.pages == dict.fromkeys(WINDOWS if known else ["28d"], 1)

        assert_true(company.poll(after=HOUR), MANY, known)
        assert company.listings == {}
        assert company.calls == (3 if known else 0)

        assert_true(company.poll(after=DAY), MANY, known)
        assert company.listings == ({("2026-02-12", "2026-03-12"): 1} if strangers else {})
        snapshot = snapshot_of(result, company.selection)
        assert {user.user_id for user in snapshot.users} == set(known)
        assert snapshot.unknown == strangers


@both_readings
@pytest.mark.parametrize(("count", "unknown"), CASES)
def test_deleted_ids_cost_few_calls_once_a_day_and_do_not_affect_the_others(
    count: int, unknown: int, reading: frozenset[str]
) -> None:
    """The bound: for each window and company day one 404 and one listing of all users."""
    known, gone = mixed(count, unknown)
    with polls(MANY, *known, *gone, reading=reading, gone=(*known, *gone)) as company:
        spoilt = bool(gone) and (reading is STRICT or not known)
        first = company.poll()
        assert_true(first, MANY, known)
        assert set(company.listings.values()) <= {1}
        assert len(company.listings) == (3 if spoilt else 0)
        assert company.calls == (3 * (1 + 3) if spoilt else 3)
        assert company.company_state.pages == dict.fromkeys(WINDOWS, 1)

        for _ in range(3):  # the same day: what a 404 meant is known
            assert_true(company.poll(after=HOUR), MANY, known)
            assert company.listings == {}
            assert company.calls == 3
            assert company.refusals == (0 if known else 3)

        assert_true(company.poll(after=DAY), MANY, known)  # another day is another question
        assert set(company.listings.values()) <= {1}
        assert company.calls <= 3 * (1 + 3)
    assert company.recorder.warnings == []


@both_readings
def test_late_activity_is_seen_if_listing_all_users_costs_no_more_calls(
    reading: frozenset[str],
) -> None:
    known, gone = mixed(10, 1)
    with polls(FEW, *known, *gone, reading=reading, gone=(*known, *gone)) as company:
        assert_true(company.poll(), FEW, known)
        assert company.calls == (6 if reading is STRICT else 3)
        assert_true(company.poll(after=HOUR), FEW, known)
        assert company.calls == 3
        assert len(company.listings) == (3 if reading is STRICT else 0)


@both_readings
def test_listed_users_without_activity_in_a_window_are_left_out_of_it_and_known(
    reading: frozenset[str],
) -> None:
    """On Monday, yesterday was a Sunday: users with an even number did nothing."""
    known = (user_id(0), user_id(2))
    monday = datetime(2026, 3, 9, 18, tzinfo=UTC)
    with polls(MANY, *known, reading=reading, now=monday) as company:
        company.poll()
        result = company.poll(after=HOUR)
        assert_true(result, MANY, known)
        assert window_of(result, "1d").users == {}
        assert set(window_of(result, "7d").users) == set(known)
        assert company.refusals == 1  # it is a 404 each time, and understood
        assert company.listings == {}
        snapshot = snapshot_of(result, company.selection)
        values = rows(snapshot, window_of(result, "1d")).values()
        assert list(values) == [(0,) * 15] * 2


@both_readings
def test_a_company_without_activity_has_empty_windows(reading: frozenset[str]) -> None:
    idle = FixtureCompany(5, silent=range(5))
    known = tuple(user_id(n) for n in range(5))
    with polls(idle, *known, reading=reading, gone=known) as company:
        result = company.poll()
        assert not result.failures
        assert [window.users for window in result.windows] == [{}, {}, {}]
        company.poll(after=HOUR)
        assert company.calls == 3


class Strict(Answering):
    """A third reading: a 404 unless every asked-for user has data; some of it comes late."""

    def __init__(self, *active: str) -> None:
        super().__init__(self._reply)
        self.active = set(active)
        self.listings = 0

    def _reply(self, wanted: ActivityFilter, cursor: str | None) -> ActivityPage:
        assert cursor is None
        if wanted.user_ids is None:
            self.listings += 1
            return page_of([activity(name) for name in sorted(self.active)])
        if not self.active.issuperset(wanted.user_ids):
            raise UserNotFound(404, errors=("User not found",))
        return page_of([activity(name) for name in wanted.user_ids])


@pytest.mark.parametrize("named", [5, 500], ids=["one page", "five pages"])
def test_a_404_unless_all_users_have_data_is_resolved_too(named: int) -> None:
    source, clock = Strict("1", "2"), FakeClock()
    plan = plan_of("7d", selection=listed("1", "2", "3"))
    people = {str(number): "" for number in range(named)}
    company_state = CompanyState(host=plan.host, time_zone="UTC", known_users=people)
    first = poll(source, plan, company_state, clock, no_log())
    assert set(window_of(first, "7d").users) == {"1", "2"}
    second = poll(source, plan, first.company_state, clock, no_log())
    assert set(window_of(second, "7d").users) == {"1", "2"}
    # One page for everybody costs no more than asking; five do.
    assert source.listings == (2 if named == 5 else 1)
    source.active = {"2"}  # a user who was requested alone has left
    third = poll(source, plan, second.company_state, clock, no_log())
    assert not third.failures
    if named == 500:  # should the next poll find the same, it pays for a 404 and a listing
        assert third.company_state.pages == {"7d": 2}
    assert set(window_of(third, "7d").users) == {"2"}


def test_the_reason_for_a_404_is_not_used_for_other_users() -> None:
    """A user was added to the list: a request for the active ones would miss that user."""
    source, clock = Strict("1", "2"), FakeClock()
    people = {str(number): "" for number in range(500)}
    company_state = CompanyState(host="http://gong.test", time_zone="UTC", known_users=people)
    first = poll(source, plan_of("7d", selection=listed("1", "3")), company_state, clock, no_log())
    assert set(window_of(first, "7d").users) == {"1"}
    plan = plan_of("7d", selection=listed("1", "2", "3"))
    second = poll(source, plan, first.company_state, clock, no_log())
    assert set(window_of(second, "7d").users) == {"1", "2"}


def test_an_error_in_the_listing_behind_a_404_fails_that_window_alone() -> None:
    def answer(wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        if wanted.from_date != date(2026, 3, 4):
            return page_of([activity("1")])
        if wanted.user_ids is None:
            raise GongError("broken")
        raise UserNotFound(404, errors=("User not found",))

    plan = plan_of(selection=listed("1"))
    company_state = CompanyState(host=plan.host, time_zone="UTC", known_users={"1": ""})
    result = poll(Answering(answer), plan, company_state, FakeClock(), no_log())
    assert [window.window for window in result.windows] == ["1d", "28d"]
    assert [failure.windows for failure in result.failures] == [("7d",)]
    assert "7d" not in result.company_state.resolved_404s
