"""Wrong encodings, decompression bombs, and credentials that must not be shown."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest

from gong_exporter.gong.errors import ConnectionFailed, InvalidResponse
from tests.gong.transports import (
    AUTHORIZATION,
    PAGE,
    SECRET,
    post,
    transport_to,
)
from tests.support.hostile import (
    Connection,
    answer,
    hostile_server,
)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_compressed_response_is_decompressed(encoding: str) -> None:
    packed = gzip.compress(b'{"a": 1}')
    with hostile_server(answer(200, packed, [("Content-Encoding", encoding)])) as server:
        assert post(transport_to(server.url)).body == b'{"a": 1}'
    assert server.requests[0].header("accept-encoding") == "gzip"


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(b" " * (1 << 20)) * 512  # half a megabyte that unpacks to 512
    with hostile_server(answer(200, bomb, [("Content-Encoding", "gzip")])) as server:
        transport = transport_to(server.url, timeout=20)
        tracemalloc.start()
        try:
            with pytest.raises(InvalidResponse, match=r"^the response is larger than 8388608 b"):
                post(transport)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 40 * 2**20


def test_a_bomb_that_is_compressed_twice_is_refused_too() -> None:
    bomb = gzip.compress(gzip.compress(b" " * (64 << 20)))
    with hostile_server(answer(200, bomb, [("Content-Encoding", "gzip, gzip")])) as server:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidResponse):
                post(transport_to(server.url, timeout=20))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 40 * 2**20


@pytest.mark.parametrize(
    "body",
    [b'{"records": {}}', gzip.compress(b"{}")[:-9] + b"garbage!!", zlib.compress(b"{}")],
    ids=["plain", "broken", "zlib"],
)
def test_a_body_that_is_not_the_gzip_it_claims_is_refused(body: bytes) -> None:
    with (
        hostile_server(answer(200, body, [("Content-Encoding", "gzip")])) as server,
        pytest.raises(InvalidResponse, match=r"^the response does not match its Content-Encoding$"),
    ):
        post(transport_to(server.url))


# Credentials


def test_a_netrc_entry_does_not_replace_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with hostile_server(answer(200, PAGE)) as server:
        post(transport_to(server.url))
    assert server.requests[0].header("authorization") == AUTHORIZATION


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {SECRET}\n", f"Bearer {SECRET}\r\nX: 1", f"Bearer {SECRET}ä電"],
)
def test_credentials_that_no_header_can_carry_are_not_in_the_error(authorization: str) -> None:
    with hostile_server(answer(200, PAGE)) as server:
        transport = transport_to(server.url)
        with pytest.raises(ConnectionFailed) as caught:
            post(transport, authorization=authorization)
    assert SECRET not in str(caught.value)
    assert caught.value.message.isprintable()


def test_a_response_that_is_not_http_is_not_quoted() -> None:
    def echo(connection: Connection) -> bool:
        connection.sock.sendall(connection.head.replace(b"\r\n", b" ") + b"\r\n\r\n")
        return False

    with hostile_server(echo) as server, pytest.raises(ConnectionFailed) as caught:
        post(transport_to(server.url))
    assert caught.value.message == (
        f"127.0.0.1:{server.port}: the response is not HTTP (BadStatusLine)"
    )
