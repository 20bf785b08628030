"""The deadline of a whole exchange, and what is left behind when it is given up: nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.errors import ConnectionFailed, InvalidResponse, TimedOut, TransportError
from gong_exporter.gong.transport import MAX_IDLE, PATH
from tests.gong.transports import (
    AUTHORIZATION,
    PAGE,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support import hostile
from tests.support.clocks import FakeClock
from tests.support.hostile import Behaviour, answer, drip, flood, hang, hostile_server, raw, reset

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_a_request_is_sent_as_gong_wants_it_and_the_answer_comes_back_whole() -> None:
    with hostile_server(answer(200, PAGE, [("X-Odd", "a"), ("X-Odd", "b")])) as server:
        got = transport_to(server.url + "/").post(b'{"filter": {}}', AUTHORIZATION, FakeClock())
    (request,) = server.requests
    assert request.head.startswith(f"POST {PATH} HTTP/1.1\r\n".encode())
    assert request.body == b'{"filter": {}}'
    assert request.header("authorization") == AUTHORIZATION
    assert request.header("content-type") == "application/json"
    assert request.header("user-agent") == "gong-exporter/test"
    assert (got.status, got.whole, got.headers["x-odd"]) == (200, True, "a, b")
    assert b"4al018gzaztcr8nbukw" in got.body


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda left: hang(left=left), id="nothing at all"),
        pytest.param(lambda left: hang(HEAD + b"Content-Le", left=left), id="half a head"),
        pytest.param(
            lambda left: hang(HEAD + b"Content-Length: 100\r\n\r\n{", left=left), id="half a body"
        ),
        pytest.param(lambda left: drip(b"X-Drip: 1\r\n", after=HEAD, left=left), id="headers drip"),
        pytest.param(
            lambda left: drip(b" ", after=HEAD + b"Content-Length: 99999\r\n\r\n", left=left),
            id="the body drips",
        ),
        pytest.param(
            lambda left: drip(
                b" ", after=HEAD + b"Connection: close\r\nContent-Length: 9999\r\n\r\n", left=left
            ),
            id="the body drips over a connection that closes",
        ),
        pytest.param(
            lambda left: drip(b" ", after=b"HTTP/1.0 200 OK\r\n\r\n", left=left),
            id="a body without a length drips",
        ),
        pytest.param(
            lambda left: drip(
                b"1\r\n \r\n", after=HEAD + b"Transfer-Encoding: chunked\r\n\r\n", left=left
            ),
            id="chunks drip",
        ),
        pytest.param(
            lambda left: drip(b"HTTP/1.1 100 Continue\r\n\r\n", interval=0.001, left=left),
            id="100 Continue for ever",
        ),
    ],
)
def test_an_exchange_that_does_not_end_is_given_up_on_time_with_its_thread_and_socket(
    make: Callable[[threading.Event], Behaviour],
) -> None:
    left = threading.Event()
    with hostile_server(make(left)) as server:
        began = time.monotonic()
        with pytest.raises(TimedOut, match=r"^no whole answer within gong\.timeout \(0\.3 s\)$"):
            post(transport_to(server.url, timeout=0.3))
        assert 0.3 <= time.monotonic() - began < 1.3
        assert left.wait(2), "the socket is still open"
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_connection_that_is_never_accepted_is_given_up_on_time() -> None:
    with hostile.deaf_port() as port:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            post(transport_to(f"http://127.0.0.1:{port}", timeout=0.3))
        assert 0.3 <= time.monotonic() - began < 1.3
        assert wait_until(lambda: exchanges_running() == 0)


@pytest.mark.parametrize(
    "greet",
    [
        pytest.param(hang(), id="hangs"),
        # A record that announces 16 kB, then a byte now and then: no single read times out.
        pytest.param(drip(b"\x00", after=b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"), id="drips"),
    ],
)
def test_a_tls_handshake_that_does_not_end_is_given_up_on_time_with_its_thread(
    greet: Behaviour,
) -> None:
    with hostile_server(greet=greet) as server:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            post(transport_to(f"https://127.0.0.1:{server.port}", timeout=0.4))
        assert 0.4 <= time.monotonic() - began < 1.4
        assert wait_until(lambda: exchanges_running() == 0)


@pytest.mark.parametrize("stopped", [False, True], ids=["at the deadline", "by a stop"])
def test_a_request_is_not_sent_any_more_once_it_was_given_up(
    monkeypatch: pytest.MonkeyPatch,
    stopped: bool,  # noqa: FBT001 - a case
) -> None:
    """A name that resolves too late must not lead to a call that nobody counts."""
    clock = FakeClock()
    if stopped:
        clock.stop()
    resolving = threading.Event()
    resolve = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        resolving.wait(5)
        return resolve(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("gong_exporter.gong.worker.socket.getaddrinfo", slow)
    with hostile_server(answer(200, PAGE)) as server:
        with pytest.raises(Stopped if stopped else TimedOut):
            transport_to(server.url, timeout=10 if stopped else 0.2).post(
                b"{}", AUTHORIZATION, clock
            )
        assert exchanges_running() == 1
        resolving.set()
        assert wait_until(lambda: exchanges_running() == 0)
        assert (server.connections, server.requests) == (0, [])


def test_fifty_hanging_exchanges_leave_no_thread_behind() -> None:
    with hostile_server(hang()) as server:
        transport = transport_to(server.url, timeout=0.03)
        for _ in range(50):
            with pytest.raises(TimedOut):
                post(transport)
        assert wait_until(lambda: exchanges_running() == 0)
        assert server.connections > 25  # a busy machine may not get as far each time


def test_a_stop_ends_a_hanging_exchange_within_a_moment() -> None:
    stop = threading.Event()
    left = threading.Event()
    with hostile_server(hang(left=left)) as server:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            transport_to(server.url, timeout=30).post(b"{}", AUTHORIZATION, SystemClock(stop))
        assert time.monotonic() - began < 1
        assert left.wait(2)
        assert wait_until(lambda: exchanges_running() == 0)


def test_waiting_for_an_answer_gives_signs_of_life() -> None:
    beats = []
    with hostile_server(hang()) as server:
        clock = SystemClock(threading.Event(), beat=lambda: beats.append(1))
        with pytest.raises(TimedOut):
            transport_to(server.url, timeout=0.5).post(b"{}", AUTHORIZATION, clock)
    assert len(beats) >= 4


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(reset, "Connection reset by peer", id="reset"),
        pytest.param(raw(b""), "the connection was closed without an answer", id="close"),
        pytest.param(
            raw(b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"),
            "what came back is not HTTP (BadStatusLine)",
            id="not http",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 200 + b"\r\n"),
            "what came back is not HTTP (HTTPException)",
            id="too many headers",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n"),
            "what came back is not HTTP (LineTooLong)",
            id="a header line too long",
        ),
        pytest.param(
            raw(HEAD + b"Content-Length: 100\r\n\r\n{}"),
            "the answer broke off before its end",
            id="truncated",
        ),
        pytest.param(
            raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
            "the answer broke off before its end",
            id="truncated chunks",
        ),
    ],
)
def test_a_broken_answer_is_a_failed_connection_that_says_why(
    behaviour: Behaviour, expected: str
) -> None:
    with hostile_server(behaviour) as server:
        with pytest.raises(ConnectionFailed) as caught:
            post(transport_to(server.url))
        assert caught.value.message == f"127.0.0.1:{server.port}: {expected}"


def test_a_refused_connection_says_where() -> None:
    with hostile_server(reset) as server:
        port = server.port
    with pytest.raises(ConnectionFailed, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        post(transport_to(f"http://127.0.0.1:{port}"))


def test_a_name_that_does_not_resolve_says_so() -> None:
    with pytest.raises(ConnectionFailed, match=r"^gong\.invalid: the name cannot be resolved \("):
        post(transport_to("http://gong.invalid"))


def test_a_200_that_breaks_off_is_told_apart_from_no_answer() -> None:
    with hostile_server(raw(HEAD + b"Content-Length: 100\r\n\r\n{}"), raw(b"")) as server:
        transport = transport_to(server.url)
        codes = []
        for _ in range(2):
            with pytest.raises(ConnectionFailed) as caught:
                post(transport)
            codes.append(caught.value.code)
    assert codes == [200, None]


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\n{}"),
        hang(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 100\r\n\r\n{}"),
        raw(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Encoding: gzip\r\n\r\nnope"),
        flood(b"x" * 65_536, after=b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n"),
    ],
    ids=["truncated", "hanging", "wrongly packed", "endless"],
)
def test_the_status_and_headers_of_an_error_count_even_if_its_body_does_not_arrive(
    behaviour: Behaviour,
) -> None:
    with hostile_server(behaviour) as server:
        got = post(transport_to(server.url, timeout=0.5))
    assert (got.status, got.headers["retry-after"]) == (429, "7")


def test_a_kept_connection_is_used_again() -> None:
    with hostile_server(answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        for _ in range(3):
            post(transport)
        assert (server.connections, len(server.requests)) == (1, 3)


def test_a_kept_connection_that_drips_is_given_up_with_its_thread_and_socket() -> None:
    left = threading.Event()
    dripping = drip(b"X-Drip: 1\r\n", after=HEAD, left=left)
    with hostile_server(answer(200, PAGE), dripping) as server:
        transport = transport_to(server.url, timeout=0.3)
        post(transport)
        with pytest.raises(TimedOut):
            post(transport)
        assert server.connections == 1
        assert left.wait(2), "the socket is still open"
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_kept_connection_that_the_server_dropped_between_polls_is_replaced() -> None:
    with hostile_server(answer(200, PAGE, keep=False)) as server:
        transport = transport_to(server.url)
        for _ in range(3):
            assert post(transport).status == 200
            time.sleep(0.05)  # its FIN arrives
        assert server.connections == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hostile_server(answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        post(transport)
        later = time.monotonic() + MAX_IDLE + 1
        monkeypatch.setattr("gong_exporter.gong.transport.time.monotonic", lambda: later)
        post(transport)
        assert server.connections == 2


def test_an_early_answer_is_never_taken_for_the_next_ones() -> None:
    """103 is no answer to us; the 200 behind it must not answer the next request."""
    early = raw(b"HTTP/1.1 103 Early Hints\r\n\r\n", keep=True)
    late = answer(200, {"requestId": "mine"})
    with hostile_server(early, late) as server:
        transport = transport_to(server.url)
        assert post(transport).status == 103
        assert b"mine" in post(transport).body
        assert server.connections == 2


def test_cookies_are_not_kept() -> None:
    with hostile_server(answer(200, PAGE, [("Set-Cookie", "edge=1; Path=/")])) as server:
        transport = transport_to(server.url)
        post(transport)
        post(transport)
    assert server.requests[1].header("cookie") is None


def test_a_body_past_the_bound_is_refused_at_once() -> None:
    endless = flood(
        b"10000\r\n" + b" " * 65_536 + b"\r\n", after=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with hostile_server(endless) as server:
        with pytest.raises(InvalidResponse, match="larger than 1048576 bytes") as caught:
            post(transport_to(server.url, max_body=1 << 20))
        assert caught.value.code == 200
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_redirect_is_not_followed() -> None:
    with (
        hostile_server(answer(200, PAGE)) as other,
        hostile_server(answer(307, b"", [("Location", other.url + PATH)])) as server,
    ):
        got = post(transport_to(server.url))
        assert (got.status, other.requests) == (307, [])


@pytest.mark.parametrize(
    "location", [b"https://us-1.api.gong.io/", b"\xff\x00://", b"http://[::1"], ids=repr
)
def test_a_redirect_with_an_endless_body_or_an_odd_target_is_still_a_redirect(
    location: bytes,
) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"
    with hostile_server(flood(b"x" * 65_536, after=head)) as server:
        got = post(transport_to(server.url, timeout=2))
    assert (got.status, got.whole, len(got.body)) == (302, True, 65_536)


def test_whatever_comes_back_is_an_answer_or_an_error_of_ours() -> None:
    odd = [
        b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 999 Odd\r\n\r\n",
        b"HTTP/1.1 20 Odd\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \xff\xfe\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=nonsense\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00;;;=\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: \xff\x00://\r\n\r\n",
        b"\r\n\r\n",
        b"\x00" * 1000,
    ]
    with hostile_server(*(raw(data) for data in odd)) as server:
        transport = transport_to(server.url, timeout=2)
        messages = []
        for _ in odd:
            try:
                post(transport)
            except (TransportError, InvalidResponse) as error:
                messages.append(error.message)
        assert len(server.requests) == len(odd)
    assert all(message.isprintable() for message in messages)
