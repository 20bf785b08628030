"""The deadline of a whole exchange."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.errors import ConnectionFailed, TimedOut
from tests.gong.transports import (
    LATE,
    PAGE,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support import hostile
from tests.support.hostile import Behaviour, answer, drip, hang, hostile_server, reset

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hang(), id="nothing at all"),
        pytest.param(hang(HEAD + b"Content-Le"), id="half a head"),
        pytest.param(hang(HEAD + b"Content-Length: 100\r\n\r\n{"), id="half a body"),
        pytest.param(drip(b"X-Drip: 1\r\n", after=HEAD), id="headers drip"),
        pytest.param(
            drip(b" ", after=HEAD + b"Content-Length: 99999\r\n\r\n"), id="the body drips"
        ),
        pytest.param(
            drip(b"1\r\n \r\n", after=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
            id="chunks drip",
        ),
    ],
)
def test_an_exchange_that_does_not_end_is_given_up_on_time(behaviour: Behaviour) -> None:
    with hostile_server(behaviour, answer(200, PAGE)) as server:
        transport = transport_to(server.url, timeout=0.3)
        began = time.monotonic()
        with pytest.raises(TimedOut, match=r"^no complete response within gong\.timeout \(0\.3 s"):
            post(transport)
        assert 0.3 <= time.monotonic() - began < LATE
        assert post(transport).status == 200  # over another connection
        assert server.connections == 2


def test_the_thread_of_an_exchange_that_hangs_ends_when_its_read_times_out() -> None:
    with hostile_server(hang()) as server:
        with pytest.raises(TimedOut):
            post(transport_to(server.url, timeout=0.3))
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_connection_that_is_never_accepted_is_given_up_on_time() -> None:
    with hostile.deaf_port() as port:
        began = time.monotonic()
        with pytest.raises(TimedOut, match="no connection within a third of"):
            post(transport_to(f"http://127.0.0.1:{port}", timeout=0.3))
        assert 0.1 <= time.monotonic() - began < LATE
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
            "socket.getaddrinfo",
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
def test_a_tls_handshake_that_does_not_end_is_given_up_on_time(
    greet: Behaviour,
) -> None:
    with hostile_server(greet=greet) as server:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            post(transport_to(f"https://127.0.0.1:{server.port}", timeout=0.4))
        assert 0.4 / 3 <= time.monotonic() - began < LATE


def test_a_stop_ends_a_hanging_exchange_within_a_moment() -> None:
    stop = threading.Event()
    with hostile_server(hang()) as server:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            post(transport_to(server.url, timeout=30), clock=SystemClock(stop))
        assert time.monotonic() - began < LATE


@pytest.mark.parametrize("behaviour", [answer(404, b""), reset], ids=["404", "reset"])
def test_after_a_failed_exchange_the_next_one_works(behaviour: Behaviour) -> None:
    with hostile_server(behaviour, answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        with contextlib.suppress(ConnectionFailed):
            post(transport)
        assert post(transport).status == 200
        transport.close()
        assert post(transport).status == 200


def test_a_machine_that_cannot_start_a_thread_fails_the_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("gong_exporter.gong.transport.threading.Thread.start", refuse)
        with pytest.raises(ConnectionFailed, match="cannot start a thread"):
            post(transport_to("http://gong.invalid"))
