import http.client
import logging
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
import uvicorn

from gong_exporter.web.http_connection import Limits
from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import bind
from gong_exporter.web.watch import WebConfigFile
from tests.support.logs import LogRecorder, no_log
from tests.support.servers import WAIT_TIMEOUT, until
from tests.support.web_seen import arrivals
from tests.support.web_site import (
    GET,
    HALF,
    LAST,
    MEGABYTE,
    FixedSite,
    ask,
    big,
    raw,
    read_to_end,
    serving,
)


def test_a_connection_is_kept_alive() -> None:
    with serving(FixedSite()) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        local = set()
        for _ in range(3):
            connection.request("GET", "/metrics")
            assert connection.getresponse().read() == b"a 1\n"
            local.add(connection.sock.getsockname())
        connection.close()
    assert len(local) == 1


def test_a_small_answer_does_not_wait_for_an_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With Nagle's algorithm it took 44 ms."""
    arrived = arrivals(monkeypatch)
    with serving(FixedSite()) as port, raw(port, GET) as client:
        assert client.recv(1) == b"H"
        sock = arrived[0].transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_pipelined_requests_are_answered_in_order() -> None:
    asked = [b"/metrics", b"/-/healthy", b"/nothing", b"/-/ready"]
    requests = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in asked)
    with serving(FixedSite()) as port, raw(port, requests + LAST) as client:
        answers = read_to_end(client)
    assert [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]] == [
        b"200",
        b"200",
        b"404",
        b"200",
        b"200",
    ]
    assert answers.endswith(b"a 1\n")


def test_http_1_0_is_answered_and_closed() -> None:
    with serving(FixedSite()) as port, raw(port, b"GET /metrics HTTP/1.0\r\n\r\n") as client:
        assert read_to_end(client).endswith(b"a 1\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 9_000 + b"\r\n",
    ],
)
def test_an_oversized_header_is_refused_and_blocks_no_other_client(request_bytes: bytes) -> None:
    with serving(FixedSite()) as port:
        with raw(port) as client:
            try:
                client.sendall(request_bytes)
                answer = read_to_end(client)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        assert ask(port, "/metrics").status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 100 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /m\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?window=%ff&q=%00&page=-1&page=x&sort=%3Cscript%3E HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nz",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        GET + b"\xff\xfe garbage after a good request\r\n\r\n",
        LAST + GET,
    ],
)
def test_garbage_is_refused_without_a_log_line_and_blocks_no_other_client(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), serving(FixedSite()) as port:
        with raw(port, garbage) as client:
            client.shutdown(socket.SHUT_WR)
            read_to_end(client)
        assert ask(port, "/metrics").status == 200
    assert [record.getMessage() for record in caplog.records] == []


def test_a_client_that_hangs_up_mid_answer_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING), serving(big(20 * MEGABYTE)) as port:
        for _ in range(5):
            with raw(port, GET) as client:
                client.recv(1)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert len(ask(port, "/metrics").body) == 20 * MEGABYTE
    assert [record.getMessage() for record in caplog.records] == []


def test_many_scrapes_at_a_time_are_all_answered() -> None:
    with serving(big(MEGABYTE)) as port, ThreadPoolExecutor(16) as pool:
        sizes = list(pool.map(lambda _: len(ask(port, "/metrics").body), range(64)))
    assert sizes == [MEGABYTE] * 64


def test_a_reload_that_hangs_stops_no_scrape() -> None:
    release, begun_reload = threading.Event(), threading.Event()

    def hang() -> None:
        begun_reload.set()
        release.wait(WAIT_TIMEOUT)

    site = FixedSite(on_reload=hang)
    with serving(site, options=Options(lifecycle=True)) as port, ThreadPoolExecutor(1) as pool:
        reload = pool.submit(ask, port, "/-/reload", "POST")
        assert begun_reload.wait(WAIT_TIMEOUT)
        assert ask(port, "/metrics").status == 200
        assert not reload.done()
        release.set()
        assert reload.result(WAIT_TIMEOUT).status == 200


def test_it_stops_with_a_slow_reader_and_a_hung_handler(caplog: pytest.LogCaptureFixture) -> None:
    release, begun_reload = threading.Event(), threading.Event()

    def hang() -> None:
        begun_reload.set()
        release.wait(5 * WAIT_TIMEOUT)

    site = big(30 * MEGABYTE)
    site.on_reload = hang
    with bind("127.0.0.1:0") as sock:
        port = int(sock.getsockname()[1])
        server = WebServer(build_app(site, Options(lifecycle=True)), [sock], no_log())
        server.start()
        hanging = b"POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n"
        with caplog.at_level(logging.WARNING), raw(port, GET) as reader, raw(port, hanging):
            reader.recv(1)
            assert begun_reload.wait(WAIT_TIMEOUT)
            assert server.stop(WAIT_TIMEOUT)
        release.set()
    assert [record.getMessage() for record in caplog.records] == []


def test_an_answer_under_way_is_finished_when_the_server_stops() -> None:
    release, begun_reload = threading.Event(), threading.Event()

    def wait() -> None:
        begun_reload.set()
        release.wait(WAIT_TIMEOUT)

    site, limits = FixedSite(on_reload=wait), Limits(grace_seconds=WAIT_TIMEOUT)
    with (
        ThreadPoolExecutor(1) as pool,
        serving(site, options=Options(lifecycle=True), limits=limits) as port,
    ):
        answer = pool.submit(ask, port, "/-/reload", "POST")
        assert begun_reload.wait(WAIT_TIMEOUT)
        threading.Timer(0.3, release.set).start()
    assert answer.result(WAIT_TIMEOUT).status == 200


def test_a_stopped_server_listens_no_more_and_idle_connections_do_not_hold_it_up() -> None:
    with bind("127.0.0.1:0") as sock:
        port = int(sock.getsockname()[1])
        limits = Limits(grace_seconds=5 * WAIT_TIMEOUT)
        server = WebServer(build_app(FixedSite(), Options()), [sock], no_log(), limits=limits)
        server.start()
        with raw(port, GET) as resting, raw(port, HALF), raw(port):
            resting.recv(4096)
            assert server.stop(WAIT_TIMEOUT)
        assert not server.alive
        with pytest.raises(ConnectionRefusedError):
            ask(port, "/metrics")


def test_a_server_that_was_never_started_can_be_stopped() -> None:
    with bind("127.0.0.1:0") as sock:
        server = WebServer(build_app(FixedSite(), Options()), [sock], no_log())
        assert not server.alive
        assert server.stop()
        assert sock.fileno() == -1


def test_a_failed_reading_of_the_web_config_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A machine may have no thread left for it, for a while."""
    file = tmp_path / "web.yml"
    file.write_text("{}\n")
    web_config, log = WebConfigFile(file), LogRecorder()
    reads: list[None] = []
    refresh = web_config.refresh

    def broken() -> NoReturn:
        reads.append(None)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(web_config, "refresh", broken)
    with serving(FixedSite(), web_config=web_config, log=log.log) as port:
        until(lambda: len(reads) >= 3, "it is read again and again")
        assert ask(port, "/metrics").status == 200
        monkeypatch.setattr(web_config, "refresh", refresh)
        file.write_text("http_server_config: {headers: {X-XSS-Protection: '0'}}\n")
        until(lambda: "x-xss-protection" in ask(port, "/metrics").headers, "the change is in force")
    assert log.messages == [
        "web config not reloaded, the old one stays in force",
        "web config reloaded",
    ]


@pytest.mark.parametrize("when", ["at the start", "while it serves"])
def test_a_server_that_breaks_ends_and_says_why(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    broken = threading.Event()

    async def tick(_server: uvicorn.Server, _counter: int) -> bool:
        if broken.is_set():
            raise RuntimeError("cannot be")
        return False

    async def startup(_server: uvicorn.Server, **_: object) -> NoReturn:
        raise RuntimeError("cannot be")

    log = LogRecorder()
    with bind("127.0.0.1:0") as sock:
        server = WebServer(build_app(FixedSite(), Options()), [sock], log.log)
        if when == "at the start":
            monkeypatch.setattr(uvicorn.Server, "startup", startup)
            with pytest.raises(RuntimeError, match="did not start"):
                server.start()
        else:
            monkeypatch.setattr(uvicorn.Server, "on_tick", tick)
            server.start()
            broken.set()
        until(lambda: not server.alive, "the server has ended")
    assert log.messages == ["the HTTP server failed"]
