import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gong_exporter.web.routes import Options, build_app
from gong_exporter.web.server import WebServer
from gong_exporter.web.sockets import ListenError, bind, describe, from_systemd
from tests.support.logs import no_log
from tests.support.web_site import FixedSite, ask, read_to_end, serving


def test_port_0_takes_a_free_port_and_tells_which() -> None:
    with bind("127.0.0.1:0") as sock:
        assert describe(sock) == f"127.0.0.1:{sock.getsockname()[1]}"
        assert sock.getsockname()[1] > 0


def test_without_a_host_both_kinds_of_address_are_answered() -> None:
    with serving(FixedSite(), addresses=[":0"]) as port:
        assert ask(port, "/metrics", host="127.0.0.1").status == 200
        assert ask(port, "/metrics", host="::1").status == 200


def test_an_ipv6_address_is_listened_on_alone() -> None:
    with serving(FixedSite(), addresses=["[::1]:0"]) as port:
        assert ask(port, "/metrics", host="::1").status == 200
        with pytest.raises(ConnectionRefusedError):
            ask(port, "/metrics")


def test_an_ipv6_address_is_described_in_brackets() -> None:
    with bind("[::1]:0") as sock:
        assert describe(sock) == f"[::1]:{sock.getsockname()[1]}"


def test_a_name_is_looked_up() -> None:
    with serving(FixedSite(), addresses=["localhost:0"]) as port:
        assert ask(port, "/metrics").status == 200


def test_several_addresses_answer_alike() -> None:
    with bind("127.0.0.1:0") as probe:
        other = int(probe.getsockname()[1])
    with serving(FixedSite(), addresses=["127.0.0.1:0", f"127.0.0.2:{other}"]) as port:
        assert ask(port, "/metrics").status == 200
        assert ask(other, "/metrics", host="127.0.0.2").status == 200


def test_a_taken_port_is_named() -> None:
    with bind("127.0.0.1:0") as sock:
        taken = describe(sock)
        with pytest.raises(ListenError) as error:
            bind(taken)
    assert str(error.value) == (
        f"cannot listen on {taken}: the port is already in use by another program"
    )


def test_an_address_that_the_system_refuses_is_told_in_its_words() -> None:
    with pytest.raises(ListenError) as error:
        bind("[fe80::1]:0")  # without its interface
    assert str(error.value) == "cannot listen on [fe80::1]:0: Invalid argument"


def test_a_system_without_ipv6_sockets_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with pytest.raises(ListenError, match=r"^cannot listen on \[::\]:0: "):
        bind("[::]:0")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "expected HOST:PORT"),
        ("14664", "expected HOST:PORT"),
        ("127.0.0.1", "expected HOST:PORT"),
        ("::1:80", "expected HOST:PORT"),
        ("127.0.0.1:", "the port must be 0 to 65535"),
        ("127.0.0.1:http", "the port must be 0 to 65535"),
        ("127.0.0.1:65536", "the port must be 0 to 65535"),
        (f"127.0.0.1:{'1' * 5000}", "the port must be 0 to 65535"),
        ("127.0.0.1:-1", "the port must be 0 to 65535"),
        ("127.0.0.1:\u0661", "the port must be 0 to 65535"),
        ("a" * 70 + ".invalid:0", "no such host"),
        ("[::1%nosuch]:0", "no such host"),
        ("192.0.2.1:0", "this machine has no such address"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_refused_with_the_reason(
    address: str, reason: str
) -> None:
    with pytest.raises(ListenError) as error:
        bind(address)
    assert reason in str(error.value)


def test_a_port_can_be_bound_again_right_after_a_connection_on_it() -> None:
    with serving(FixedSite()) as port:
        ask(port, "/metrics")
    bind(f"127.0.0.1:{port}").close()


ADOPT = """
import os, socket, sys
from gong_exporter.web.sockets import ListenError, describe, from_systemd
passed = int(sys.argv[1])
if passed != 3:
    os.dup2(passed, 3)
environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
try:
    print(describe(from_systemd(environ, os.getpid())[0]))
except ListenError as error:
    print(error)
"""


def adopt(sock: socket.socket) -> str:
    return subprocess.run(
        [sys.executable, "-c", ADOPT, str(sock.fileno())],
        pass_fds=[sock.fileno()],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.strip()


def test_a_socket_from_systemd_is_taken_over() -> None:
    with bind("127.0.0.1:0") as sock:
        assert adopt(sock) == describe(sock)


def test_a_unix_socket_from_systemd_is_served_on(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "web.sock"))
        sock.listen()
        assert describe(sock) == str(tmp_path / "web.sock")
        server = WebServer(build_app(FixedSite(), Options()), [sock], no_log())
        server.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(tmp_path / "web.sock"))
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert read_to_end(client).endswith(b"a 1\n")
        assert server.stop()


def test_a_socket_from_systemd_must_listen() -> None:
    with socket.socket() as sock:
        assert "descriptor 3 is not a listening stream socket" in adopt(sock)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "systemd passed no socket to this process"),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, "systemd passed no socket to this process"),
        ({"LISTEN_PID": str(os.getpid())}, "LISTEN_FDS is ''"),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"}, "LISTEN_FDS is '0'"),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"}, "LISTEN_FDS is 'x'"),
    ],
)
def test_without_sockets_from_systemd_the_error_names_the_reason(
    environ: dict[str, str], reason: str
) -> None:
    with pytest.raises(ListenError) as error:
        from_systemd(environ, os.getpid())
    assert reason in str(error.value)
