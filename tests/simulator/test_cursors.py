"""A cursor is good for its own listing, on its own server, for a short while."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gong_exporter.simulator.api.simulator import Simulator
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling, errors_of


def first_cursor(caller: Caller, wanted: dict[str, Any] | None = None) -> str:
    cursor: str = caller.page(wanted).json()["records"]["cursor"]
    return cursor


def test_a_cursor_looks_like_a_jwt(caller: Caller) -> None:
    assert re.fullmatch(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}", first_cursor(caller))


def test_a_cursor_gives_the_next_page_as_often_as_it_is_used(caller: Caller) -> None:
    cursor = first_cursor(caller)
    once, again = caller.page(cursor=cursor).json(), caller.page(cursor=cursor).json()
    assert once["records"]["currentPageNumber"] == again["records"]["currentPageNumber"] == 1
    assert once["usersAggregateActivityStats"] == again["usersAggregateActivityStats"]


def test_a_null_cursor_is_no_cursor(caller: Caller) -> None:
    answer = caller.post({"filter": WEEK, "cursor": None})
    assert answer.json()["records"]["currentPageNumber"] == 0


def test_a_cursor_in_the_query_string_is_ignored(caller: Caller, simulator: Simulator) -> None:
    answer = caller.session.post(
        simulator.url + PATH,
        params={"cursor": first_cursor(caller)},
        json={"filter": WEEK},
        timeout=10,
    )
    assert answer.json()["records"]["currentPageNumber"] == 0


def test_a_cursor_needs_its_filter_repeated(caller: Caller) -> None:
    answer = caller.post({"cursor": first_cursor(caller)})
    assert answer.status_code == 400
    assert errors_of(answer) == ["filter: may not be null"]


IDS = [user_id(index) for index in range(7)]


@pytest.mark.parametrize(
    "other",
    [
        WEEK | {"fromDate": "2026-03-03"},
        WEEK | {"toDate": "2026-03-10"},
        WEEK | {"userIds": IDS[:4]},
        WEEK | {"createdFromDateTime": "2026-01-01T00:00:00Z"},
        WEEK | {"createdToDateTime": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_cursor_of_another_filter_is_a_400(caller: Caller, other: dict[str, Any]) -> None:
    answer = caller.page(other, cursor=first_cursor(caller))
    assert answer.status_code == 400
    assert errors_of(answer) == ["cursor: does not belong to this filter"]


def test_the_order_of_user_ids_does_not_matter_to_a_cursor(caller: Caller) -> None:
    cursor = first_cursor(caller, WEEK | {"userIds": IDS})
    answer = caller.page(WEEK | {"userIds": IDS[::-1]}, cursor=cursor)
    assert answer.status_code == 200


@pytest.mark.parametrize("cursor", ["", "nonsense", "a.b.c", "eyJ.ä.\ud800", "x" * 10_000])
def test_a_made_up_cursor_is_a_400(caller: Caller, cursor: str) -> None:
    answer = caller.page(cursor=cursor)
    assert answer.status_code == 400
    assert errors_of(answer) == ["cursor: invalid"]


@pytest.mark.parametrize("value", [7, True, {}, ["a"]])
def test_a_cursor_that_is_no_string_is_a_400(caller: Caller, value: object) -> None:
    answer = caller.post({"filter": WEEK, "cursor": value})
    assert answer.status_code == 400
    assert errors_of(answer) == ["cursor: must be a string"]


@pytest.mark.parametrize("place", [0, 30, -1])
def test_a_tampered_cursor_is_a_400(caller: Caller, place: int) -> None:
    letters = list(first_cursor(caller))
    letters[place] = "A" if letters[place] != "A" else "Z"
    answer = caller.page(cursor="".join(letters))
    assert errors_of(answer) == ["cursor: invalid"]


def test_a_cursor_of_another_server_is_a_400(company: FixtureCompany, caller: Caller) -> None:
    with running_simulator(company, page_size=3) as other, calling(other) as stranger:
        foreign = first_cursor(stranger)
    assert errors_of(caller.page(cursor=foreign)) == ["cursor: invalid"]


def test_a_cursor_expires(company: FixtureCompany) -> None:
    clock = FakeClock()
    with (
        running_simulator(
            company, now=clock.datetime, monotonic=clock.monotonic, cursor_lifetime=30, page_size=3
        ) as running,
        calling(running) as caller,
    ):
        cursor = first_cursor(caller)
        clock.advance(29.9)
        in_time = caller.page(cursor=cursor)
        clock.advance(0.1)
        late = caller.page(cursor=cursor)
    assert in_time.status_code == 200
    assert late.status_code == 400
    assert errors_of(late) == ["cursor: expired"]
