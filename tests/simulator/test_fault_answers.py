"""What each fault makes of an answer that arrives whole."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from gong_exporter.simulator.api.faulty_responses import CONTENT
from gong_exporter.simulator.api.simulator import Simulator
from tests.support.clocks import NOW
from tests.support.companies import FixtureCompany, user_id
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling, errors_of, users_of


def struck(caller: Caller, *faults: str) -> requests.Response:
    caller.simulator.set_faults(*faults)
    return caller.page()


def struck_users(caller: Caller, *faults: str) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = struck(caller, *faults).json()["usersAggregateActivityStats"]
    return users


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("server-error", 500, "An unexpected error has occurred"),
        ("unauthorized", 401, "Invalid credentials"),
        (
            "no-scope",
            401,
            "You don't have permission to use 'api:stats:user-actions' in your app.",
        ),
        ("forbidden", 403, "The IP address is not on the company's allow-list"),
        ("bad-request", 400, "Malformed request"),
        ("not-found", 404, "User not found"),
    ],
)
def test_an_error_on_demand(caller: Caller, fault: str, status: int, error: str) -> None:
    answer = struck(caller, fault)
    assert answer.status_code == status
    assert errors_of(answer) == [error]


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ("rate-limited", "1"),
        ("rate-limited-long", "7200"),
        ("retry-after-absent", None),
    ],
)
def test_a_429_on_demand(caller: Caller, fault: str, retry_after: str | None) -> None:
    answer = struck(caller, fault)
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == retry_after
    assert errors_of(answer) == ["API request limit exceeded"]


def test_a_429_with_a_date_is_two_seconds_ahead_of_the_answer_s_own_date(caller: Caller) -> None:
    headers = struck(caller, "retry-after-date").headers
    assert parsedate_to_datetime(headers["Date"]) == NOW
    assert (parsedate_to_datetime(headers["Retry-After"]) - NOW).total_seconds() == 2


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        ("bad-gateway", 502, b"<html>"),
        ("unavailable", 503, b""),
        ("html", 200, b"<html>"),
        ("empty-body", 200, b""),
        ("no-content", 204, b""),
        ("empty-object", 200, b"{}"),
        ("not-utf-8", 200, b'{"requestId": "\xff'),
    ],
)
def test_a_body_that_is_no_listing(caller: Caller, fault: str, status: int, start: bytes) -> None:
    answer = struck(caller, fault)
    assert answer.status_code == status
    assert answer.content.startswith(start)
    assert bool(answer.content) == bool(start)


def test_json_that_breaks_off(caller: Caller) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(struck(caller, "not-json").content)


def test_json_too_deep_for_a_parser_that_recurses(caller: Caller) -> None:
    with pytest.raises(RecursionError):
        json.loads(struck(caller, "deep-json").content)


def test_another_shape_each_time(caller: Caller) -> None:
    bodies = [struck(caller, "wrong-shape").json() for _ in range(10)]
    assert len({json.dumps(body) for body in bodies}) == 10


def test_a_redirect_leads_to_another_name_of_the_same_server(
    caller: Caller, simulator: Simulator
) -> None:
    simulator.script_faults("redirect")
    answer = caller.page()
    assert answer.status_code == 307
    location = answer.headers["Location"]
    assert location == f"http://localhost:{simulator.port}{PATH}"
    followed = caller.session.post(location, json={"filter": WEEK}, timeout=10)
    assert followed.status_code == 200


def test_a_small_gzip_body_that_unpacks_to_half_a_gigabyte(caller: Caller) -> None:
    caller.simulator.set_faults("gzip-bomb")
    with caller.send(json={"filter": WEEK}, stream=True) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        raw = answer.raw.read(decode_content=False)
    assert len(raw) < 1 << 20
    member = zlib.decompressobj(wbits=31)
    assert len(member.decompress(raw)) == 1 << 20
    assert len(raw) // (len(raw) - len(member.unused_data)) == 512


def test_a_body_that_is_not_the_gzip_it_says(caller: Caller) -> None:
    with pytest.raises(requests.exceptions.ContentDecodingError):
        struck(caller, "gzip-broken")


class TestPagesThatDoNotFitTogether:
    """Six users are listed, on two pages of three."""

    def pages(self, caller: Caller, *faults: str) -> list[dict[str, Any]]:
        caller.simulator.set_faults(*faults)
        first = caller.page().json()
        second = caller.page(cursor=first["records"]["cursor"])
        assert second.status_code == 200
        return [first, second.json()]

    def test_a_cursor_expired_on_demand(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_faults("expired-cursor")
        cursor = caller.page().json()["records"]["cursor"]
        answer = caller.page(cursor=cursor)
        assert (answer.status_code, errors_of(answer)) == (400, ["cursor: expired"])

    def test_a_repeated_cursor_leads_to_the_same_page_for_ever(self, caller: Caller) -> None:
        first, second = self.pages(caller, "repeated-cursor")
        cursor = first["records"]["cursor"]
        assert second["records"]["cursor"] == cursor
        third = caller.page(cursor=cursor).json()
        assert third["records"]["cursor"] == cursor
        assert third["usersAggregateActivityStats"] == second["usersAggregateActivityStats"]

    def test_endless_pages_are_empty_after_the_last_and_go_on(self, caller: Caller) -> None:
        _, second = self.pages(caller, "endless-pages")
        cursors = [second["records"]["cursor"]]
        for _ in range(3):
            page = caller.page(cursor=cursors[-1]).json()
            assert page["usersAggregateActivityStats"] == []
            assert page["records"]["totalRecords"] == 6
            cursors.append(page["records"]["cursor"])
        assert len(set(cursors)) == 4

    def test_a_wrong_total_is_one_too_many_on_every_page(self, caller: Caller) -> None:
        pages = self.pages(caller, "wrong-total")
        assert [page["records"]["totalRecords"] for page in pages] == [7, 7]
        assert len(users_of(pages)) == 6

    def test_shifting_repeats_a_user_and_counts_one_more(self, caller: Caller) -> None:
        first, second = self.pages(caller, "shifting")
        assert second["usersAggregateActivityStats"][0] == first["usersAggregateActivityStats"][-1]
        assert [page["records"]["totalRecords"] for page in (first, second)] == [6, 7]

    def test_shrinking_skips_a_user_and_counts_one_less(self, caller: Caller) -> None:
        pages = self.pages(caller, "shrinking")
        listed = [user.user_id for user in users_of(pages)]
        assert listed == [user_id(index) for index in (0, 1, 2, 4, 6)]
        assert [page["records"]["totalRecords"] for page in pages] == [6, 5]

    def test_a_duplicate_user_has_other_numbers_and_the_totals_agree(self, caller: Caller) -> None:
        pages = self.pages(caller, "duplicate-user")
        users = users_of(pages)
        assert users[0].user_id == users[2].user_id
        assert users[0].counters != users[2].counters
        assert len(users) == pages[0]["records"]["totalRecords"] == 6

    def test_a_duplicate_on_a_page_of_one_is_a_second_record(self) -> None:
        with running_simulator(FixtureCompany(1)) as simulator, calling(simulator) as caller:
            body = struck(caller, "duplicate-user").json()
        assert [user.user_id for user in users_of([body])] == [user_id(0)] * 2
        assert body["records"]["totalRecords"] == body["records"]["currentPageSize"] == 2


class TestSpoiltMembers:
    @pytest.fixture
    def company(self) -> FixtureCompany:
        return FixtureCompany(6)

    @pytest.fixture
    def caller(self, company: FixtureCompany) -> Iterator[Caller]:
        with running_simulator(company) as simulator, calling(simulator) as caller:
            yield caller

    def test_null_counters(self, caller: Caller) -> None:
        counters = [
            user["userAggregateActivityStats"] for user in struck_users(caller, "null-counters")
        ]
        assert [one is None for one in counters] == [False, False, True] * 2
        assert counters[0]["callsAsHost"] is None
        assert "callsGaveFeedback" not in counters[0]
        assert len(counters[0]) == 14

    def test_weird_counters(self, caller: Caller) -> None:
        users = struck_users(caller, "weird-counters")
        values = [user["userAggregateActivityStats"]["callsAsHost"] for user in users]
        assert values == [-1, 1.5, "12", 2**65, -1, 1.5]

    def test_nan_counters(self, caller: Caller) -> None:
        text = struck(caller, "nan-counters").text
        assert '"callsAsHost": NaN' in text
        assert '"callsAsHost": Infinity' in text

    def test_extra_counters_leave_the_known_ones_alone(self, caller: Caller) -> None:
        healthy = struck_users(caller)
        for place, (user, spoilt) in enumerate(
            zip(healthy, struck_users(caller, "extra-counters"), strict=True)
        ):
            extra = {"callsWhispered": place, "callsSummarizedByAI": 2 * place}
            assert spoilt["userAggregateActivityStats"] == (
                user["userAggregateActivityStats"] | extra
            )

    def test_weird_counter_names(self, caller: Caller) -> None:
        counters = struck_users(caller, "weird-counter-names")[0]["userAggregateActivityStats"]
        assert {'calls"quoted\\', "calls\nbroken", "", "calls_as_host", "callsAsHost"} <= set(
            counters
        )

    def test_numeric_ids(self, caller: Caller) -> None:
        ids = [user["userId"] for user in struck_users(caller, "numeric-ids")]
        assert ids == [int(user_id(index)) for index in range(6)]

    @pytest.mark.parametrize(
        ("fault", "member"), [("null-ids", "userId"), ("null-emails", "userEmailAddress")]
    )
    def test_a_member_null_or_absent(self, caller: Caller, fault: str, member: str) -> None:
        users = struck_users(caller, fault)
        assert [user.get(member, "absent") for user in users] == [None, "absent"] * 3

    def test_weird_emails(self, caller: Caller) -> None:
        emails = [user["userEmailAddress"] for user in struck_users(caller, "weird-emails")]
        for email, part in zip(emails, ['"', "\\", "\n", "\ud800"], strict=False):
            assert part in email
        assert len(emails[4]) == 10_000
        assert len(set(emails)) == 6

    @pytest.mark.parametrize(
        ("fault", "members"),
        [
            ("unknown-time-zone", {"timeZone": "Mars/Olympus_Mons"}),
            ("null-time-zone", {"timeZone": None}),
            (
                "malformed-date-times",
                {
                    "fromDateTime": "2019-01-21T000:00:00-08:00",
                    "toDateTime": "2019-01-21T000:00:00-08:00",
                },
            ),
            (
                "other-range",
                {
                    "fromDateTime": "2019-01-21T00:00:00-08:00",
                    "toDateTime": "2019-01-22T00:00:00-08:00",
                },
            ),
            ("null-members", {"requestId": None, "fromDateTime": None, "toDateTime": None}),
        ],
    )
    def test_members_of_the_whole_answer(
        self, caller: Caller, fault: str, members: dict[str, Any]
    ) -> None:
        healthy = struck(caller).json()
        body = struck(caller, fault).json()
        changed = {name for name in body if body[name] != healthy[name]} - {"requestId"}
        assert changed | {"requestId"} == members.keys() | {"requestId"}
        assert {name: body[name] for name in members} == members

    def test_no_records(self, caller: Caller) -> None:
        body = struck(caller, "no-records").json()
        assert "records" not in body
        assert len(body["usersAggregateActivityStats"]) == 6

    def test_all_of_them_at_once(self, caller: Caller) -> None:
        body = struck(caller, *CONTENT).json()
        assert len(body["usersAggregateActivityStats"]) == 6
        assert body["timeZone"] is None
