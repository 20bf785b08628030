"""Answers that do not arrive whole, or in time, or at all, seen from a bare socket."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from gong_exporter.simulator.api.simulator import Simulator
from tests.support.companies import FixtureCompany
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import PATH, WEEK, Caller, calling


@contextmanager
def asked(simulator: Simulator) -> Iterator[socket.socket]:
    """A connection over which one good request has been sent."""
    body = json.dumps({"filter": WEEK}).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{simulator.port}\r\n"
        f"Authorization: Bearer {simulator.options.bearer_token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_reset_is_a_tcp_reset(simulator: Simulator) -> None:
    simulator.set_faults("reset")
    with asked(simulator) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)


def test_a_close_is_an_end_without_an_answer(simulator: Simulator) -> None:
    simulator.set_faults("close")
    with asked(simulator) as connection:
        assert all_of(connection) == b""


def test_a_hang_accepts_and_says_nothing(simulator: Simulator) -> None:
    simulator.set_faults("hang")
    with asked(simulator) as connection:
        until(simulator.journal.entries, "the request is dealt with")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_something_that_is_not_http(caller: Caller, simulator: Simulator) -> None:
    simulator.set_faults("not-http")
    with pytest.raises(requests.ConnectionError, match="BadStatusLine"):
        caller.page()


def test_a_truncated_body_is_shorter_than_it_says(caller: Caller, simulator: Simulator) -> None:
    simulator.set_faults("truncated")
    with asked(simulator) as connection:
        head, _, body = all_of(connection).partition(b"\r\n\r\n")
    (length,) = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    assert len(body) == int(length.split()[1]) // 2 > 0
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        caller.page()


def test_a_slow_drip_sends_the_body_a_byte_at_a_time(simulator: Simulator) -> None:
    simulator.set_faults("slow-drip", "empty-object")
    began = time.monotonic()
    with asked(simulator) as connection:
        head, _, body = all_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"{}"
    assert time.monotonic() - began >= 2 * simulator.options.drip_interval


def test_a_slow_drip_of_the_head_takes_an_interval_for_each_byte(simulator: Simulator) -> None:
    simulator.set_faults("slow-drip-headers", "empty-object")
    began = time.monotonic()
    with asked(simulator) as connection:
        assert connection.recv(100) == b"H"
        head, _, body = all_of(connection).partition(b"\r\n\r\n")
    assert body == b"{}"
    assert time.monotonic() - began >= len(head) * simulator.options.drip_interval


def test_no_single_read_of_a_drip_takes_long(simulator: Simulator) -> None:
    """A client that only bounds each read never gives up: that is what the fault is for."""
    simulator.set_faults("slow-drip")
    with asked(simulator) as connection:
        pieces = [connection.recv(1000) for _ in range(20)]
    assert all(pieces)


def test_continue_comes_again_and_again(simulator: Simulator) -> None:
    simulator.set_faults("continue-forever")
    with asked(simulator) as connection:
        got = b"".join(connection.recv(25) for _ in range(10))
    assert got.count(b"HTTP/1.1 100 Continue") >= 3
    assert b"200" not in got


def test_a_huge_body_goes_on_as_long_as_somebody_reads(simulator: Simulator) -> None:
    simulator.set_faults("huge")
    with asked(simulator) as connection:
        total = 0
        while total < 16 << 20:
            piece = connection.recv(1 << 20)
            assert piece
            total += len(piece)


def test_a_huge_body_has_the_head_that_the_journal_tells_of(simulator: Simulator) -> None:
    simulator.script_faults("huge+rate-limited")
    with asked(simulator) as connection:
        head = connection.recv(1000).partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"HTTP/1.1 429 Too Many Requests"
    assert b"Retry-After: 1" in head
    assert simulator.journal.entries()[-1].status == 429


def test_a_huge_body_ends_where_the_options_say() -> None:
    with running_simulator(endless_bytes=1 << 20) as simulator:
        simulator.set_faults("huge")
        with asked(simulator) as connection:
            assert 0.9 * (1 << 20) < len(all_of(connection)) < 1.1 * (1 << 20)


def test_one_bad_connection_does_not_hold_up_another(simulator: Simulator) -> None:
    simulator.script_faults("hang", "slow-drip", "huge", "continue-forever", None)
    with (
        asked(simulator),
        asked(simulator),
        asked(simulator),
        asked(simulator),
        calling(simulator) as caller,
    ):
        until(lambda: len(simulator.journal.entries()) == 4, "all of them are dealt with")
        assert caller.page().status_code == 200


@pytest.mark.parametrize(
    "fault", ["hang", "slow-drip", "slow-drip-headers", "continue-forever", "huge"]
)
def test_it_stops_whatever_is_going_on(fault: str) -> None:
    before = set(threading.enumerate())
    with running_simulator(FixtureCompany(100)) as simulator:
        simulator.set_faults(fault)
        with asked(simulator) as connection:
            until(simulator.journal.entries, "the request is dealt with")
            simulator.stop()
            until(lambda: set(threading.enumerate()) <= before, "its threads have ended")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", simulator.port), timeout=10)
            with contextlib.suppress(ConnectionResetError):  # dropped, not left hanging
                all_of(connection)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 9_000_000,
            b"413",
        ),
    ],
)
def test_malformed_http_is_refused(simulator: Simulator, raw: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # it may hang up while we are still talking
            connection.sendall(raw)
        assert connection.recv(13)[9:12] == status


def test_a_chunked_body_and_expect_continue_are_understood(simulator: Simulator) -> None:
    body = json.dumps({"filter": WEEK}).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {simulator.options.bearer_token}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100) == b"HTTP/1.1 100 \r\n\r\n"
        connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert all_of(connection).startswith(b"HTTP/1.1 200 ")


def test_a_late_response_is_the_one_to_the_request_before_on_the_same_connection(
    simulator: Simulator,
) -> None:
    simulator.set_faults("late-response")
    weeks = [WEEK, WEEK | {"fromDate": "2026-03-03"}, WEEK | {"fromDate": "2026-03-04"}]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {simulator.options.bearer_token}"
        bodies = [
            session.post(f"{simulator.url}{PATH}", json={"filter": week}, timeout=10).json()
            for week in weeks
        ]
    days = [body["fromDateTime"][:10] for body in bodies]
    assert days == [WEEK["fromDate"], WEEK["fromDate"], "2026-03-03"]
