"""429, 503 and Retry-After: waited out to the second, with quotas and stops in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.gong.client import RetryPolicy
from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.errors import (
    QuotaSpent,
    RateLimited,
    ServerError,
    ServiceUnavailable,
    WaitTooLong,
)
from gong_exporter.gong.response_head import MAX_RETRY_AFTER, parse_retry_after
from tests.gong.clients import GONE, OK, limited, watched
from tests.gong.transports import LATE
from tests.support.clocks import NOW
from tests.support.hostile import Behaviour, answer, hang, hostile_server, reset

# 429


@pytest.mark.parametrize("seconds", [0, 1, 7, 60])
def test_a_short_retry_after_is_waited_out_and_the_same_page_requested_again(
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
        [("Retry-After", "9" * 400)],
        [("Retry-After", "99999999")],
        [("Retry-After", "")],
        [("Retry-After", "٣")],
        [("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")],
        [("Retry-After", "Thu, 01 Jan 9999 00:00:00 GMT")],
    ],
    ids=str,
)
def test_without_a_readable_retry_after_the_wait_is_a_default_that_doubles(
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


def test_a_retry_after_date_is_relative_to_the_date_header() -> None:
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


def test_a_retry_after_of_two_hours_fails_and_nothing_is_sent_until_then() -> None:
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


def unavailable(*headers: tuple[str, str]) -> Behaviour:
    return answer(503, {"requestId": "r9", "errors": ["Maintenance"]}, headers)


def test_a_503_with_a_retry_after_is_waited_out_like_a_429() -> None:
    with hostile_server(unavailable(("Retry-After", "40")), OK) as server:
        seen = watched(server.url)
        began = seen.clock.monotonic()
        seen.page()
        assert 40 <= seen.clock.monotonic() - began <= 40.05
    assert seen.counted == [(503, "server_error"), (200, None)]
    assert seen.limited[0] == pytest.approx(NOW.timestamp() + 40, abs=0.05)


def test_a_503_with_a_long_retry_after_ends_it_and_nothing_is_sent_before() -> None:
    with hostile_server(unavailable(("Retry-After", "7200")), OK) as server:
        seen = watched(server.url)
        error = seen.fail()
        assert (type(error), error.reason) == (ServiceUnavailable, "server_error")
        assert isinstance(error, RateLimited)
        assert error.until == pytest.approx(NOW.timestamp() + 7200, abs=0.05)
        assert isinstance(seen.fail(), WaitTooLong)
        assert len(server.requests) == 1


@pytest.mark.parametrize("headers", [(), (("Retry-After", "soon"),)], ids=["none", "unreadable"])
def test_a_503_without_a_readable_retry_after_is_a_server_error(
    headers: tuple[tuple[str, str], ...],
) -> None:
    with hostile_server(unavailable(*headers)) as server:
        seen = watched(server.url)
        assert type(seen.fail()) is ServerError
    assert seen.counted == [(503, "server_error")] * 4
    assert seen.limited == []


def test_endless_429s_end_the_poll_and_pause_calls() -> None:
    with hostile_server(limited(("Retry-After", "1"))) as server:
        seen = watched(server.url)
        error = seen.fail()
        assert isinstance(error, RateLimited)
        assert len(server.requests) == 6
    assert error.until == pytest.approx(seen.clock.now() + 900, abs=0.05)


def test_endless_429s_without_a_retry_after_wait_a_minute_at_most() -> None:
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


def test_the_sixth_429_to_a_page_ends_the_poll_also_with_other_errors_between() -> None:
    slow = limited(("Retry-After", "1"))
    with hostile_server(*[slow] * 5, answer(500, GONE), slow, OK) as server:
        seen = watched(server.url)
        error = seen.fail()
        assert isinstance(error, RateLimited)
        assert error.until == pytest.approx(seen.clock.now() + 900)
        assert len(server.requests) == 7
        assert seen.page()  # the next page has its own


@pytest.mark.parametrize("behaviour", [OK, reset, answer(500, GONE)], ids=["page", "reset", "500"])
def test_an_exchange_frees_its_slot_however_it_ends(behaviour: Behaviour) -> None:
    with hostile_server(behaviour, OK) as server:
        seen = watched(server.url, per_second=1, retry=RetryPolicy(attempts=2))
        seen.page()
        seen.page()
        calls = len(server.requests)
    assert calls - 1 <= seen.clock.monotonic() - 1000 <= (calls - 1) * 1.1


def test_a_spent_quota_raises_and_nothing_is_sent() -> None:
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
        seen = watched(server.url, retry=RetryPolicy(attempts=50))
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
        assert time.monotonic() - began < LATE
    assert seen.counted == [(None, None)]


# Retry-After itself


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("0", 0),
        (" 7 ", 7),
        ("007", 7),
        ("7.5", 7.5),
        ("7, 90", 90),
        ("7, soon", None),
        ("7,", None),
        ("7.", None),
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
def test_a_retry_after_is_seconds_or_a_date_in_the_future(
    value: str | None, expected: float | None
) -> None:
    assert parse_retry_after(value, NOW.timestamp()) == expected


@given(value=st.text(max_size=40), sent=st.text(max_size=40))
def test_any_retry_after_is_a_valid_wait_or_none(value: str, sent: str) -> None:
    wait = parse_retry_after(value, NOW.timestamp(), date=sent)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    text=st.sampled_from(["{}", "{} GMT", "x{}"]),
)
def test_any_date_is_a_valid_wait_or_none(moment: datetime, text: str) -> None:
    wait = parse_retry_after(text.format(format_datetime(moment)), NOW.timestamp())
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER
