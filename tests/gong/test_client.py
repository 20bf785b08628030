"""The client over real sockets: every status, every Retry-After, what is retried and counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.gong.client import MAX_RETRY_AFTER, GongClient, RetryPolicy, retry_after
from gong_exporter.gong.clock import Clock, Stopped, SystemClock
from gong_exporter.gong.errors import (
    REASONS,
    AnswerError,
    BadRequest,
    ConnectionFailed,
    CredentialsUnreadable,
    Forbidden,
    GongError,
    InvalidResponse,
    QuotaSpent,
    RateLimited,
    Redirected,
    ServerError,
    TimedOut,
    Unauthorized,
    UserNotFound,
    WaitTooLong,
)
from gong_exporter.gong.limits import CallLimits, Limiter, MemoryLedger
from gong_exporter.gong.records import ActivityFilter, Exchange, Page
from tests.gong.transports import AUTHORIZATION, PAGE, SECRET, transport_to
from tests.support.clocks import NOW, FakeClock
from tests.support.hostile import Behaviour, Connection, answer, hang, hostile_server, raw, reset

WANTED = ActivityFilter(from_date=date(2026, 3, 4), to_date=date(2026, 3, 11))
GONE = {"requestId": "r9", "errors": ["An error has occurred"]}
OK = answer(200, PAGE)


@dataclass
class Watched:
    """A client, and what it told everybody."""

    client: GongClient
    clock: FakeClock
    exchanges: list[Exchange] = field(default_factory=list)
    warnings: list[tuple[str, str | None]] = field(default_factory=list)
    limited: list[float] = field(default_factory=list)

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def throttled(self, seconds: float) -> None:
        pass

    def rate_limited_until(self, until: float) -> None:
        self.limited.append(until)

    def page(self, cursor: str | None = None) -> Page:
        return self.client.page(WANTED, cursor)

    def fail(self) -> GongError:
        with pytest.raises(GongError) as caught:
            self.page()
        return caught.value

    @property
    def counted(self) -> list[tuple[int | None, str | None]]:
        return [(exchange.code, exchange.reason) for exchange in self.exchanges]


def watched(
    url: str,
    *,
    clock: Clock | None = None,
    per_second: float = 100.0,
    per_day: int = 1000,
    retry: RetryPolicy | None = None,
    authorization: str = AUTHORIZATION,
    timeout: float = 5.0,
) -> Watched:
    fake = FakeClock()
    used = clock or fake
    seen = Watched(client=None, clock=fake)  # type: ignore[arg-type]
    seen.client = GongClient(
        transport=transport_to(url, timeout),
        limiter=Limiter(
            clock=used,
            ledger=MemoryLedger(),
            limits=CallLimits(per_second, per_day),
            observer=seen,
            timeout=timeout,
        ),
        observer=seen,
        clock=used,
        authorization=lambda: authorization,
        retry=retry,
        warn=lambda message, request_id: seen.warnings.append((message, request_id)),
    )
    return seen


def limited(*headers: tuple[str, str]) -> Behaviour:
    return answer(429, {"requestId": "r9", "errors": ["API request limit exceeded"]}, headers)


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


def test_credentials_are_read_for_each_call_since_they_rotate() -> None:
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
        (405, BadRequest, "bad_request"),
        (407, BadRequest, "bad_request"),
        (418, BadRequest, "bad_request"),
    ],
)
def test_an_error_that_is_ours_is_not_retried_and_says_what_gong_said(
    status: int, kind: type[AnswerError], reason: str
) -> None:
    with hostile_server(answer(status, GONE)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is kind
    assert error.message == f"Gong answered {status}: An error has occurred"
    assert (error.request_id, error.code, error.reason) == ("r9", status, reason)
    assert seen.counted == [(status, reason)]
    assert len(server.requests) == 1
    assert isinstance(error, AnswerError)
    assert error.errors == ("An error has occurred",)
    assert error.advice


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [GONE, b"<html>cloud edge</html>", b""], ids=["gong", "edge", ""])
def test_a_server_error_is_retried_a_bounded_number_of_times(status: int, body: object) -> None:
    with hostile_server(answer(status, body)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is ServerError
    assert error.message.startswith(f"Gong answered {status}")
    assert seen.counted == [(status, "server_error")] * 4
    assert len(seen.warnings) == 3  # one for each time that it is tried again


def test_the_first_good_answer_ends_the_retries() -> None:
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
        ("Gong answered 500: An error has occurred; trying again", "r9"),
        (f"127.0.0.1:{server.port}: Connection reset by peer; trying again", None),
        ("the answer is HTML (6 bytes); trying again", None),
    ]


def test_retries_wait_longer_each_time_and_never_all_at_once() -> None:
    policy = RetryPolicy(attempts=8, first_wait=1, longest_wait=30)
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
def test_a_404_that_is_not_gongs_own_is_not_taken_for_nobody_has_data(body: bytes) -> None:
    with hostile_server(answer(404, body)) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert type(error) is InvalidResponse
    assert seen.counted == [(404, "invalid_response")] * 4


def test_a_time_out_is_counted_without_a_code() -> None:
    with hostile_server(hang()) as server:
        seen = watched(server.url, timeout=0.1, retry=RetryPolicy(attempts=2))
        assert isinstance(seen.fail(), TimedOut)
    assert seen.counted == [(None, "timeout")] * 2


def test_an_answer_that_breaks_off_is_counted_with_its_code() -> None:
    with hostile_server(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")) as server:
        seen = watched(server.url, retry=RetryPolicy(attempts=1))
        assert isinstance(seen.fail(), ConnectionFailed)
    assert seen.counted == [(200, "connection")]


def test_a_page_with_oddities_is_used_counted_and_told_with_its_request_id() -> None:
    odd = {**PAGE, "records": {"totalRecords": 0, "currentPageSize": "none"}}
    with hostile_server(answer(200, odd)) as server:
        seen = watched(server.url)
        assert seen.page().total_records == 0
    assert seen.counted == [(200, "invalid_response")]
    assert seen.warnings == [("records.currentPageSize is no count", "4al018gzaztcr8nbukw")]


def test_credentials_that_gong_repeats_are_not_in_the_message() -> None:
    def echo(connection: Connection) -> bool:
        said = [connection.header("authorization"), f"bad secret {SECRET}", "for ACCESSKEY"]
        return answer(401, {"requestId": "r9", "errors": said})(connection)

    with hostile_server(echo) as server:
        error = watched(server.url).fail()
    assert error.message == "Gong answered 401: ***; bad secret ***; for ***"


def test_every_reason_is_one_that_metrics_know() -> None:
    def leaves(kind: type[GongError]) -> set[str]:
        below = kind.__subclasses__()
        return {kind.reason}.union(*map(leaves, below))

    ours: list[type[GongError]] = [
        BadRequest,
        Unauthorized,
        Forbidden,
        UserNotFound,
        RateLimited,
        ServerError,
    ]
    others: list[type[GongError]] = [Redirected, TimedOut, ConnectionFailed, InvalidResponse]
    assert {kind.reason for kind in [*ours, *others]} == set(REASONS)
    assert leaves(GongError) - {""} == set(REASONS)


# 429


@pytest.mark.parametrize("seconds", [0, 1, 7, 60])
def test_a_bearable_retry_after_is_waited_out_and_the_same_page_asked_for_again(
    seconds: int,
) -> None:
    with hostile_server(limited(("Retry-After", str(seconds))), OK) as server:
        seen = watched(server.url)
        began = seen.clock.monotonic()
        seen.page("eyJ.next")
        assert seconds <= seen.clock.monotonic() - began <= seconds + 0.05
    first, second = server.requests
    assert first.body == second.body
    assert first.json["cursor"] == "eyJ.next"
    assert seen.counted == [(429, "rate_limited"), (200, None)]
    assert seen.limited[0] == pytest.approx(NOW.timestamp() + seconds, abs=0.05)
    assert seen.limited[-1] == 0


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Retry-After", "a little while")],
        [("Retry-After", "-5")],
        [("Retry-After", "0.5")],
        [("Retry-After", "9" * 400)],
        [("Retry-After", "99999999")],
        [("Retry-After", "")],
        [("Retry-After", "٣")],
        [("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")],
        [("Retry-After", "Thu, 01 Jan 9999 00:00:00 GMT")],
    ],
    ids=str,
)
def test_without_a_readable_retry_after_the_wait_is_ours_and_doubles(
    headers: Sequence[tuple[str, str]],
) -> None:
    encoded = [(name, value.encode().decode("latin-1")) for name, value in headers]
    with hostile_server(limited(*encoded), limited(*encoded), OK) as server:
        seen = watched(server.url)
        began = seen.clock.monotonic()
        seen.page()
        assert 15 <= seen.clock.monotonic() - began <= 15.1  # 5 and 10


def test_a_retry_after_as_a_date_is_waited_out() -> None:
    until = format_datetime(NOW + timedelta(seconds=20), usegmt=True)
    with hostile_server(limited(("Retry-After", until)), OK) as server:
        seen = watched(server.url)
        seen.page()
    assert 0 <= seen.clock.now() - (NOW + timedelta(seconds=20)).timestamp() <= 0.05


def test_a_date_counts_by_the_clock_of_whoever_sent_it() -> None:
    """Our clock is ten minutes ahead: by it, the date is long past."""
    theirs = NOW - timedelta(minutes=10)
    headers = [
        ("Date", format_datetime(theirs, usegmt=True)),
        ("Retry-After", format_datetime(theirs + timedelta(seconds=30), usegmt=True)),
    ]
    with hostile_server(limited(*headers), OK) as server:
        seen = watched(server.url)
        began = seen.clock.monotonic()
        seen.page()
        assert 30 <= seen.clock.monotonic() - began <= 30.05


def test_a_retry_after_of_two_hours_ends_it_and_nothing_else_is_sent_meanwhile() -> None:
    with hostile_server(limited(("Retry-After", "7200")), OK) as server:
        seen = watched(server.url)
        error = seen.fail()
        assert isinstance(error, RateLimited)
        assert error.until == pytest.approx(NOW.timestamp() + 7200, abs=0.05)
        seen.clock.advance(7100)
        again = seen.fail()
        assert isinstance(again, WaitTooLong)
        assert again.until == pytest.approx(NOW.timestamp() + 7200, abs=0.05)
        assert len(server.requests) == 1
        seen.clock.advance(101)
        seen.page()
        assert len(server.requests) == 2
    assert seen.counted == [(429, "rate_limited"), (200, None)]


def test_a_429_without_an_end_ends_the_poll_and_leaves_gong_alone_for_a_while() -> None:
    with hostile_server(limited(("Retry-After", "1"))) as server:
        seen = watched(server.url)
        error = seen.fail()
        assert isinstance(error, RateLimited)
        assert len(server.requests) == 6
    assert error.until == pytest.approx(seen.clock.now() + 900, abs=0.05)


def test_a_429_without_an_end_and_without_a_retry_after_waits_a_minute_at_most() -> None:
    with hostile_server(limited()) as server:
        seen = watched(server.url)
        error = seen.fail()
    assert isinstance(error, RateLimited)
    assert [round(wait) for wait in seen.clock.waits if wait > 1] == [5, 10, 20, 40, 60]


def test_a_429_does_not_use_up_the_retries_of_a_server_error() -> None:
    wait = limited(("Retry-After", "1"))
    fault = answer(500, GONE)
    with hostile_server(fault, wait, fault, wait, wait, fault, OK) as server:
        seen = watched(server.url)
        seen.page()
    assert len(server.requests) == 7


@pytest.mark.parametrize("behaviour", [OK, reset, answer(500, GONE)], ids=["page", "reset", "500"])
def test_an_exchange_frees_its_slot_however_it_ends(behaviour: Behaviour) -> None:
    with hostile_server(behaviour, OK) as server:
        seen = watched(server.url, per_second=1, retry=RetryPolicy(attempts=2, first_wait=0.01))
        seen.page()
        seen.page()
        calls = len(server.requests)
    assert calls - 1 <= seen.clock.monotonic() - 1000 <= (calls - 1) * 1.1


def test_a_spent_quota_is_said_and_nothing_is_sent() -> None:
    with hostile_server(OK) as server:
        seen = watched(server.url, per_day=2)
        seen.page()
        seen.page()
        assert isinstance(seen.fail(), QuotaSpent)
        assert (len(server.requests), len(seen.exchanges)) == (2, 2)


def test_retries_spend_the_quota_too() -> None:
    with hostile_server(answer(500, GONE)) as server:
        seen = watched(server.url, per_day=2)
        assert isinstance(seen.fail(), QuotaSpent)
        assert len(server.requests) == 2


# Stopping


def test_a_stop_ends_a_wait_for_gong_at_once() -> None:
    with hostile_server(limited(("Retry-After", "50"))) as server:
        seen = watched(server.url)
        seen.clock.stop(after=3)
        began = seen.clock.monotonic()
        with pytest.raises(Stopped):
            seen.page()
        assert seen.clock.monotonic() - began == 3
        assert len(server.requests) == 1


def test_a_stop_ends_the_wait_between_retries() -> None:
    with hostile_server(answer(500, GONE)) as server:
        seen = watched(server.url, retry=RetryPolicy(attempts=50, first_wait=30))
        seen.clock.stop(after=20)
        with pytest.raises(Stopped):
            seen.page()
        assert seen.clock.monotonic() == 1020


def test_a_stop_in_the_middle_of_a_hanging_exchange_frees_its_slot() -> None:
    stop = threading.Event()
    with hostile_server(hang()) as server:
        seen = watched(server.url, clock=SystemClock(stop), timeout=30)
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            seen.page()
        assert time.monotonic() - began < 1
    assert seen.counted == [(None, None)]


# Retry-After itself


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", 0),
        (" 7 ", 7),
        ("007", 7),
        ("7, 7", None),
        ("1e3", None),
        ("+7", None),
        (str(int(MAX_RETRY_AFTER)), MAX_RETRY_AFTER),
        (str(int(MAX_RETRY_AFTER) + 1), None),
        ("Wed, 11 Mar 2026 18:00:20 GMT", 20),
        ("Wed, 11 Mar 2026 18:00:20 -0000", 20),
        ("Wed, 11 Mar 2026 19:00:20 +0100", 20),
        ("Wed, 11 Mar 2026 17:59:59 GMT", None),
        ("Wed, 11 Mar 0000 17:59:59 GMT", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_to_come(
    value: str | None, expected: float | None
) -> None:
    assert retry_after(value, NOW.timestamp()) == expected


@given(value=st.text(max_size=40), sent=st.text(max_size=40))
def test_any_retry_after_is_a_believable_wait_or_none(value: str, sent: str) -> None:
    wait = retry_after(value, NOW.timestamp(), date=sent)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    text=st.sampled_from(["{}", "{} GMT", "x{}"]),
)
def test_any_date_is_a_believable_wait_or_none(moment: datetime, text: str) -> None:
    wait = retry_after(text.format(format_datetime(moment)), NOW.timestamp())
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER
