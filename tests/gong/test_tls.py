"""Certificates: trusted, unknown, missing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gong_exporter.gong.errors import ConnectionFailed, TimedOut
from tests.gong.tls import tls_server
from tests.gong.transports import (
    LATE,
    PAGE,
    exchanges_running,
    post,
    transport_to,
    wait_until,
)
from tests.support.hostile import (
    answer,
    hang,
    hostile_server,
    raw,
)


def test_a_certificate_in_ca_file_is_trusted_and_its_connection_kept(tmp_path: Path) -> None:
    with tls_server(tmp_path, answer(200, PAGE)) as (server, ca_file):
        transport = transport_to(server.url, ca_file=ca_file)
        assert [post(transport).status for _ in range(3)] == [200] * 3
        assert server.connections == 1


def test_an_unknown_certificate_is_refused_before_the_credentials_go_out(tmp_path: Path) -> None:
    with tls_server(tmp_path, answer(200, PAGE)) as (server, _):
        with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:\d+: TLS: self.signed certif"):
            post(transport_to(server.url))
        assert server.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_without_ca_file_the_certificates_of_the_environment_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with tls_server(tmp_path, answer(200, PAGE)) as (server, ca_file):
        monkeypatch.setenv(variable, ca_file)
        assert post(transport_to(server.url)).status == 200


def test_the_environment_does_not_replace_ca_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing.pem"))
    with tls_server(tmp_path, answer(200, PAGE)) as (server, ca_file):
        assert post(transport_to(server.url, ca_file=ca_file)).status == 200


def test_a_body_that_drips_over_tls_is_aborted_with_its_socket(tmp_path: Path) -> None:
    left = threading.Event()
    hanging = hang(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", left=left)
    with tls_server(tmp_path, hanging) as (server, ca_file):
        with pytest.raises(TimedOut):
            post(transport_to(server.url, timeout=0.5, ca_file=ca_file))
        assert left.wait(LATE)
        assert wait_until(lambda: exchanges_running() == 0)


def test_a_missing_or_broken_ca_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with tls_server(tmp_path, answer(200, PAGE)) as (server, _):
        messages = []
        for ca_file in (tmp_path / "missing.pem", broken):
            with pytest.raises(ConnectionFailed) as caught:
                post(transport_to(server.url, ca_file=str(ca_file)))
            messages.append(caught.value.message)
    assert "missing.pem" in messages[0]
    assert messages[1].startswith(f"127.0.0.1:{server.port}: TLS: ")


def test_tls_to_a_plain_port_is_reported() -> None:
    with (
        hostile_server(greet=raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        pytest.raises(ConnectionFailed) as caught,
    ):
        post(transport_to(f"https://127.0.0.1:{server.port}"))
    assert caught.value.message == f"127.0.0.1:{server.port}: TLS: WRONG_VERSION_NUMBER"
