"""A listing is whole, and in agreement with itself, or it is not there."""

from __future__ import annotations

from datetime import date

import pytest

from gong_exporter.activity import fetch
from gong_exporter.activity.fetch import fetch_listing
from gong_exporter.activity.listing import MAX_STARTS
from gong_exporter.gong.errors import (
    BadRequest,
    InvalidResponse,
    ServerError,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.records import COUNTERS, ActivityFilter, ActivityPage, UserActivity
from tests.activity.rig import (
    Script,
    activity,
    asked,
    client_of,
    page_of,
    truth,
)
from tests.support.clocks import NOW, FakeClock
from tests.support.companies import FixtureCompany
from tests.support.logs import LogRecorder, no_log
from tests.support.simulator import running_simulator

START, END = date(2026, 3, 9), date(2026, 3, 11)
WANTED = ActivityFilter(from_date=START, to_date=END)

A, B, C = activity("1"), activity("2"), activity("3")
EXPIRED = BadRequest(400, errors=("cursor: expired",), request_id="r9")
GONE = UserNotFound(404, errors=("User not found",), request_id="r9")


def listed(*replies: ActivityPage | Exception) -> tuple[list[UserActivity], LogRecorder, Script]:
    recorder, script = LogRecorder(), Script(list(replies))
    return list(fetch_listing(script, WANTED, recorder.log).users), recorder, script


def refused(*replies: ActivityPage | Exception) -> tuple[InvalidResponse, LogRecorder, Script]:
    recorder, script = LogRecorder(), Script(list(replies))
    with pytest.raises(InvalidResponse) as caught:
        fetch_listing(script, WANTED, recorder.log)
    return caught.value, recorder, script


@pytest.mark.parametrize("users", [0, 1, 99, 100, 101, 263, 1000])
def test_each_user_is_received_once_with_the_right_numbers(users: int) -> None:
    silent = range(3, users, 50)
    company = FixtureCompany(users, silent=silent)
    recorder = LogRecorder()
    with running_simulator(company) as simulator:
        listing = fetch_listing(client_of(simulator, FakeClock()), WANTED, recorder.log)
        requests = asked(simulator)
    got = {user.user_id: tuple(user.counters[c] for c in COUNTERS) for user in listing.users}
    expected = truth(company, START, END, silent=silent)
    assert got == expected
    assert listing.pages == len(requests) == max(1, -(-len(expected) // 100))
    assert listing.time_zone == "US/Pacific"
    assert recorder.warnings == []


def test_each_page_repeats_the_filter_and_gives_the_cursor_in_the_body() -> None:
    company = FixtureCompany(263)
    wanted = ActivityFilter(
        from_date=START,
        to_date=END,
        created_from="2026-01-01T00:00:00Z",
        user_ids=tuple(company.user_ids),
    )
    with running_simulator(company) as simulator:
        fetch_listing(client_of(simulator, FakeClock()), wanted, no_log())
        entries = simulator.journal.entries()
    bodies = [entry.body for entry in entries]
    assert len(bodies) == 3
    assert "cursor" not in bodies[0]
    assert bodies[1]["cursor"] != bodies[2]["cursor"]
    assert bodies[0]["filter"] == bodies[1]["filter"] == bodies[2]["filter"]
    assert len(bodies[0]["filter"]["userIds"]) == 263
    assert {entry.target for entry in entries} == {"/v2/stats/activity/aggregate"}


def test_the_number_of_the_first_page_does_not_matter() -> None:
    with running_simulator(FixtureCompany(150), first_page_number=1) as simulator:
        listing = fetch_listing(client_of(simulator, FakeClock()), WANTED, no_log())
    assert len(listing.users) == 150


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("repeated-cursor", "the cursor of an earlier page is repeated"),
        ("shifting", "totalRecords changed from page to page"),
        ("shrinking", "totalRecords changed from page to page"),
        ("wrong-total", "totalRecords is 264, but 263 users were received"),
        ("duplicate-user", "a user is repeated with other numbers"),
        ("expired-cursor", "Gong answered 400: cursor: expired to a cursor"),
        ("null-ids", "a record has no userId"),
        ("no-records", "a full page without totalRecords and without cursor"),
    ],
)
def test_an_inconsistent_listing_starts_again_a_few_times_and_then_fails(
    fault: str, problem: str
) -> None:
    recorder = LogRecorder()
    with running_simulator(FixtureCompany(263)) as simulator:
        simulator.set_faults(fault)
        client = client_of(simulator, FakeClock())
        with pytest.raises(InvalidResponse) as caught:
            fetch_listing(client, WANTED, recorder.log)
        calls = len(asked(simulator))
        simulator.set_faults()
        assert len(fetch_listing(client, WANTED, recorder.log).users) == 263
    assert caught.value.message == f"{problem}; no whole listing in {MAX_STARTS} starts"
    assert caught.value.request_id
    assert recorder.messages == ["fetching the window again"] * 2
    assert [values["reason"] for values in recorder.values] == [problem] * 2
    assert calls <= MAX_STARTS * 3


def test_empty_pages_without_an_end_cost_few_calls() -> None:
    with running_simulator(FixtureCompany(5)) as simulator:
        simulator.set_faults("endless-pages")
        with pytest.raises(InvalidResponse, match=r"^a page with a cursor has no new user;"):
            fetch_listing(client_of(simulator, FakeClock()), WANTED, no_log())
        assert len(asked(simulator)) == 2 * MAX_STARTS


def test_an_endless_listing_fails_and_does_not_start_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetch, "MAX_PAGES", 10)
    pages = (page_of([activity(str(n))], total=10**9, cursor=f"c{n}") for n in range(99))
    script = Script(list(pages))
    with pytest.raises(InvalidResponse, match=r"^more than 10 pages$"):
        fetch_listing(script, WANTED, no_log())
    assert len(script.calls) == 10


@pytest.mark.parametrize("error", [EXPIRED, GONE], ids=["400", "404"])
def test_a_refused_cursor_starts_the_listing_again(error: Exception) -> None:
    first, last = page_of([A], total=2, cursor="c1"), page_of([B], total=2)
    users, recorder, script = listed(first, error, first, last)
    assert users == [A, B]
    assert script.cursors == [None, "c1", None, "c1"]
    assert recorder.warnings[0][1] == "r9"


def test_a_cursor_that_is_always_refused_does_not_mean_no_users() -> None:
    """A 404 past the first page must not be taken for the 404 that means zeros for all users."""
    first = page_of([A], total=2, cursor="c1")
    error, _, script = refused(first, GONE, first, GONE, first, GONE)
    assert type(error) is InvalidResponse
    assert len(script.calls) == 2 * MAX_STARTS


def test_a_404_after_users_were_received_does_not_mean_no_users() -> None:
    first = page_of([A], total=2, cursor="c1")
    error, recorder, _ = refused(first, EXPIRED, GONE, GONE)
    assert recorder.values[1]["reason"] == "404 to a listing that had users before"
    assert type(error) is InvalidResponse


def test_a_cursor_that_expires_during_a_retry_after_starts_the_listing_again() -> None:
    clock = FakeClock(NOW)
    company = FixtureCompany(150)
    with running_simulator(
        company, now=clock.datetime, monotonic=clock.monotonic, cursor_lifetime=20
    ) as simulator:
        client = client_of(simulator, clock)
        ask = client.page

        def limited_once(
            wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
        ) -> ActivityPage:
            if cursor and clock.monotonic() < 1030:
                clock.advance(45)  # as a Retry-After of 45 s would
            return ask(wanted, cursor, new_connection=new_connection)

        client.page = limited_once  # type: ignore[method-assign]
        listing = fetch_listing(client, WANTED, no_log())
        assert len(listing.users) == 150
        statuses = [entry.status for entry in simulator.journal.entries()]
    assert statuses == [200, 400, 200, 200]


@pytest.mark.parametrize("error", [EXPIRED, GONE, ServerError(500), Unauthorized(401)], ids=repr)
def test_an_error_to_the_first_page_is_raised_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        fetch_listing(Script([error]), WANTED, no_log())
    assert caught.value is error


def test_a_server_error_in_the_middle_is_raised_and_the_listing_is_dropped() -> None:
    with pytest.raises(ServerError):
        fetch_listing(
            Script([page_of([A], total=2, cursor="c"), ServerError(500)]), WANTED, no_log()
        )


def test_a_user_repeated_with_the_same_numbers_counts_once() -> None:
    users, _, _ = listed(page_of([A, B], total=3, cursor="c"), page_of([B, C], total=3))
    assert users == [A, B, C]


def test_a_repeated_user_has_the_address_of_either_record() -> None:
    users, _, _ = listed(
        page_of([activity("1", address=None)], total=1, cursor="c"), page_of([A], total=1)
    )
    assert users == [A]


def test_a_user_repeated_in_place_of_another_is_detected() -> None:
    pages = [page_of([A, B], total=3, cursor="c"), page_of([B], total=3)] * MAX_STARTS
    error, _, _ = refused(*pages)
    assert error.message.startswith("totalRecords is 3, but 2 users were received")


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        (page_of([A, B], total=None), None),
        (page_of([A, B], total=None, size=None), None),
        (page_of([A, B], total=None, size=3), "currentPageSize is 3, but 2 users were received"),
        (page_of([A, B], total=2, size=3), None),
        (page_of([], total=0), None),
        (page_of([], total=1), "totalRecords is 1, but 0 users were received"),
        (page_of([A], total=2, received=2), "a record has no userId"),
        (
            page_of([activity(str(n)) for n in range(100)], total=None),
            "a full page without totalRecords and without cursor",
        ),
    ],
)
def test_a_page_without_a_cursor_is_the_last_one_only_if_the_counts_agree(
    last: ActivityPage, problem: str | None
) -> None:
    if problem is None:
        users, _, _ = listed(last)
        assert users == list(last.users)
    else:
        error, _, _ = refused(last)
        assert error.message == f"{problem}; no whole listing in {MAX_STARTS} starts"


def test_a_cursor_after_the_last_user_is_followed() -> None:
    users, _, script = listed(page_of([A, B], cursor="c"), page_of([], total=2))
    assert (users, script.cursors) == ([A, B], [None, "c"])


def test_a_total_on_some_pages_only_is_a_change() -> None:
    pages = [page_of([A], total=2, cursor="c"), page_of([B], total=None)] * MAX_STARTS
    error, _, _ = refused(*pages)
    assert error.message.startswith("totalRecords changed from page to page")


def test_the_time_zone_of_any_page_is_used() -> None:
    script = Script([page_of([A], total=2, cursor="c"), page_of([B], total=2, time_zone=None)])
    assert fetch_listing(script, WANTED, no_log()).time_zone == "UTC"
