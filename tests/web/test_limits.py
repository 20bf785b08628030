import errno
import gc
import socket
from contextlib import ExitStack

import pytest

from gong_exporter.web import server
from gong_exporter.web.http_connection import HttpConnection, Limits
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from tests.support.logs import LogRecorder
from tests.support.servers import until
from tests.support.web_process import process, resident_bytes
from tests.support.web_site import (
    GET,
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


def test_connections_beyond_the_limit_wait_and_the_others_are_served() -> None:
    with serving(FixedSite(), limits=Limits(connections=3)) as port, ExitStack() as stack:
        within = [stack.enter_context(raw(port)) for _ in range(3)]
        for client in within:
            exchange(client, GET)
        beyond = stack.enter_context(raw(port, LAST))
        for client in within:
            assert b"200 OK" in exchange(client, GET)
        within[0].close()
        assert b"200 OK" in read_to_end(beyond)


def test_connections_that_have_ended_take_no_memory() -> None:
    def held() -> int:
        gc.collect()
        return sum(isinstance(one, HttpConnection) for one in gc.get_objects())

    with serving(FixedSite(), limits=Limits(request_seconds=600)) as port:
        for _ in range(50):
            ask(port, "/metrics")
        until(lambda: held() < 5, "nothing keeps them")


class Exhausted(socket.socket):
    """A listening socket of a system that has no descriptor left for a while."""

    failures = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_connections_are_accepted_again_when_there_are_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = LogRecorder()
    monkeypatch.setattr(server, "_ACCEPT_AGAIN_SECONDS", 0.01)
    sock = Exhausted(fileno=bind("127.0.0.1:0").detach())
    port = int(sock.getsockname()[1])
    web = WebServer(build_app(FixedSite(), Options()), [sock], log.log)
    web.start()
    try:
        assert ask(port, "/metrics").status == 200
    finally:
        web.stop()
    assert log.messages == ["no connection can be accepted now"] * 2


def test_requests_that_come_before_their_turn_are_all_answered() -> None:
    small = b"POST /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    with serving(FixedSite()) as port, raw(port, (GET + small) * 200 + LAST) as client:
        answers = read_to_end(client)
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"405"] * 200 + [b"200"]
