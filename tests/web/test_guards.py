import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from gong_exporter.web.guards import Doing, Limits, Seat, Seats
from tests.support.servers import until
from tests.support.web_process import process, resident_bytes
from tests.support.web_seen import how_many, listened_to, reads, tables
from tests.support.web_site import (
    GET,
    HALF,
    LAST,
    MEGABYTE,
    FixedSite,
    ask,
    big,
    exchange,
    raw,
    read_to_end,
    serving,
)


def test_slow_readers_cost_slices_not_bodies_and_stop_nobody() -> None:
    with process(1024, 30 * MEGABYTE) as (port, pid), ExitStack() as stack:
        assert len(ask(port, "/metrics").body) == 30 * MEGABYTE
        before = resident_bytes(pid)
        for _ in range(20):
            stack.enter_context(raw(port, GET)).recv(1)
        for _ in range(3):
            assert len(ask(port, "/metrics").body) == 30 * MEGABYTE
        # A tenth of what their bodies are together; their slices are a hundredth.
        assert resident_bytes(pid) - before < 60 * MEGABYTE


def test_500_idle_connections_stop_nobody() -> None:
    with process(1024) as (port, _), ExitStack() as stack:
        idle = [stack.enter_context(raw(port)) for _ in range(500)]
        assert ask(port, "/metrics").status == 200
        for client in (idle[0], idle[250], idle[499]):  # and they are all still there
            assert b"200 OK" in exchange(client, GET)


def test_more_hanging_connections_than_descriptors_stop_nobody() -> None:
    with process(256) as (port, _), ExitStack() as stack:
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        stack.callback(kept.close)
        for count in range(400):
            stack.enter_context(raw(port, HALF))
            if count % 100 == 99:
                assert ask(port, "/metrics").status == 200
                kept.request("GET", "/metrics")
                assert len(kept.getresponse().read()) == 1000


def test_the_connection_that_waits_longest_makes_room() -> None:
    with serving(FixedSite(), limits=Limits(connections=3)) as port, ExitStack() as stack:
        first, second, third = (stack.enter_context(raw(port)) for _ in range(3))
        for client in (first, second, third):
            exchange(client, GET)
        exchange(first, GET)  # so that the second has rested longest
        assert ask(port, "/metrics").status == 200
        assert read_to_end(second) == b""
        for client in (first, third):
            assert b"200 OK" in exchange(client, GET)


def test_a_slow_reader_outlives_the_idle_when_room_is_made() -> None:
    limits = Limits(connections=2, newcomer_seconds=60)
    with serving(big(20 * MEGABYTE), limits=limits) as port, raw(port, LAST) as reader:
        received = len(reader.recv(1))
        for _ in range(5):
            with raw(port, HALF):
                pass
        received += len(read_to_end(reader))
    assert received > 20 * MEGABYTE


def test_clients_that_do_not_read_leave_newcomers_the_time_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    made = tables(monkeypatch, lambda: now[0])
    limits = Limits(connections=4, newcomer_seconds=0.2)
    with serving(big(20 * MEGABYTE), limits=limits) as port, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(raw(port, GET)).recv(1)
        until(lambda: how_many(made[0], Doing.STALLED) == 4, "they are seen not to read")
        now[0] += 0.4
        newcomer, another = (stack.enter_context(raw(port, GET[:20])) for _ in range(2))
        for client in (newcomer, another):
            client.sendall(GET[20:])
            assert client.recv(12) == b"HTTP/1.1 200"


def test_of_those_that_wait_and_those_that_do_not_read_the_longest_goes_first() -> None:
    now = [0.0]
    left: list[str] = []
    seats = Seats(10, 1.0, lambda: now[0])

    def sit(name: str, doing: Doing) -> None:
        seat = Seat(leave=lambda: left.append(name))
        seats.take(seat)
        seats.mark(seat, doing)

    for name, doing in (
        ("answered", Doing.ANSWERING),
        ("stalled", Doing.STALLED),
        ("idle", Doing.WAITING),
    ):
        sit(name, doing)
    now[0] = 5.0
    sit("newcomer", Doing.WAITING)
    sit("just stalled", Doing.STALLED)
    while seats.clear_one():
        pass
    assert left == ["idle", "stalled", "newcomer", "just stalled", "answered"]


CHUNKED = b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (CHUNKED, b"1\r\nx\r\n" * 40_000),
        (GET + CHUNKED, b"1\r\nx\r\n" * 40_000),
        (LONG, b"x" * 240_000),
    ],
    ids=["tiny chunks", "tiny chunks behind another request", "one long body"],
)
def test_a_body_that_nobody_wants_is_not_listened_to(
    head: bytes, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took h11 a second for all of these chunks, in which nobody else was heard."""
    heard = listened_to(monkeypatch)
    with serving(FixedSite()) as port, ThreadPoolExecutor(8) as pool:

        def send() -> bytes:
            with raw(port) as client:
                with suppress(OSError):
                    client.sendall(head + body)
                return read_to_end(client)

        senders = [pool.submit(send) for _ in range(8)]
        assert ask(port, "/metrics").status == 200
        for sender in senders:
            assert not sender.result() or sender.result().startswith(b"HTTP/1.1 ")
    assert len(heard) == 8 + 1
    assert max(heard.values()) < len(head) + 16_384


def test_what_comes_in_one_piece_with_the_end_of_a_body_is_none_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = reads(monkeypatch)
    head = b"POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
    with serving(FixedSite()) as port, raw(port, head) as client:
        until(lambda: read == [head], "the header is there")
        client.sendall(b"x" * 10)
        until(lambda: len(read) == 2, "so is half of the body")
        client.sendall(b"x" * 10 + GET * 200 + LAST)
        answers = read_to_end(client)
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"405"] + [b"200"] * 201


def test_requests_that_come_before_their_turn_are_all_answered() -> None:
    small = b"POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    with serving(FixedSite()) as port, raw(port, (GET + small) * 200 + LAST) as client:
        answers = read_to_end(client)
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"405"] * 200 + [b"200"]
