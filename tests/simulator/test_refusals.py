"""What is refused, with which status and which words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from gong_exporter.simulator.api.faults import Fault
from gong_exporter.simulator.api.simulator import Simulator
from tests.support.companies import FixtureCompany, user_id
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling, errors_of

NOT_JSON = ["The body is not valid JSON"]
BAD_ID = "must be a string of up to 20 digits"
BAD_DATE = "must be a date as YYYY-MM-DD"
BAD_DATE_TIME = "must be a date-time as 2026-01-31T08:00:00Z"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"", NOT_JSON),
        (b"{", NOT_JSON),
        (b"\xff\xfe", NOT_JSON),
        (b'{"filter": NaN}', NOT_JSON),
        (b"[" * 100_000, NOT_JSON),
        (b"[]", ["The body must be a JSON object"]),
        (b"null", ["The body must be a JSON object"]),
        (b"{}", ["filter: may not be null"]),
        (b'{"filter": null}', ["filter: may not be null"]),
        (b'{"filter": []}', ["filter: must be an object"]),
    ],
)
def test_a_body_without_a_filter_is_a_400(caller: Caller, body: bytes, errors: list[str]) -> None:
    answer = caller.send(data=body)
    assert answer.status_code == 400
    assert errors_of(answer) == errors


@pytest.mark.parametrize(
    ("wanted", "errors"),
    [
        ({}, ["filter.fromDate: may not be null", "filter.toDate: may not be null"]),
        (
            {"fromDateTime": "2026-03-02T00:00:00Z", "toDateTime": "2026-03-09T00:00:00Z"},
            ["filter.fromDate: may not be null", "filter.toDate: may not be null"],
        ),
        ({"fromDate": "2026-03-02"}, ["filter.toDate: may not be null"]),
        (WEEK | {"fromDate": "2026-3-2"}, [f"filter.fromDate: {BAD_DATE}"]),
        (WEEK | {"fromDate": "2026-02-30"}, [f"filter.fromDate: {BAD_DATE}"]),
        (WEEK | {"fromDate": "2026-W10-1"}, [f"filter.fromDate: {BAD_DATE}"]),
        (WEEK | {"toDate": "2026-03-09T00:00:00Z"}, [f"filter.toDate: {BAD_DATE}"]),
        (WEEK | {"toDate": 20260309}, [f"filter.toDate: {BAD_DATE}"]),
        (WEEK | {"fromDate": "2026-03-09"}, ["filter.toDate: must be after filter.fromDate"]),
        (WEEK | {"fromDate": "2026-03-10"}, ["filter.toDate: must be after filter.fromDate"]),
        (
            WEEK | {"toDate": "2026-03-12"},
            ["filter.toDate: must not exceed the current day, 2026-03-11 in US/Pacific"],
        ),
        (WEEK | {"userIds": "7000"}, ["filter.userIds: must be an array"]),
        (WEEK | {"userIds": {"7000": True}}, ["filter.userIds: must be an array"]),
        (WEEK | {"userIds": ["1", 7000]}, [f"filter.userIds[1]: {BAD_ID}"]),
        (WEEK | {"userIds": ["1" * 21]}, [f"filter.userIds[0]: {BAD_ID}"]),
        (WEEK | {"userIds": [""]}, [f"filter.userIds[0]: {BAD_ID}"]),
        (WEEK | {"userIds": ["٣"]}, [f"filter.userIds[0]: {BAD_ID}"]),
        (WEEK | {"userIds": ["jane@acme.example"]}, [f"filter.userIds[0]: {BAD_ID}"]),
        (WEEK | {"userIds": [None]}, [f"filter.userIds[0]: {BAD_ID}"]),
        (
            WEEK | {"createdFromDateTime": "2026-01-01"},
            [f"filter.createdFromDateTime: {BAD_DATE_TIME}"],
        ),
        (
            WEEK | {"createdToDateTime": "2026-01-01T25:00:00Z"},
            [f"filter.createdToDateTime: {BAD_DATE_TIME}"],
        ),
        (
            WEEK | {"createdToDateTime": "2026-01-01T00:00:00"},
            [f"filter.createdToDateTime: {BAD_DATE_TIME}"],
        ),
        (WEEK | {"createdToDateTime": 5}, [f"filter.createdToDateTime: {BAD_DATE_TIME}"]),
    ],
)
def test_a_malformed_filter_is_a_400_that_names_the_member(
    caller: Caller, wanted: dict[str, Any], errors: list[str]
) -> None:
    answer = caller.page(wanted)
    assert answer.status_code == 400
    assert errors_of(answer) == errors


@pytest.mark.parametrize("digits", [1, 20])
def test_ids_of_up_to_20_digits_are_well_formed(caller: Caller, digits: int) -> None:
    answer = caller.page(WEEK | {"userIds": ["9" * digits, user_id(0)]})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (None, "Missing or invalid Authorization header"),
        ("", "Missing or invalid Authorization header"),
        ("Digest abc", "Missing or invalid Authorization header"),
        ("Basic", "Invalid credentials"),
        ("Basic not-base-64!", "Invalid credentials"),
        ("Basic REVNTy1BQ0NFU1MtS0VZOndyb25n", "Invalid credentials"),
        ("Bearer wrong", "Invalid credentials"),
        ("Bearer", "Invalid credentials"),
    ],
)
def test_bad_or_missing_credentials_are_a_401(
    simulator: Simulator, authorization: str | None, error: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            simulator.url + PATH, json={"filter": WEEK}, headers=headers, timeout=10
        )
    assert answer.status_code == 401
    assert errors_of(answer) == [error]


@pytest.mark.parametrize("path", ["/", "/v2/stats/activity", PATH + "/", "/v2/users/"])
def test_another_path_is_a_404(caller: Caller, simulator: Simulator, path: str) -> None:
    answer = caller.session.post(simulator.url + path, json={"filter": WEEK}, timeout=10)
    assert answer.status_code == 404
    assert errors_of(answer) == ["Not found"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_a_405(caller: Caller, simulator: Simulator, method: str) -> None:
    for _ in range(2):  # twice on one connection: nothing of the first answer is left over
        answer = caller.session.request(method, simulator.url + PATH, timeout=10)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST"
        assert method == "HEAD" or errors_of(answer) == ["Method not allowed"]


class TestUserNotFound:
    SILENT = user_id(5)
    UNKNOWN = "12345"

    @pytest.mark.parametrize("ids", [[UNKNOWN], [SILENT], [SILENT, UNKNOWN]])
    def test_nobody_of_those_asked_for_has_data(self, caller: Caller, ids: list[str]) -> None:
        answer = caller.page(WEEK | {"userIds": ids})
        assert answer.status_code == 404
        assert errors_of(answer) == ["User not found"]

    def test_one_unknown_id_fails_the_call_by_the_other_reading(
        self, company: FixtureCompany
    ) -> None:
        other = (Fault("unknown-id-fails"),)
        with running_simulator(company, faults=other) as running, calling(running) as caller:
            both = caller.page(WEEK | {"userIds": [user_id(0), self.UNKNOWN]})
            known = caller.page(WEEK | {"userIds": [user_id(0), self.SILENT]})
        assert both.status_code == 404
        assert known.status_code == 200

    def test_a_period_without_activity_is_an_empty_200_or_a_404_by_reading(self) -> None:
        nobody = FixtureCompany(2, silent={0, 1})
        with running_simulator(nobody) as running, calling(running) as caller:
            mild = caller.page()
        other = (Fault("empty-is-404"),)
        with running_simulator(nobody, faults=other) as running, calling(running) as caller:
            strict = caller.page()
        assert mild.json()["usersAggregateActivityStats"] == []
        assert errors_of(strict) == ["User not found"]
        assert (mild.status_code, strict.status_code) == (200, 404)


def test_the_first_page_is_number_one_by_the_other_reading(company: FixtureCompany) -> None:
    with (
        running_simulator(company, first_page_number=1, page_size=4) as running,
        calling(running) as caller,
    ):
        numbers = [page["records"]["currentPageNumber"] for page in caller.pages()]
    assert numbers == [1, 2]
