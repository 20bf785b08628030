"""``healthcheck``: what an image without a shell asks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gong_exporter.simulator.serve import utc_now
from tests.support.exporter import environment, exporter, run, run_here, write_config
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


def test_nobody_there_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    asked = run_here("healthcheck", f"--web.listen-address={address}")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert f"http://{address}/-/healthy does not answer" in asked.stderr


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
            assert asked.stdout.startswith(f"the server answers, and wants {wanted}:")
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
