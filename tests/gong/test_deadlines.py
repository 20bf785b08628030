"""The deadline of a whole exchange; an aborted one leaves no thread and no socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.errors import TimedOut
from tests.gong.transports import (
    LATE,
    PAGE,
    exchange_threads,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support import hostile
from tests.support.clocks import FakeClock
from tests.support.hostile import Behaviour, Connection, answer, drip, hang, hostile_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


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
def test_an_exchange_that_does_not_end_is_aborted_on_time_with_its_thread_and_socket(
    make: Callable[[threading.Event], Behaviour],
) -> None:
    left = threading.Event()
    with hostile_server(make(left)) as server:
        began = time.monotonic()
        with pytest.raises(TimedOut, match=r"^no complete response within gong\.timeout \(0\.3 s"):
            post(transport_to(server.url, timeout=0.3))
        assert 0.3 <= time.monotonic() - began < LATE
        assert left.wait(LATE), "the socket is still open"
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_connection_that_is_never_accepted_is_aborted_on_time() -> None:
    with hostile.deaf_port() as port:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            post(transport_to(f"http://127.0.0.1:{port}", timeout=0.3))
        assert 0.3 <= time.monotonic() - began < LATE
        assert wait_until(lambda: exchanges_running() == 0)


def test_an_address_that_does_not_answer_leaves_time_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hostile.deaf_port() as deaf, hostile_server(answer(200, PAGE)) as server:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (deaf, server.port)
        ]
        monkeypatch.setattr(
            "gong_exporter.gong.sessions.socket.getaddrinfo",
            lambda _, port, *__, **___: [it for it in addresses if port in (80, it[4][1])],
        )
        assert post(transport_to("http://gong.example", timeout=1)).status == 200


@pytest.mark.parametrize(
    "greet",
    [
        pytest.param(hang(), id="hangs"),
        # A record that announces 16 kB, then a byte now and then: no single read times out.
        pytest.param(drip(b"\x00", after=b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"), id="drips"),
    ],
)
def test_a_tls_handshake_that_does_not_end_is_aborted_on_time_with_its_thread(
    greet: Behaviour,
) -> None:
    with hostile_server(greet=greet) as server:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            post(transport_to(f"https://127.0.0.1:{server.port}", timeout=0.4))
        assert 0.4 <= time.monotonic() - began < LATE
        assert wait_until(lambda: exchanges_running() == 0)


@pytest.mark.parametrize("stopped", [False, True], ids=["at the deadline", "by a stop"])
def test_an_aborted_request_is_not_sent_later(
    monkeypatch: pytest.MonkeyPatch,
    stopped: bool,  # noqa: FBT001 - a case
) -> None:
    """A name that resolves too late must not lead to a call that is not counted."""
    clock = FakeClock()
    if stopped:
        clock.stop()
    resolving = threading.Event()
    resolve = socket.getaddrinfo

    def slow(*args: object, **kwargs: object) -> object:
        resolving.wait(5)
        return resolve(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("gong_exporter.gong.sessions.socket.getaddrinfo", slow)
    with hostile_server(answer(200, PAGE)) as server:
        with pytest.raises(Stopped if stopped else TimedOut):
            post(transport_to(server.url, timeout=10 if stopped else 0.2), clock=clock)
        assert exchanges_running() == 1
        resolving.set()
        assert wait_until(lambda: exchanges_running() == 0)
        assert server.requests == []


def test_fifty_hanging_exchanges_leave_no_thread_behind() -> None:
    before = exchange_threads()
    with hostile_server(hang()) as server:
        transport = transport_to(server.url, timeout=0.03)
        for _ in range(50):
            with pytest.raises(TimedOut):
                post(transport)
        # A thread whose task ended at once after the deadline is kept for the next exchange.
        assert wait_until(lambda: len(exchange_threads() - before) <= 1)
        transport.close()
        assert wait_until(lambda: exchange_threads() <= before)
        assert server.connections > 25  # a busy machine may not get as far each time


def test_a_stop_ends_a_hanging_exchange_within_a_moment() -> None:
    stop = threading.Event()
    left = threading.Event()
    with hostile_server(hang(left=left)) as server:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            post(transport_to(server.url, timeout=30), clock=SystemClock(stop))
        assert time.monotonic() - began < LATE
        assert left.wait(LATE)
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_response_that_arrives_during_a_stop_is_still_used() -> None:
    """After a reload the next call would follow at once: a 429 must not be missed."""
    stop = threading.Event()

    def late(connection: Connection) -> bool:
        stop.set()
        time.sleep(0.15)  # longer than the transport looks away from the stop
        return answer(429, headers=[("Retry-After", "7")])(connection)

    with hostile_server(late) as server:
        said = post(transport_to(server.url, timeout=30), clock=SystemClock(stop))
    assert (said.status, said.headers["retry-after"]) == (429, "7")


def test_the_head_of_a_429_whose_body_drips_during_a_stop_is_used() -> None:
    stop = threading.Event()
    head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 9999\r\n\r\n"
    with hostile_server(drip(b"x", after=head)) as server:
        threading.Timer(0.2, stop.set).start()
        said = post(transport_to(server.url, timeout=30), clock=SystemClock(stop))
    assert (said.status, said.headers["retry-after"], said.complete) == (429, "7", False)


def test_a_kept_connection_that_drips_is_aborted_with_its_thread_and_socket() -> None:
    left = threading.Event()
    dripping = drip(b"X-Drip: 1\r\n", after=HEAD, left=left)
    with hostile_server(answer(200, PAGE), dripping) as server:
        transport = transport_to(server.url, timeout=0.3)
        post(transport)
        with pytest.raises(TimedOut):
            post(transport)
        assert server.connections == 1
        assert left.wait(LATE), "the socket is still open"
        assert wait_until(lambda: exchanges_running() == 0)
