"""``healthcheck``: what an image without a shell asks."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gong_exporter.cli import healthcheck
from gong_exporter.simulator.api.simulator import utc_now
from tests.support.exporter import (
    ROOT,
    command,
    environment,
    exporter,
    run,
    run_here,
    write_config,
)
from tests.support.hostile import Behaviour, drip, flood, hang, hostile_server, raw, reset
from tests.support.simulator import running_simulator
from tests.support.web_certificates import Authority


def test_a_running_exporter_is_healthy_whatever_gong_and_the_environment_say(
    tmp_path: Path,
) -> None:
    with running_simulator(now=utc_now) as simulator:
        simulator.set_faults("hang")
        with exporter(write_config(tmp_path, simulator.url)) as running:
            address = f"--web.listen-address={running.address}"
            for arguments in (["healthcheck", address], [address, "healthcheck"]):
                asked = run_here(*arguments)
                assert (asked.returncode, asked.stderr) == (0, "")
                assert asked.stdout == "healthy: the poll loop is alive\n"
            everywhere = f"--web.listen-address=:{running.address.rpartition(':')[2]}"
            proxy = environment(http_proxy="http://127.0.0.1:9")
            assert run("healthcheck", everywhere, environ=proxy).returncode == 0


def test_a_full_disk_behind_stdout_is_a_failure() -> None:
    with answering(200, b"healthy\n") as address, Path("/dev/full").open("wb") as full:
        asked = subprocess.run(
            command("healthcheck", f"--web.listen-address={address}"),
            cwd=ROOT,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert asked.returncode == 1
    assert asked.stderr == b"gong-exporter: cannot write to stdout: No space left on device\n"


def test_nobody_there_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    asked = run_here("healthcheck", f"--web.listen-address={address}")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert f"http://{address}/-/healthy does not answer (Connection refused)" in asked.stderr


def test_an_exporter_that_says_no_is_not_healthy() -> None:
    with answering(503, b"the poll loop has ended; the log says why\n") as address:
        asked = run_here("healthcheck", f"--web.listen-address={address}")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "answered 503: the poll loop has ended; the log says why" in asked.stderr


CLIENTS = "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
USERS = f"basic_auth_users:\n  prometheus: $2b$04${'A' * 21}.{'B' * 31}\n"


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (USERS, "a password"),
        (CLIENTS, "a client certificate"),
        (CLIENTS + "  max_version: TLS12\n", "a client certificate"),
    ],
)
def test_a_guarded_exporter_is_healthy_also_to_those_who_may_not_come_in(
    tmp_path: Path, settings: str, wanted: str
) -> None:
    authority = Authority()
    authority.issue("monitoring.example").write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n{settings}"
    )
    guard = f"--web.config.file={tmp_path / 'web.yml'}"
    with exporter(write_config(tmp_path, "http://127.0.0.1:9"), guard) as running:
        address = f"--web.listen-address={running.address}"
        # Told of it before or after the command's name, or not at all, as an image's own check.
        for arguments in ([guard, "healthcheck"], ["healthcheck", guard], ["healthcheck"]):
            asked = run_here(*arguments, address)
            assert (asked.returncode, asked.stderr) == (0, "")
            assert asked.stdout.startswith(f"the server answers, and requires {wanted}:")
    assert run_here(guard, "healthcheck", address).returncode == 1


def test_tls_is_found_out_by_asking(tmp_path: Path) -> None:
    Authority().issue("monitoring.example").write(tmp_path)
    (tmp_path / "web.yml").write_text(
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
    )
    guard = f"--web.config.file={tmp_path / 'web.yml'}"
    with exporter(write_config(tmp_path, "http://127.0.0.1:9"), guard) as running:
        asked = run_here("healthcheck", f"--web.listen-address={running.address}")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout == "healthy: the poll loop is alive\n"


OK = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNK = b"5\r\nhello\r\n"


@pytest.mark.parametrize(
    "behaviour",
    [
        hang(),
        hang(OK),
        drip(b"HTTP/1.1 200 OK"),
        drip(b"X-A: b\r\n", after=OK),
        drip(b"a" * 100, after=OK + b"X-A: "),
        drip(b"x", after=OK + b"Content-Length: 4000\r\n\r\n"),
        drip(b"x", after=OK + b"\r\n"),
        drip(CHUNK, after=OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        drip(CONTINUE),
        flood(CONTINUE),
        flood(b"X-A: b\r\n", after=OK),
        flood(b"a" * 1000, after=OK + b"X-A: "),
        flood(b"x" * 1000, after=OK + b"\r\n"),
        flood(b"x" * 1000, after=OK + b"Content-Length: 99999999999\r\n\r\n"),
        flood(CHUNK, after=OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        flood(b"\0" * 1000),
        raw(b"\x15\x03\x03\x00\x02\x02\x28"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nhealthy"),
        reset,
    ],
)
def test_a_server_without_a_whole_response_is_not_healthy_in_time(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthcheck, "TIMEOUT", 0.5)
    with hostile_server(behaviour) as server:
        began = time.monotonic()
        asked = run_here("healthcheck", f"--web.listen-address={server.url[len('http://') :]}")
        assert time.monotonic() - began < 5
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "does not answer" in asked.stderr


def test_a_server_that_ends_no_handshake_is_not_healthy_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Authority().issue("monitoring.example").write(tmp_path)
    (tmp_path / "web.yml").write_text(
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
    )
    monkeypatch.setattr(healthcheck, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        web_config = f"--web.config.file={tmp_path / 'web.yml'}"
        asked = run_here("healthcheck", web_config, f"--web.listen-address={address}")
    assert asked.returncode == 1
    assert f"https://{address}/-/healthy does not answer" in asked.stderr


def test_the_whole_process_ends_within_five_seconds() -> None:
    with hostile_server(drip(CONTINUE)) as server:
        began = time.monotonic()
        asked = run("healthcheck", f"--web.listen-address={server.url[len('http://') :]}")
        seconds = time.monotonic() - began
    assert asked.returncode == 1
    assert "does not answer within 4 s" in asked.stderr
    assert 4 < seconds < 10  # 4.1 measured; the rest is for a busy machine


def test_a_web_configuration_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text("tls_server_config: 7\n")
    asked = run_here("healthcheck", f"--web.config.file={tmp_path / 'web.yml'}")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert f"{tmp_path / 'web.yml'}" in asked.stderr


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The address of a server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
