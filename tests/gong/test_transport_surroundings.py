"""What stands between us and Gong: packing, proxies, certificates, the environment."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import select
import socket
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gong_exporter.gong.errors import ConnectionFailed, InvalidResponse, TimedOut
from tests.gong.transports import (
    AUTHORIZATION,
    PAGE,
    SECRET,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support.clocks import FakeClock
from tests.support.hostile import (
    Behaviour,
    Connection,
    HostileServer,
    answer,
    hang,
    hostile_server,
    raw,
)

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"):
        monkeypatch.delenv(name, raising=False)


# Packing


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_packed_answer_is_unpacked(encoding: str) -> None:
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
            with pytest.raises(InvalidResponse, match=r"^the answer is larger than 8388608 bytes$"):
                post(transport)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 40 * 2**20


def test_a_bomb_that_is_packed_twice_is_refused_as_well() -> None:
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
def test_what_says_gzip_and_is_not_is_refused(body: bytes) -> None:
    with (
        hostile_server(answer(200, body, [("Content-Encoding", "gzip")])) as server,
        pytest.raises(InvalidResponse, match=r"^the answer's Content-Encoding does not unpack$"),
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
            transport.post(b"{}", authorization, FakeClock())
    assert SECRET not in str(caught.value)
    assert caught.value.message.isprintable()


def test_what_came_back_instead_of_http_is_not_repeated() -> None:
    def echo(connection: Connection) -> bool:
        connection.sock.sendall(connection.head.replace(b"\r\n", b" ") + b"\r\n\r\n")
        return False

    with hostile_server(echo) as server, pytest.raises(ConnectionFailed) as caught:
        post(transport_to(server.url))
    assert caught.value.message == (
        f"127.0.0.1:{server.port}: what came back is not HTTP (BadStatusLine)"
    )


# Proxies


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


def test_no_proxy_of_the_environment_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server(answer(200, PAGE)) as server, hostile_server(forward_to(None)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        post(transport_to(server.url))
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_tls_goes_through_the_proxy_unread(tmp_path: Path) -> None:
    context, ca_file = _certificate(tmp_path)
    with (
        hostile_server(answer(200, PAGE), tls=context) as server,
        hostile_server(forward_to(server)) as proxy,
    ):
        got = post(transport_to(server.url, proxy_url=proxy.url, ca_file=ca_file))
        assert got.status == 200
    (request,) = proxy.requests
    assert request.head.startswith(f"CONNECT 127.0.0.1:{server.port} ".encode())
    assert request.header("authorization") is None


def test_a_proxy_that_refuses_says_so() -> None:
    with (
        hostile_server(forward_to(None, status=407)) as proxy,
        pytest.raises(ConnectionFailed) as caught,
    ):
        post(transport_to("https://gong.invalid", proxy_url=proxy.url))
    assert caught.value.message == "gong.invalid: proxy: Tunnel connection failed: 407 Nope"


def test_a_proxy_that_is_not_there_says_so_without_its_password() -> None:
    with hostile_server(answer()) as gone:
        url = f"http://us:{SECRET}@127.0.0.1:{gone.port}"
    with pytest.raises(ConnectionFailed) as caught:
        post(transport_to("http://gong.invalid", proxy_url=url))
    assert caught.value.message == "gong.invalid: proxy: Connection refused"


@pytest.mark.parametrize("url", [f"http://us:{SECRET}@", f"http://us:{SECRET}@[::1", "socks5://x"])
def test_a_proxy_url_that_is_none_is_not_in_the_error(url: str) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        post(transport_to("http://gong.invalid", proxy_url=url))
    assert SECRET not in caught.value.message
    assert "gong.proxy_url" in caught.value.message


def test_a_proxy_that_hangs_before_the_tunnel_is_given_up_on_time_with_its_thread() -> None:
    left = threading.Event()
    with hostile_server(hang(left=left)) as proxy:
        with pytest.raises(TimedOut):
            post(transport_to("https://gong.invalid", timeout=0.3, proxy_url=proxy.url))
        assert left.wait(2)
        assert wait_until(lambda: exchanges_running() == 0)


# Certificates


def _certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A self-signed certificate for 127.0.0.1: the server's context, and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gong.test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca_file, both = folder / "ca.pem", folder / "server.pem"
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    ca_file.write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, str(ca_file)


@contextmanager
def _tls_server(folder: Path, *script: Behaviour) -> Iterator[tuple[HostileServer, str]]:
    context, ca_file = _certificate(folder)
    with hostile_server(*script, tls=context) as server:
        yield server, ca_file


def test_a_certificate_in_ca_file_is_trusted_and_its_connection_kept(tmp_path: Path) -> None:
    with _tls_server(tmp_path, answer(200, PAGE)) as (server, ca_file):
        transport = transport_to(server.url, ca_file=ca_file)
        assert [post(transport).status for _ in range(3)] == [200] * 3
        assert server.connections == 1


def test_an_unknown_certificate_is_refused_before_the_credentials_go_out(tmp_path: Path) -> None:
    with _tls_server(tmp_path, answer(200, PAGE)) as (server, _):
        with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:\d+: TLS: self.signed certif"):
            post(transport_to(server.url))
        assert server.requests == []


def test_the_environment_does_not_replace_ca_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    with _tls_server(tmp_path, answer(200, PAGE)) as (server, ca_file):
        assert post(transport_to(server.url, ca_file=ca_file)).status == 200


def test_a_body_that_drips_over_tls_is_given_up_with_its_socket(tmp_path: Path) -> None:
    left = threading.Event()
    hanging = hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", left=left)
    with _tls_server(tmp_path, hanging) as (server, ca_file):
        with pytest.raises(TimedOut):
            post(transport_to(server.url, timeout=0.5, ca_file=ca_file))
        assert left.wait(2)
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_missing_or_broken_ca_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with _tls_server(tmp_path, answer(200, PAGE)) as (server, _):
        messages = []
        for ca_file in (tmp_path / "missing.pem", broken):
            with pytest.raises(ConnectionFailed) as caught:
                post(transport_to(server.url, ca_file=str(ca_file)))
            messages.append(caught.value.message)
    assert "missing.pem" in messages[0]
    assert messages[1].startswith(f"127.0.0.1:{server.port}: TLS: ")


def test_tls_to_a_port_without_it_says_so() -> None:
    with (
        hostile_server(greet=raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        pytest.raises(ConnectionFailed) as caught,
    ):
        post(transport_to(f"https://127.0.0.1:{server.port}"))
    assert caught.value.message == f"127.0.0.1:{server.port}: TLS: WRONG_VERSION_NUMBER"
