"""One exchange: what is sent, what is received, and every way in which it can fail."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from gong_exporter import __version__
from gong_exporter.gong.errors import ConnectionFailed, InvalidResponse, TransportError
from gong_exporter.gong.records import AGGREGATE_ACTIVITY_PATH
from gong_exporter.gong.transport import MAX_IDLE
from tests.gong.transports import (
    AUTHORIZATION,
    PAGE,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support.hostile import Behaviour, answer, flood, hang, hostile_server, raw, reset

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_a_request_is_sent_as_gong_expects_it_and_the_response_is_complete() -> None:
    with hostile_server(answer(200, PAGE, [("X-Odd", "a"), ("X-Odd", "b")])) as server:
        got = post(transport_to(server.url + "/"), b'{"filter": {}}')
    (request,) = server.requests
    assert request.head.startswith(f"POST {AGGREGATE_ACTIVITY_PATH} HTTP/1.1\r\n".encode())
    assert request.body == b'{"filter": {}}'
    assert request.header("authorization") == AUTHORIZATION
    assert request.header("content-type") == "application/json"
    assert request.header("user-agent") == f"gong-exporter/{__version__}"
    assert (got.status, got.complete, got.headers["x-odd"]) == (200, True, "a, b")
    assert b"4al018gzaztcr8nbukw" in got.body


def test_a_malformed_header_is_not_logged_because_it_may_repeat_the_credentials(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = f"no colon\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with hostile_server(raw(HEAD + odd)) as server:
        assert post(transport_to(server.url)).status == 200
    assert AUTHORIZATION not in caplog.text


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param(reset, "Connection reset by peer", id="reset"),
        pytest.param(raw(b""), "the connection was closed without a response", id="close"),
        pytest.param(
            raw(b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n"),
            "the response is not HTTP (BadStatusLine)",
            id="not http",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 200 + b"\r\n"),
            "the response is not HTTP (HTTPException)",
            id="too many headers",
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n"),
            "the response is not HTTP (LineTooLong)",
            id="a header line too long",
        ),
        pytest.param(
            raw(HEAD + b"Content-Length: 100\r\n\r\n{}"),
            "the response ended early",
            id="truncated",
        ),
        pytest.param(
            raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
            "the response ended early",
            id="truncated chunks",
        ),
    ],
)
def test_a_broken_response_is_a_failed_connection_with_the_reason(
    behaviour: Behaviour, expected: str
) -> None:
    with hostile_server(behaviour) as server:
        with pytest.raises(ConnectionFailed) as caught:
            post(transport_to(server.url))
        assert caught.value.message == f"127.0.0.1:{server.port}: {expected}"


def test_a_refused_connection_names_host_and_port() -> None:
    with hostile_server(reset) as server:
        port = server.port
    with pytest.raises(ConnectionFailed, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        post(transport_to(f"http://127.0.0.1:{port}"))


def test_a_host_given_as_an_ipv6_address_is_reached() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        port = listener.getsockname()[1]

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        assert post(transport_to(f"http://[::1]:{port}")).body == b"{}"
        thread.join(5)


def test_a_name_that_does_not_resolve_is_reported() -> None:
    with pytest.raises(ConnectionFailed, match=r"^gong\.invalid: the name cannot be resolved \("):
        post(transport_to("http://gong.invalid"))


def test_a_200_that_ends_early_is_distinct_from_no_response() -> None:
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


def test_an_early_response_is_never_taken_for_the_next_one() -> None:
    """103 is not the final response; the 200 behind it must not answer the next request."""
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


def test_a_body_above_the_limit_is_refused_at_once() -> None:
    endless = flood(
        b"10000\r\n" + b" " * 65_536 + b"\r\n", after=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with hostile_server(endless) as server:
        with pytest.raises(InvalidResponse, match="larger than 8388608 bytes") as caught:
            post(transport_to(server.url))
        assert caught.value.code == 200
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_redirect_is_not_followed() -> None:
    with (
        hostile_server(answer(200, PAGE)) as other,
        hostile_server(
            answer(307, b"", [("Location", other.url + AGGREGATE_ACTIVITY_PATH)])
        ) as server,
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
    assert (got.status, got.complete, len(got.body)) == (302, True, 65_536)


def test_any_response_is_a_response_or_an_error_of_ours() -> None:
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
        messages = []
        for _ in odd:
            # One of its own each: the server may close a connection as the next is asked.
            transport = transport_to(server.url, timeout=2)
            try:
                post(transport)
            except (TransportError, InvalidResponse) as error:
                messages.append(error.message)
            finally:
                transport.close()
        assert len(server.requests) == len(odd)
    assert all(message.isprintable() for message in messages)
