"""``GET /v2/users``: through the same client, limits and retries as the activity."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gong_exporter.common.redact import RedactionPolicy, Redactor
from gong_exporter.gong.errors import Forbidden, GongError, InvalidResponse, Unauthorized
from gong_exporter.gong.gong_users import MAX_ALIASES, GongUser, UsersPage, parse_users_page
from tests.gong.clients import GONE, limited, watched
from tests.support.hostile import answer, hostile_server

BIG_ID = "18446744073709551616"


def user(**members: object) -> dict[str, Any]:
    return {"id": "7", **members}


def body(*users: object, **members: object) -> dict[str, Any]:
    records = {"totalRecords": len(users), "currentPageSize": len(users), "currentPageNumber": 0}
    return {"requestId": "r1", "records": records, "users": list(users), **members}


def parsed(payload: object) -> UsersPage:
    return parse_users_page(json.dumps(payload).encode(), Redactor(RedactionPolicy()))


def test_a_page_is_a_get_with_the_cursor_in_the_query_and_without_a_body() -> None:
    with hostile_server(answer(200, body(user()))) as server:
        client = watched(server.url).client
        client.users_page()
        page = client.users_page("eyJ+/=&x")
    heads = [request.head.split(b"\r\n")[0].decode() for request in server.requests]
    assert heads == [
        "GET /v2/users HTTP/1.1",
        "GET /v2/users?cursor=eyJ%2B%2F%3D%26x HTTP/1.1",
    ]
    assert {b"authorization: basic" in r.head.lower() for r in server.requests} == {True}
    assert page.users == (GongUser(user_id="7"),)


def test_every_member_that_is_used_is_read() -> None:
    page = parsed(
        body(
            user(
                id=BIG_ID,
                emailAddress="Ada@example.com",
                emailAliases=["a@example.com", "a@example.com", None, "", "b@example.com"],
                firstName="Ada",
                lastName="Alder",
                title="Head of Sales",
                managerId=int(BIG_ID) + 1,
                active=False,
                settings={"webConferencesRecorded": False, "emailsImported": True},
                phoneNumber="+1 555",
            )
        )
    )
    assert page.users == (
        GongUser(
            user_id=BIG_ID,
            email="Ada@example.com",
            aliases=("a@example.com", "b@example.com"),
            name="Ada Alder",
            title="Head of Sales",
            manager_id="18446744073709551617",
            active=False,
            recorded=False,
        ),
    )
    assert (page.total_records, page.cursor, page.records_received) == (1, None, 1)


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [{}]])
def test_members_that_are_null_or_of_another_kind_are_unknown(value: object) -> None:
    members = ("emailAliases", "settings", "active")
    assert parsed(body(user(**dict.fromkeys(members, value)))).users[0] in (
        GongUser(user_id="7"),
        GongUser(user_id="7", aliases=()),
    )


def test_a_user_without_an_id_is_left_out_and_counted() -> None:
    page = parsed(body(user(), {"emailAddress": "x@example.com"}, "no user"))
    assert (len(page.users), page.records_received) == (1, 3)
    assert page.anomalies == ("a user without an id was left out",)


def test_aliases_of_one_user_are_bounded() -> None:
    page = parsed(body(user(emailAliases=[f"{n}@example.com" for n in range(1000)])))
    assert len(page.users[0].aliases) == MAX_ALIASES


@pytest.mark.parametrize("payload", [[], {}, {"users": None}, {"users": {}, "records": {}}])
def test_a_page_without_its_list_is_refused(payload: object) -> None:
    with pytest.raises(InvalidResponse):
        parsed(payload)


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorized), (403, Forbidden)])
def test_a_refused_key_is_told_the_scope(status: int, kind: type[GongError]) -> None:
    with hostile_server(answer(status, GONE)) as server, pytest.raises(kind) as caught:
        watched(server.url).client.users_page()
    assert "api:users:read" in caught.value.advice
    assert caught.value.request_id == "r9"


def test_the_list_is_fetched_through_the_same_limiter_retries_and_observer() -> None:
    with hostile_server(limited(("Retry-After", "2")), answer(500, GONE), answer(200, body())) as s:
        seen = watched(s.url)
        assert seen.client.users_page().users == ()
    assert seen.counted == [(429, "rate_limited"), (500, "server_error"), (200, None)]
    assert seen.limited
