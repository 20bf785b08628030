"""Proxies: configured, from the environment, refusing, hanging, unreachable."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path

import pytest

from gong_exporter.gong.errors import ConnectionFailed, TimedOut
from tests.gong.tls import certificate
from tests.gong.transports import (
    AUTHORIZATION,
    LATE,
    PAGE,
    SECRET,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support.hostile import (
    Behaviour,
    Connection,
    HostileServer,
    answer,
    hang,
    hostile_server,
    raw,
)


def forward_to(target: HostileServer | None, *, status: int = 200) -> Behaviour:
    """A forward proxy: it tunnels CONNECT to ``target``, and answers anything else itself."""

    def behave(connection: Connection) -> bool:
        if not connection.head.startswith(b"CONNECT "):
            return answer(200, PAGE)(connection)
        if target is None:
            return raw(f"HTTP/1.1 {status} Nope\r\nContent-Length: 0\r\n\r\n".encode())(connection)
        connection.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", target.port)) as upstream:
            _pump(connection.sock, upstream, connection.stop)
        return False

    return behave


def _pump(one: socket.socket, other: socket.socket, stop: threading.Event) -> None:
    ways = {one: other, other: one}
    while not stop.is_set():
        for sock in select.select(list(ways), [], [], 0.05)[0]:
            data = sock.recv(65_536)
            if not data:
                return
            ways[sock].sendall(data)


def test_a_configured_proxy_carries_the_call_with_its_own_credentials() -> None:
    with hostile_server(forward_to(None)) as proxy:
        url = f"http://us:pa%20ss@127.0.0.1:{proxy.port}"
        assert post(transport_to("http://gong.invalid", proxy_url=url)).status == 200
    (request,) = proxy.requests
    assert request.head.startswith(b"POST http://gong.invalid/v2/stats/activity/aggregate ")
    assert request.header("authorization") == AUTHORIZATION
    assert request.header("proxy-authorization") == "Basic dXM6cGEgc3M="


def test_the_proxy_of_the_environment_is_used_unless_another_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hostile_server(forward_to(None)) as one, hostile_server(forward_to(None)) as other:
        monkeypatch.setenv("http_proxy", one.url)
        post(transport_to("http://gong.invalid"))
        post(transport_to("http://gong.invalid", proxy_url=other.url))
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_space_around_the_proxy_of_the_environment_is_stripped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with hostile_server(forward_to(None)) as proxy:
        monkeypatch.setenv("http_proxy", f" {proxy.url}\n")
        post(transport_to("http://gong.invalid"))
        assert len(proxy.requests) == 1


def test_no_proxy_of_the_environment_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server(answer(200, PAGE)) as server, hostile_server(forward_to(None)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        post(transport_to(server.url))
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_tls_goes_through_the_proxy_unread(tmp_path: Path) -> None:
    context, ca_file = certificate(tmp_path)
    with (
        hostile_server(answer(200, PAGE), tls=context) as server,
        hostile_server(forward_to(server)) as proxy,
    ):
        got = post(transport_to(server.url, proxy_url=proxy.url, ca_file=ca_file))
        assert got.status == 200
    (request,) = proxy.requests
    assert request.head.startswith(f"CONNECT 127.0.0.1:{server.port} ".encode())
    assert request.header("authorization") is None


def test_a_proxy_that_refuses_is_reported() -> None:
    with (
        hostile_server(forward_to(None, status=407)) as proxy,
        pytest.raises(ConnectionFailed) as caught,
    ):
        post(transport_to("https://gong.invalid", proxy_url=proxy.url))
    assert caught.value.message == "gong.invalid: proxy: Tunnel connection failed: 407 Nope"


def test_an_unreachable_proxy_is_reported_without_its_password() -> None:
    with hostile_server(answer()) as gone:
        url = f"http://us:{SECRET}@127.0.0.1:{gone.port}"
    with pytest.raises(ConnectionFailed) as caught:
        post(transport_to("http://gong.invalid", proxy_url=url))
    assert caught.value.message == "gong.invalid: proxy: Connection refused"


@pytest.mark.parametrize("url", [f"http://us:{SECRET}@", f"http://us:{SECRET}@[::1", "socks5://x"])
def test_an_invalid_proxy_url_is_not_in_the_error(url: str) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        post(transport_to("http://gong.invalid", proxy_url=url))
    assert SECRET not in caught.value.message
    assert "gong.proxy_url" in caught.value.message


def test_a_proxy_that_hangs_before_the_tunnel_is_aborted_on_time_with_its_thread() -> None:
    left = threading.Event()
    with hostile_server(hang(left=left)) as proxy:
        with pytest.raises(TimedOut):
            post(transport_to("https://gong.invalid", timeout=0.3, proxy_url=proxy.url))
        assert left.wait(LATE)
        assert wait_until(lambda: exchanges_running() == 0)
