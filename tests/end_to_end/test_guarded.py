"""The real process behind TLS, client certificates, passwords and systemd's sockets."""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bcrypt
import pytest

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import (
    ROOT,
    Process,
    Samples,
    command,
    environment,
    exporter,
    run_here,
    write_config,
)
from tests.support.servers import prometheus, scrape_config, until
from tests.support.simulator import running_simulator
from tests.support.web_certificates import Authority
from tests.support.web_site import Answer, ask

COMPANY = FixtureCompany(users=5)
PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"prometheus:right").decode()}
HASH = bcrypt.hashpw(b"right", bcrypt.gensalt(8)).decode()

TLS = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
CLIENTS = """\
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example]
"""
REST = f"""\
http_server_config:
  headers:
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  prometheus: {HASH}
"""


@dataclass(frozen=True)
class Place:
    """A folder with certificates, and a web configuration that asks for everything.

    Attributes:
        folder: of web.yml, cert.pem, key.pem, ca.pem.
        stranger: a client without a certificate.
        known: one with the name that may come in.
        other: one with another name, of the same authority.
    """

    folder: Path
    stranger: ssl.SSLContext
    known: ssl.SSLContext
    other: ssl.SSLContext

    @property
    def flag(self) -> str:
        """For the command line."""
        return f"--web.config.file={self.folder / 'web.yml'}"

    def write(self, text: str) -> None:
        """Change the web configuration."""
        (self.folder / "web.yml").write_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    authority = Authority()
    authority.issue("127.0.0.1", "::1").write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    def client(*names: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=authority.pem.decode())
        for name in names:
            context.load_cert_chain(*authority.issue(name).write(tmp_path, name))
        return context

    found = Place(tmp_path, client(), client("prometheus.example"), client("other.example"))
    found.write(TLS + CLIENTS + REST)
    return found


@contextmanager
def running(place: Place, *flags: str) -> Iterator[Process]:
    """An exporter after its first poll."""
    with (
        running_simulator(COMPANY, now=utc_now) as simulator,
        exporter(write_config(place.folder, simulator.url), place.flag, *flags) as process,
    ):
        process.await_said("poll ended")
        yield process


def get(
    address: str,
    context: ssl.SSLContext | None,
    headers: Mapping[str, str] = PASSWORD,
    path: str = "/metrics",
) -> Answer:
    host, _, port = address.rpartition(":")
    return ask(int(port), path, headers=dict(headers), context=context, host=host.strip("[]"))


def refused(address: str, context: ssl.SSLContext | None) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return get(address, context).status not in {200, 401}
    return True


def can_scrape(address: str, context: ssl.SSLContext) -> bool:
    return get(address, context).status == 200


def activity(answer: Answer) -> int:
    return len(Samples(answer.body.decode()).of("gong_user_activity"))


def test_certificate_name_password_and_headers_on_every_address(place: Place) -> None:
    with running(place, "--web.listen-address=[::1]:0") as process:
        addresses = [line["address"] for line in process.said("listening")]
        assert [address.rpartition(":")[0] for address in addresses] == ["127.0.0.1", "[::1]"]
        for address in addresses:
            good = get(address, place.known)
            assert (good.status, activity(good)) == (200, 5 * 15 * 3)
            assert good.headers["strict-transport-security"] == "max-age=31536000"
            bad = get(address, place.known, {})
            assert (bad.status, bad.body) == (401, b"Unauthorized\n")
            assert bad.headers["strict-transport-security"] == "max-age=31536000"
            assert get(address, place.known, path="/").status == 200
            for context in (place.stranger, place.other, None):
                assert refused(address, context)
        process.stop()


@pytest.mark.server("prometheus")
def test_a_real_prometheus_scrapes_with_tls_password_and_headers(place: Place) -> None:
    with running(place) as process:
        config = scrape_config(process.address)
        config["scrape_configs"][0] |= {
            "scheme": "https",
            "basic_auth": {"username": "prometheus", "password": "right"},
            "tls_config": {
                "ca_file": str(place.folder / "ca.pem"),
                "cert_file": str(place.folder / "prometheus.example-cert.pem"),
                "key_file": str(place.folder / "prometheus.example-key.pem"),
            },
        }
        with prometheus(place.folder, config) as server:
            server.await_scrape()
            assert [value for _, value in server.query("count(gong_user_activity)")] == [5 * 15 * 3]
            place.write(TLS + CLIENTS + REST.replace("prometheus:", "another:"))
            process.await_said("web config reloaded")
            until(lambda: [v for _, v in server.query("up")] == [0], "its user is gone")
            assert "401" in server.targets()


def test_clients_without_a_certificate_are_disconnected_when_one_is_required(place: Place) -> None:
    place.write(TLS)
    with running(place) as process, ExitStack() as stack:
        host, _, port = process.address.rpartition(":")
        kept = http.client.HTTPSConnection(host, int(port), timeout=10, context=place.stranger)
        stack.callback(kept.close)
        kept.request("GET", "/metrics")
        assert len(kept.getresponse().read()) > 1000
        place.write(TLS + CLIENTS)
        process.await_said("web config reloaded")
        until(lambda: refused(process.address, place.stranger), "strangers are refused")
        assert get(process.address, place.known).status == 200
        # Not on the connection from before either.
        kept.auto_open = 0
        with pytest.raises((OSError, http.client.HTTPException)):  # noqa: PT012  # either of them
            kept.request("GET", "/metrics")
            kept.getresponse()


def test_a_broken_web_configuration_leaves_the_old_one_in_force_and_is_on_the_page(
    place: Place,
) -> None:
    with running(place) as process:
        place.write(TLS + "basic_auth_user: {}\n")
        until(lambda: "web config not reloaded" in process.log(), "it says so")
        assert "basic_auth_user: unknown key" in process.log()
        assert refused(process.address, place.stranger)
        page = get(process.address, place.known, path="/").body.decode()
        assert "Web configuration: " in page
        assert "basic_auth_user: unknown key" in page


def test_the_demo_requires_the_password_too(place: Place) -> None:
    with subprocess.Popen(
        command("demo", place.flag, "--web.listen-address=127.0.0.1:0", "--users=5"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        try:
            assert demo.stdout is not None
            said = "".join(iter(demo.stdout.readline, "Ctrl-C stops it.\n"))
            found = re.search(r"Metrics +https://(\S+)/metrics\n", said)
            assert found, said
            assert "scheme: https" in said
            assert get(found[1], place.known).status == 200
            assert get(found[1], place.known, {}).status == 401
            assert refused(found[1], place.stranger)
        finally:
            demo.terminate()


def test_a_web_configuration_that_cannot_be_used_is_bad_usage(place: Place) -> None:
    place.write("tls_server_config: {cert_file: cert.pem}\n")
    for arguments in (["demo", place.flag], [place.flag, "demo"], [place.flag, "--config.check"]):
        done = run_here(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "tls_server_config.key_file: is missing (or key, inline)" in done.stderr


LAUNCHER = """\
import os, sys
for place, descriptor in enumerate(sys.argv[1].split(",")):
    os.dup2(int(descriptor), 3 + place, inheritable=True)
    count = place + 1
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count)}
os.execv(sys.executable, [sys.executable, "-m", "gong_exporter", *sys.argv[2:]])
"""
"""What systemd does with the sockets of a unit (sd_listen_fds(3))."""


def test_it_serves_on_the_sockets_that_systemd_passes(place: Place, tmp_path: Path) -> None:
    place.write(TLS + CLIENTS)
    with ExitStack() as stack:
        simulator = stack.enter_context(running_simulator(COMPANY, now=utc_now))
        passed = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))),
            stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)),
        ]
        # Above where the launcher puts them.
        descriptors = [os.dup2(sock.fileno(), 50 + place) for place, sock in enumerate(passed)]
        for descriptor in descriptors:
            stack.callback(os.close, descriptor)
        arguments = ["--web.systemd-socket", place.flag, "--log.format=json"]
        arguments.append(f"--config.file={write_config(tmp_path, simulator.url)}")
        log = stack.enter_context((tmp_path / "log").open("wb"))
        child = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, ",".join(map(str, descriptors)), *arguments],
                cwd=ROOT,
                env=environment(),
                pass_fds=descriptors,
                stderr=log,
            )
        )
        stack.callback(child.kill)
        for host, sock in zip(("127.0.0.1", "[::1]"), passed, strict=True):
            address = f"{host}:{sock.getsockname()[1]}"
            until(partial(can_scrape, address, place.known), "it serves")
            assert refused(address, place.stranger)
        process = Process(child, tmp_path / "log")
        assert len(process.said("listening")) == 2
        process.stop()


@pytest.mark.parametrize(
    "environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_FDS": "1"}]
)
def test_missing_systemd_sockets_are_an_error(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = write_config(tmp_path, "http://127.0.0.1:9")
    done = run_here("--web.systemd-socket", f"--config.file={config}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "systemd passed no socket to this process" in done.stderr
