"""A listed address whose account was deleted and created again with another id."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gong_exporter.simulator.records import COUNTERS
from tests.activity.accounts import Account, Accounts
from tests.activity.polls import DAY, HOUR, MILD, STRICT, WINDOWS, Polls, polls, snapshot_of
from tests.activity.rig import rows
from tests.support.companies import window_counters

JANE, BOB = "Jane@acme.example", "bob@acme.example"
OLD, NEW, BOBS = "7", "8", "1"
TODAY = datetime(2026, 3, 11, 18, tzinfo=UTC)


def company_of(*accounts: Account) -> Accounts:
    """With so many other users that listing all takes more calls than the listed ones."""
    others = [Account(str(n), f"u{n}@acme.example") for n in range(100, 250)]
    return Accounts([Account(BOBS, BOB), *accounts, *others])


def shown(company: Polls) -> list[str]:
    """Poll, and the ids that have series."""
    result = company.poll()
    assert not result.failures
    return [user.user_id for user in snapshot_of(result, company.selection).users]


@pytest.mark.parametrize("reading", [MILD, STRICT], ids=["left out", "a 404"])
def test_a_listed_address_moves_to_the_new_account_when_the_old_one_is_gone(
    reading: frozenset[str],
) -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE.upper(), BOB, reading=reading, now=TODAY) as company:
        assert shown(company) == [BOBS, OLD]
        people.accounts[1] = Account(NEW, JANE, start=date(2026, 3, 10))
        company.clock.advance(DAY)
        result = company.poll()
        snapshot = snapshot_of(result, company.selection)
        assert [user.user_id for user in snapshot.users] == [BOBS, NEW]
        assert snapshot.unknown == ()
        for window in result.windows:
            days = max(window.start, date(2026, 3, 10)), window.end
            numbers = window_counters(1, *days)
            assert window.users[NEW] == tuple(numbers[name] for name in COUNTERS)
            assert OLD not in window.users
        assert company.listings.total() == 1
        company.clock.advance(HOUR)
        assert shown(company) == [BOBS, NEW]
        assert company.calls == len(WINDOWS)
        company.clock.advance(DAY)
        assert shown(company) == [BOBS, NEW]
        assert company.calls == len(WINDOWS)  # all are found: no search any more


def test_an_absent_user_keeps_the_account_and_costs_one_search_a_day() -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE, BOB, now=TODAY) as company:
        shown(company)
        people.accounts[1] = Account(OLD, JANE, end=date(2026, 1, 1))
        company.clock.advance(DAY)
        result = company.poll()
        snapshot = snapshot_of(result, company.selection)
        by_window = {window.window: rows(snapshot, window) for window in result.windows}
        assert [by_window[name][OLD] for name in WINDOWS] == [(0,) * len(COUNTERS)] * 3
        assert company.listings.total() == 1
        company.clock.advance(HOUR)
        assert shown(company) == [BOBS, OLD]
        assert company.listings.total() == 0


def test_an_address_stays_while_the_first_account_is_in_the_longest_window() -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE, BOB, now=TODAY) as company:
        shown(company)
        people.accounts[1:2] = [
            Account(OLD, JANE, end=date(2026, 2, 20)),
            Account(NEW, JANE, start=date(2026, 2, 20)),
        ]
        company.clock.advance(DAY)
        assert shown(company) == [BOBS, OLD]
        assert company.listings.total() == 0
        company.clock.advance(7 * DAY)  # 19 February is in the last 28 days still
        assert shown(company) == [BOBS, OLD]
        company.clock.advance(DAY)
        assert shown(company) == [BOBS, NEW]


def test_an_address_moves_in_a_search_for_other_users_too() -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE, "555", now=TODAY) as company:
        shown(company)
        people.accounts[1] = Account(NEW, JANE)
        company.clock.advance(DAY)
        assert shown(company) == [NEW]
        assert company.listings.total() == 1
        assert company.selection.unknown_users(company.company_state) == ("555",)


def test_a_listed_id_stays_that_account_if_its_address_changes() -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, OLD, BOB, now=TODAY) as company:
        shown(company)
        people.accounts[1] = Account(NEW, JANE)
        company.clock.advance(DAY)
        assert shown(company) == [BOBS, OLD]
        assert company.listings.total() == 0


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("fault", ["server-error", "rate-limited-long", "forbidden"])
def test_a_failed_search_for_a_new_account_keeps_the_fetched_window(fault: str, page: int) -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE, BOB, now=TODAY) as company:
        shown(company)
        people.accounts[1] = Account(NEW, JANE)
        company.clock.advance(DAY)
        company.broken, company.broken_from = (fault,), page
        result = company.poll()
        longest = next(window for window in result.windows if window.window == "28d")
        assert longest.users.keys() == {BOBS}
        left = {window.window for window in result.windows} - {"28d"}
        if fault == "server-error":
            assert left == {"1d", "7d"}
        else:
            assert left == set()
            assert [failure.windows for failure in result.failures] == [("1d", "7d")]
            assert company.calls == 1 + page  # nothing more is sent to whom nothing is given
        assert company.recorder.messages[-1] == "the search for listed users failed"
        company.clock.advance(3 * HOUR)
        assert shown(company) == [BOBS, OLD]  # all windows, and no search today
        company.broken = ()
        company.clock.advance(DAY)
        assert shown(company) == [BOBS, NEW]


def test_the_first_of_two_new_accounts_with_one_address_is_used() -> None:
    people = company_of(Account(OLD, JANE))
    with polls(people, JANE, now=TODAY) as company:
        shown(company)
        people.accounts[1:2] = [Account(NEW, JANE), Account("9", JANE)]
        company.clock.advance(DAY)
        assert shown(company) == [NEW]
        people.accounts[1], people.accounts[2] = people.accounts[2], people.accounts[1]
        company.clock.advance(DAY)
        assert shown(company) == [NEW]
