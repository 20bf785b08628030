"""Deadlines, over real sockets: of a request, of an answer, and of the rest between two."""

import socket
import threading
import time

import pytest

from gong_exporter.web.http_connection import Limits
from gong_exporter.web.routes import Options
from tests.support.servers import until
from tests.support.web_seen import arrivals, departures, reads
from tests.support.web_site import (
    GET,
    HALF,
    LAST,
    MEGABYTE,
    FixedSite,
    big,
    exchange,
    raw,
    read_to_end,
    serving,
)


def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = departures(monkeypatch)
    limits = Limits(stall_seconds=0.2)
    with serving(big(30 * MEGABYTE), limits=limits) as port, raw(port, GET) as client:
        until(lambda: gone, "it is cut off")
        assert len(read_to_end(client)) < 30 * MEGABYTE


def test_a_reader_that_takes_a_little_now_and_then_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = departures(monkeypatch)
    limits = Limits(stall_seconds=0.5)
    with serving(big(30 * MEGABYTE), limits=limits) as port, raw(port, GET) as client:
        until(lambda: gone or not client.recv(64), "it is cut off")


def test_a_reader_that_is_slow_but_steady_gets_everything() -> None:
    limits = Limits(stall_seconds=2.0)
    with (
        serving(big(8 * MEGABYTE), limits=limits) as port,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.sendall(LAST)
        total, begun = 0, time.monotonic()
        while piece := client.recv(128 * 1024):
            total += len(piece)
            time.sleep(0.04)
    assert time.monotonic() - begun > limits.stall_seconds
    assert total > 8 * MEGABYTE


def test_a_header_that_does_not_come_to_an_end_is_cut_off_at_the_deadline() -> None:
    limits = Limits(request_seconds=0.3)
    with serving(FixedSite(), limits=limits) as port:
        begun = time.monotonic()
        with raw(port, HALF) as client:
            assert read_to_end(client) == b""
        assert time.monotonic() - begun > 0.25


def test_dripping_bytes_do_not_move_the_deadline() -> None:
    limits = Limits(request_seconds=0.4)
    with serving(FixedSite(), limits=limits) as port, raw(port, HALF) as client:

        def cut_off() -> bool:
            try:
                client.sendall(b"x")
            except ConnectionError:
                return True
            return False

        until(cut_off, "the next byte is not taken any more")


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2]])
def test_a_connection_without_a_request_is_cut_off_at_the_deadline(sent: bytes) -> None:
    limits = Limits(request_seconds=0.2)
    with serving(FixedSite(), limits=limits) as port, raw(port, sent) as client:
        assert read_to_end(client) == b""


def test_the_deadline_holds_for_the_second_request_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrived = arrivals(monkeypatch)
    limits = Limits(request_seconds=2.0)
    with serving(FixedSite(), limits=limits) as port, raw(port) as client:
        exchange(client, GET)
        # Resting between two requests is not what the deadline is for.
        until(lambda: arrived[0]._request_timer is None, "no deadline runs")
        exchange(client, GET)
        client.sendall(HALF)
        assert read_to_end(client) == b""


LATE_BODY = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.parametrize("rest", [HALF, LATE_BODY])
@pytest.mark.parametrize("together", [True, False])
def test_the_deadline_holds_for_a_request_that_began_to_come_during_an_answer(
    monkeypatch: pytest.MonkeyPatch, rest: bytes, *, together: bool
) -> None:
    read = reads(monkeypatch)
    begun, go = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go.wait(10)

    site = FixedSite(on_reload=wait)
    first = b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        serving(site, options=Options(lifecycle=True), limits=Limits(request_seconds=2.0)) as port,
        raw(port, first + rest if together else first) as client,
    ):
        assert begun.wait(10)
        if not together:
            client.sendall(rest)
        until(lambda: b"".join(read) == first + rest, "the rest is there")
        go.set()
        assert read_to_end(client).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_does_not_arrive_is_cut_off_at_the_deadline() -> None:
    request = b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
    limits = Limits(request_seconds=2.0)
    with serving(FixedSite(), limits=limits) as port, raw(port, request) as client:
        assert read_to_end(client).startswith(b"HTTP/1.1 403 ")


def test_a_connection_that_rests_too_long_is_closed() -> None:
    limits = Limits(keep_alive_seconds=1)
    with serving(FixedSite(), limits=limits) as port:
        begun = time.monotonic()
        with raw(port, GET) as client:
            assert read_to_end(client).endswith(b"a 1\n")
        assert time.monotonic() - begun > 0.9
