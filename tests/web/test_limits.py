import errno
import gc
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gong_exporter.web import connections
from gong_exporter.web.http_connection import Limits
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from tests.support.logs import no_log
from tests.support.servers import until
from tests.support.web_process import process, resident_bytes
from tests.support.web_seen import listened_to, reads
from tests.support.web_site import (
    GET,
    HALF,
    LAST,
    MEGABYTE,
    FixedSite,
    ask,
    exchange,
    raw,
    read_to_end,
    serving,
)


def test_slow_readers_cost_chunks_not_bodies_and_block_no_other_client() -> None:
    with process(1024, 30 * MEGABYTE) as (port, pid), ExitStack() as stack:
        assert len(ask(port, "/metrics").body) == 30 * MEGABYTE
        before = resident_bytes(pid)
        for _ in range(20):
            stack.enter_context(raw(port, GET)).recv(1)
        for _ in range(3):
            assert len(ask(port, "/metrics").body) == 30 * MEGABYTE
        # A tenth of what their bodies are together; their chunks are a hundredth.
        assert resident_bytes(pid) - before < 60 * MEGABYTE


def test_500_idle_connections_block_no_other_client() -> None:
    with process(1024) as (port, _), ExitStack() as stack:
        idle = [stack.enter_context(raw(port)) for _ in range(500)]
        assert ask(port, "/metrics").status == 200
        for client in (idle[0], idle[250], idle[499]):  # and they are all still there
            assert b"200 OK" in exchange(client, GET)


def test_connections_beyond_the_limit_are_closed_and_the_others_served() -> None:
    with serving(FixedSite(), limits=Limits(connections=3)) as port, ExitStack() as stack:
        within = [stack.enter_context(raw(port)) for _ in range(3)]
        for client in within:
            exchange(client, GET)
        for _ in range(5):
            with raw(port) as beyond:
                assert read_to_end(beyond) == b""
        for client in within:
            assert b"200 OK" in exchange(client, GET)
        within[0].close()
        until(lambda: ask_if_served(port) == 200, "the place of a closed one is free")


def ask_if_served(port: int) -> int:
    with suppress(OSError, http.client.HTTPException):
        return ask(port, "/metrics").status
    return 0


def test_connections_that_have_ended_take_no_memory() -> None:
    def held() -> int:
        gc.collect()
        return sum(isinstance(one, connections.OpenConnection) for one in gc.get_objects())

    with serving(FixedSite(), limits=Limits(request_seconds=600)) as port:
        for _ in range(50):
            ask(port, "/metrics")
        until(lambda: held() < 5, "nothing keeps them")


def test_a_flood_of_connections_leaves_64_descriptors_free() -> None:
    with process(256) as (port, pid), ExitStack() as stack:
        kept = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        stack.callback(kept.close)
        for count in range(400):
            with suppress(OSError):  # closed at once
                stack.enter_context(raw(port, HALF))
            if count % 100 == 0:
                kept.request("GET", "/metrics")
                assert len(kept.getresponse().read()) == 1000
        opened = Path(f"/proc/{pid}/fd")
        until(lambda: len(list(opened.iterdir())) > 100, "it has accepted many of them")
        kept.request("GET", "/metrics")
        assert len(kept.getresponse().read()) == 1000
        assert len(list(opened.iterdir())) <= 256 - 64


class Exhausted(socket.socket):
    """A listening socket of a system that has no descriptor left for a while."""

    failures = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_connections_are_accepted_again_when_there_are_descriptors(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "_ACCEPT_AGAIN_SECONDS", 0.01)
    sock = Exhausted(fileno=bind("127.0.0.1:0").detach())
    port = int(sock.getsockname()[1])
    server = WebServer(build_app(FixedSite(), Options()), [sock], no_log())
    server.start()
    try:
        assert ask(port, "/metrics").status == 200
    finally:
        server.stop()
    assert [one.getMessage() for one in caplog.records] == ["no connection can be accepted now"] * 2


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
def test_a_long_body_is_not_parsed(
    head: bytes, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took h11 a second for all of these chunks, in which no other client was served."""
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
    assert max(heard.values()) <= len(head) + Limits().request_bytes


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
