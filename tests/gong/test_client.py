"""The client over real sockets: what is sent, every status, what is retried and counted."""

from __future__ import annotations

from datetime import date

import pytest

from gong_exporter.gong.client import RetryPolicy
from gong_exporter.gong.errors import (
    NOT_GONG,
    REASONS,
    BadRequest,
    ConnectionFailed,
    CredentialsUnreadable,
    Forbidden,
    GongError,
    InvalidResponse,
    Redirected,
    ResponseError,
    ServerError,
    TimedOut,
    Unauthorized,
    UnexpectedStatus,
    UserNotFound,
)
from gong_exporter.gong.records import ActivityFilter
from tests.gong.clients import GONE, OK, WANTED, watched
from tests.gong.transports import PAGE, SECRET
from tests.support.hostile import Connection, answer, hang, hostile_server, raw, reset

# What is sent


def test_every_field_of_a_request_goes_out_and_the_filter_comes_with_each_cursor() -> None:
    wanted = ActivityFilter(
        from_date=date(2026, 3, 4),
        to_date=date(2026, 3, 11),
        created_from="2026-01-01T00:00:00Z",
        created_to="2026-02-01T00:00:00+01:00",
        user_ids=("90000000000000000000", "7"),
    )
    with hostile_server(OK) as server:
        client = watched(server.url).client
        client.page(wanted)
        client.page(wanted, "eyJ.next")
    sent = {
        "fromDate": "2026-03-04",
        "toDate": "2026-03-11",
        "createdFromDateTime": "2026-01-01T00:00:00Z",
        "createdToDateTime": "2026-02-01T00:00:00+01:00",
        "userIds": ["90000000000000000000", "7"],
    }
    assert [request.json for request in server.requests] == [
        {"filter": sent},
        {"cursor": "eyJ.next", "filter": sent},
    ]
    assert {request.head.split(b" ")[1] for request in server.requests} == {
        b"/v2/stats/activity/aggregate"
    }


def test_what_is_not_asked_for_is_not_sent() -> None:
    with hostile_server(OK) as server:
        watched(server.url).page()
    assert server.requests[0].json == {"filter": {"fromDate": "2026-03-04", "toDate": "2026-03-11"}}


def test_credentials_are_read_for_each_call_because_they_rotate() -> None:
    values = iter(["Basic b25l", "Bearer two"])
    with hostile_server(OK) as server:
        seen = watched(server.url)
        seen.client._authorization = lambda: next(values)
        seen.page()
        seen.page()
    assert [request.header("authorization") for request in server.requests] == [
        "Basic b25l",
        "Bearer two",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\nX-Injected: 1", "\x00", "ä", "電", " ", "\x7f"])
def test_credentials_that_no_header_can_carry_cost_no_call_and_are_not_shown(end: str) -> None:
    with hostile_server(OK) as server:
        seen = watched(server.url, authorization=f"Bearer {SECRET}{end}")
        error = seen.fail()
    assert isinstance(error, CredentialsUnreadable)
    assert SECRET not in error.message
    assert (server.requests, seen.exchanges) == ([], [])


# Every status


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, BadRequest, "bad_request"),
        (401, Unauthorized, "unauthorized"),
        (403, Forbidden, "forbidden"),
        (404, UserNotFound, "not_found"),
        (405, UnexpectedStatus, "bad_request"),
        (407, UnexpectedStatus, "bad_request"),
        (413, UnexpectedStatus, "bad_request"),
        (418, UnexpectedStatus, "bad_request"),
        (451, UnexpectedStatus, "bad_request"),
    ],
)
def test_a_4xx_is_not_retried_and_quotes_gongs_error(
    status: int, kind: type[ResponseError], reason: str
) -> None:
    with hostile_server(answer(status, GONE)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is kind
    assert error.message == f"Gong answered {status}: An error has occurred"
    assert (error.request_id, error.code, error.reason) == ("r9", status, reason)
    assert seen.counted == [(status, reason)]
    assert len(server.requests) == 1
    assert (error.advice == NOT_GONG) == (kind is UnexpectedStatus)
    assert error.advice


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [GONE, b"<html>cloud edge</html>", b""], ids=["gong", "edge", ""])
def test_a_server_error_is_retried_a_bounded_number_of_times(status: int, body: object) -> None:
    with hostile_server(answer(status, body)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is ServerError
    assert error.message.startswith(f"Gong answered {status}")
    assert seen.counted == [(status, "server_error")] * 4
    assert len(seen.warnings) == 3  # one for each time that it is tried again


@pytest.mark.parametrize(
    ("status", "kind"), [(400, UnexpectedStatus), (401, Unauthorized), (403, Forbidden)]
)
def test_an_html_error_points_at_a_proxy_or_a_wrong_host(
    status: int, kind: type[ResponseError]
) -> None:
    with hostile_server(answer(status, b"<html>blocked by the proxy</html>")) as server:
        error = watched(server.url).fail()
    assert type(error) is kind
    assert error.advice.endswith(NOT_GONG)


@pytest.mark.parametrize("status", [200, 404])
def test_an_html_page_in_place_of_gongs_points_at_a_proxy_or_a_wrong_host(status: int) -> None:
    with hostile_server(answer(status, b"<!DOCTYPE html><html>log in</html>")) as server:
        error = watched(server.url, retry=RetryPolicy(attempts=1)).fail()
    assert (type(error), error.advice) == (InvalidResponse, NOT_GONG)


TRACE = [("x-traceid", "5fca8bd0\x1b")]


@pytest.mark.parametrize(
    ("body", "request_id"), [({}, "5fca8bd0"), (b"<html>", "5fca8bd0"), (GONE, "r9")], ids=str
)
def test_the_trace_id_stands_in_for_a_missing_request_id(body: object, request_id: str) -> None:
    with hostile_server(answer(500, body, TRACE), answer(200, b"[]", TRACE)) as server:
        seen = watched(server.url, retry=RetryPolicy(attempts=1))
        assert [seen.fail().request_id, seen.fail().request_id] == [request_id, "5fca8bd0"]


def test_the_trace_id_is_the_request_id_of_a_page_that_has_none() -> None:
    page = {**PAGE, "requestId": None}
    with hostile_server(answer(200, page, TRACE), answer(200, PAGE, TRACE)) as server:
        seen = watched(server.url)
        assert seen.page().request_id == "5fca8bd0"
        assert seen.page().request_id == PAGE["requestId"]


def test_a_trace_id_that_repeats_the_credentials_is_redacted() -> None:
    with hostile_server(answer(500, b"", [("x-traceid", f"for {SECRET}")])) as server:
        assert watched(server.url, retry=RetryPolicy(attempts=1)).fail().request_id == "for ***"


def test_the_first_good_response_ends_the_retries() -> None:
    with hostile_server(answer(500, GONE), reset, answer(200, b"<html>"), OK) as server:
        seen = watched(server.url)
        assert seen.page().time_zone == "US/Pacific"
    assert seen.counted == [
        (500, "server_error"),
        (None, "connection"),
        (200, "invalid_response"),
        (200, None),
    ]
    assert seen.warnings == [
        ("retrying: Gong answered 500: An error has occurred", "r9"),
        (f"retrying: 127.0.0.1:{server.port}: Connection reset by peer", None),
        ("retrying: the response is HTML (6 bytes)", None),
    ]


def test_retries_wait_longer_each_time_and_never_all_at_once() -> None:
    policy = RetryPolicy(attempts=8)
    firsts = set()
    for _ in range(5):
        with hostile_server(answer(500, GONE)) as server:
            seen = watched(server.url, retry=policy)
            seen.fail()
        # The limiter's own waits are those of a call past the hundredth in a second: none here.
        assert len(seen.clock.waits) == 7
        bounds = [1, 2, 4, 8, 16, 30, 30]
        pairs = zip(seen.clock.waits, bounds, strict=True)
        assert all(0 <= wait <= bound for wait, bound in pairs)
        firsts.add(seen.clock.waits[0])
    assert len(firsts) == 5


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("https://us-12345.api.gong.io/v2/x?token=abc", "to https://us-12345.api.gong.io"),
        ("http://host:8080/", "to http://host:8080"),
        ("/elsewhere", "elsewhere"),
        ("https://user:secret@host/", "to https://host"),
        ("https://ho\x85st\t[0m/", "elsewhere"),
        ("javascript:alert(1)", "elsewhere"),
        ("http://[::1", "elsewhere"),
        ("http://host:99999/", "elsewhere"),
    ],
)
def test_a_redirect_names_the_other_host_and_is_not_followed(location: str, where: str) -> None:
    with hostile_server(answer(307, b"", [("Location", location)])) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert isinstance(error, Redirected)
    assert error.message == f"Gong answered 307: redirects {where}"
    assert seen.counted == [(307, "redirect")]
    assert "gong.base_url" in error.advice


def test_a_page_can_be_requested_on_a_new_connection() -> None:
    with hostile_server(OK) as server:
        client = watched(server.url).client
        for new in (False, False, True, False):
            client.page(WANTED, new_connection=new)
        assert (server.connections, len(server.requests)) == (2, 4)
        client.close()


def test_a_late_response_is_not_taken_for_one_on_a_new_connection() -> None:
    """A response that is sent twice waits on the kept connection for the next request."""
    first = {**PAGE, "requestId": "first"}

    def twice(connection: Connection) -> bool:
        answer(200, first)(connection)
        return answer(200, first)(connection)

    with hostile_server(twice, answer(200, {**PAGE, "requestId": "second"})) as server:
        client = watched(server.url).client
        assert client.page(WANTED).request_id == "first"
        assert client.page(WANTED, new_connection=True).request_id == "second"
        client.close()


@pytest.mark.parametrize("status", [102, 103, 201, 204, 206])
def test_another_success_has_no_page_and_is_retried(status: int) -> None:
    with hostile_server(answer(status, b"", keep=False)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert isinstance(error, InvalidResponse)
    assert error.message == f"Gong answered {status}, which has no page"
    assert seen.counted == [(status, "invalid_response")] * 4


@pytest.mark.parametrize(
    "body", [b"<html>404</html>", b"", b"[]", b"{}"], ids=["html", "empty", "list", "object"]
)
def test_a_404_without_gongs_body_is_invalid_and_not_an_empty_listing(body: bytes) -> None:
    with hostile_server(answer(404, body)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is InvalidResponse
    assert seen.counted == [(404, "invalid_response")] * 4


def test_a_timeout_is_counted_without_a_code() -> None:
    with hostile_server(hang()) as server:
        seen = watched(server.url, timeout=0.1, retry=RetryPolicy(attempts=2))
        assert isinstance(seen.fail(), TimedOut)
    assert seen.counted == [(None, "timeout")] * 2


def test_a_response_that_ends_early_is_counted_with_its_code() -> None:
    with hostile_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")) as server:
        seen = watched(server.url, retry=RetryPolicy(attempts=1))
        assert isinstance(seen.fail(), ConnectionFailed)
    assert seen.counted == [(200, "connection")]


def test_a_page_with_anomalies_is_used_counted_and_logged_with_its_request_id() -> None:
    odd = {**PAGE, "records": {"totalRecords": 0, "currentPageSize": "none"}}
    with hostile_server(answer(200, odd)) as server:
        seen = watched(server.url)
        assert seen.page().total_records == 0
    assert seen.counted == [(200, "invalid_response")]
    assert seen.warnings == [
        (
            "unexpected values in a response: records.currentPageSize is not a count",
            "4al018gzaztcr8nbukw",
        )
    ]


def test_credentials_that_gong_repeats_are_not_in_the_message() -> None:
    def echo(connection: Connection) -> bool:
        said = [connection.header("authorization"), f"bad secret {SECRET}", "for ACCESSKEY"]
        return answer(401, {"requestId": "r9", "errors": said})(connection)

    with hostile_server(echo) as server:
        error = watched(server.url).fail()
    assert error.message == "Gong answered 401: ***; bad secret ***; for ***"


def test_credentials_in_the_request_id_of_a_page_with_anomalies_are_redacted() -> None:
    def echo(connection: Connection) -> bool:
        odd = {"totalRecords": 0, "currentPageSize": "none"}
        said = f"{connection.header('authorization')} {SECRET}"
        return answer(200, {**PAGE, "records": odd, "requestId": said})(connection)

    with hostile_server(echo) as server:
        seen = watched(server.url)
        assert seen.page().request_id == "*** ***"
    assert seen.warnings == [
        ("unexpected values in a response: records.currentPageSize is not a count", "*** ***")
    ]


def test_credentials_in_the_request_id_of_an_invalid_page_are_redacted() -> None:
    broken = {"requestId": f"for {SECRET}", "usersAggregateActivityStats": "none"}
    with hostile_server(answer(200, broken)) as server:
        assert watched(server.url).fail().request_id == "for ***"


@pytest.mark.parametrize("place", [0, 270, 277, 285, 293, 299])
def test_credentials_that_gong_repeats_are_not_shortened_into_something_else(place: int) -> None:
    said = "x" * place + SECRET
    with hostile_server(answer(401, {"requestId": said, "errors": [said]})) as server:
        error = watched(server.url).fail()
    shown = ("x" * place + "***")[:300]
    assert (error.request_id, error.message) == (shown, f"Gong answered 401: {shown}")


def test_every_leaf_has_a_reason_of_the_metrics() -> None:
    def leaves(kind: type[GongError]) -> set[str]:
        below = kind.__subclasses__()
        return {kind.reason}.union(*map(leaves, below))

    assert leaves(GongError) - {""} == set(REASONS)
