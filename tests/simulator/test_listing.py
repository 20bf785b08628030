"""A good request gets what the company did, whole, and in the documented shape."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.records import COUNTERS, ApiUserActivity
from tests.support.companies import FixtureCompany, user_id
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling, errors_of, users_of

WEEK_DATES = (date(2026, 3, 2), date(2026, 3, 9))


@pytest.mark.parametrize("users", [1, 99, 100, 101, 263, 1000])
def test_all_pages_put_together_are_what_the_company_did(users: int) -> None:
    company = FixtureCompany(users)
    with running_simulator(company) as simulator, calling(simulator) as caller:
        pages = caller.pages()
    assert users_of(pages) == company.activity(*WEEK_DATES)
    assert [page["records"]["currentPageSize"] for page in pages] == [
        min(100, users - begin) for begin in range(0, users, 100)
    ]
    assert [page["records"]["currentPageNumber"] for page in pages] == list(range(len(pages)))
    assert {page["records"]["totalRecords"] for page in pages} == {users}


def test_a_company_without_users_has_an_empty_listing() -> None:
    with running_simulator(FixtureCompany(0)) as simulator, calling(simulator) as caller:
        (page,) = caller.pages()
    assert page["usersAggregateActivityStats"] == []
    assert page["records"] == {
        "totalRecords": 0,
        "currentPageSize": 0,
        "currentPageNumber": 0,
    }


def test_an_answer_has_every_documented_member(caller: Caller) -> None:
    first, last = caller.pages()
    assert set(first) == {
        "requestId",
        "records",
        "usersAggregateActivityStats",
        "timeZone",
        "fromDateTime",
        "toDateTime",
    }
    assert set(first["records"]) == {
        "totalRecords",
        "currentPageSize",
        "currentPageNumber",
        "cursor",
    }
    assert set(last["records"]) == {"totalRecords", "currentPageSize", "currentPageNumber"}
    user = first["usersAggregateActivityStats"][0]
    assert set(user) == {"userId", "userEmailAddress", "userAggregateActivityStats"}
    assert tuple(user["userAggregateActivityStats"]) == COUNTERS
    assert first["requestId"] != last["requestId"]


def test_a_user_without_activity_is_left_out(caller: Caller) -> None:
    listed = {user.user_id for user in users_of(caller.pages())}
    assert listed == {user_id(index) for index in range(7)} - {user_id(5)}


def test_a_weekend_has_only_those_who_work_at_weekends(caller: Caller) -> None:
    weekend = {"fromDate": "2026-03-07", "toDate": "2026-03-09"}
    listed = [user.user_id for user in users_of(caller.pages(weekend))]
    assert listed == [user_id(1), user_id(3)]


def test_only_the_users_asked_for_are_listed(caller: Caller) -> None:
    wanted = WEEK | {"userIds": [user_id(2), user_id(0), user_id(2), user_id(5), "12345"]}
    assert [user.user_id for user in users_of(caller.pages(wanted))] == [user_id(0), user_id(2)]


@pytest.mark.parametrize("nobody", [None, []])
def test_null_or_empty_user_ids_mean_everyone(caller: Caller, nobody: object) -> None:
    assert len(users_of(caller.pages(WEEK | {"userIds": nobody}))) == 6


def test_the_yesterday_of_the_company_can_be_asked_for(caller: Caller) -> None:
    yesterday = {"fromDate": "2026-03-10", "toDate": "2026-03-11"}
    assert users_of(caller.pages(yesterday))


@pytest.mark.parametrize(
    ("zone", "from_date", "to_date", "starts", "ends"),
    [
        (
            "US/Pacific",
            "2026-03-08",
            "2026-03-09",
            "2026-03-08T00:00:00-08:00",
            "2026-03-09T00:00:00-07:00",
        ),
        (
            "Asia/Kolkata",
            "2026-01-01",
            "2026-01-02",
            "2026-01-01T00:00:00+05:30",
            "2026-01-02T00:00:00+05:30",
        ),
        (
            "UTC",
            "2024-02-29",
            "2024-03-01",
            "2024-02-29T00:00:00+00:00",
            "2024-03-01T00:00:00+00:00",
        ),
        # midnight of 8 September 2024 did not exist in Chile: its day began at 01:00
        (
            "America/Santiago",
            "2024-09-08",
            "2024-09-09",
            "2024-09-08T01:00:00-03:00",
            "2024-09-09T00:00:00-03:00",
        ),
    ],
)
def test_the_range_is_named_in_the_company_zone_with_its_true_offsets(
    zone: str, from_date: str, to_date: str, starts: str, ends: str
) -> None:
    company = FixtureCompany(1, time_zone=zone)
    with running_simulator(company) as simulator, calling(simulator) as caller:
        (page,) = caller.pages({"fromDate": from_date, "toDate": to_date})
    assert (page["timeZone"], page["fromDateTime"], page["toDateTime"]) == (zone, starts, ends)


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Etc/GMT+12", "2026-03-10"),
        ("US/Pacific", "2026-03-11"),
        ("Pacific/Kiritimati", "2026-03-12"),
    ],
)
def test_today_is_the_company_s(zone: str, today: str) -> None:
    noon = datetime(
        2026, 3, 11, 11, 0, tzinfo=UTC
    )  # 23:00 the day before, 04:00, 01:00 the day after
    company = FixtureCompany(3, time_zone=ZoneInfo(zone))
    tomorrow = str(date.fromisoformat(today) + timedelta(days=1))
    with running_simulator(company, now=noon) as simulator, calling(simulator) as caller:
        assert caller.page({"fromDate": "2026-03-01", "toDate": today}).status_code == 200
        refused = caller.page({"fromDate": "2026-03-01", "toDate": tomorrow})
    assert refused.status_code == 400
    assert errors_of(refused) == [
        f"filter.toDate: must not exceed the current day, {today} in {zone}"
    ]


def test_the_bearer_token_is_as_good_as_the_access_key(simulator: Simulator) -> None:
    with calling(simulator) as caller:
        caller.session.auth = None
        token = simulator.options.bearer_token
        answer = caller.post({"filter": WEEK}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_unknown_members_of_a_request_are_ignored(caller: Caller) -> None:
    body = {"filter": WEEK | {"fromDateTime": "yesterday", "team": 7}, "pageSize": 1}
    assert caller.post(body).json()["records"]["currentPageSize"] == 3


def test_a_created_range_is_accepted(caller: Caller) -> None:
    created = {
        "createdFromDateTime": "2026-01-01T00:00:00Z",
        "createdToDateTime": "2026-02-01T00:00:00.123456789+05:30",
    }
    assert users_of(caller.pages(WEEK | created)) == users_of(caller.pages())


class CountingCompany(FixtureCompany):
    """Counts how often it is asked."""

    asked = 0

    def activity(self, start: date, end: date) -> Sequence[ApiUserActivity]:
        self.asked += 1
        return super().activity(start, end)


def test_the_company_is_asked_once_for_all_pages_of_a_window() -> None:
    company = CountingCompany(30)
    with running_simulator(company, page_size=2) as simulator, calling(simulator) as caller:
        assert len(caller.pages()) == 15
        assert company.asked == 1
        caller.pages(WEEK | {"userIds": [user_id(3)]})
        assert company.asked == 1
        caller.pages({"fromDate": "2026-03-03", "toDate": "2026-03-09"})
        caller.pages()
        assert company.asked == 2


def test_a_query_string_does_not_matter(caller: Caller, simulator: Simulator) -> None:
    answer = caller.session.post(
        f"{simulator.url}{PATH}?cursor=abc", json={"filter": WEEK}, timeout=10
    )
    assert answer.json()["records"]["currentPageNumber"] == 0
