"""``simulate``: the simulated API alone, for people who write against Gong."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gong_exporter.simulator.api.faults import FAULTS
from tests.support.exporter import KEY, ROOT, SECRET, command, environment, run_here
from tests.support.servers import free_port, until


def test_the_faults_and_the_roster_are_printed() -> None:
    faults = run_here("simulate", "--list-faults")
    assert faults.returncode == 0
    assert [line.split()[0] for line in faults.stdout.splitlines()] == [f.name for f in FAULTS]
    roster = run_here("simulate", "--roster", "--users=5")
    assert roster.returncode == 0
    lines = roster.stdout.splitlines()
    assert "email" in lines[0].split(",")
    assert len(lines) > 5
    assert (
        run_here("simulate", "--roster", "--users=5").stdout == roster.stdout
    )  # by the seed alone


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--demo", "What dropped, and which alert of prometheus/rules fires:\n"),
        ("--event=closure:7", "Planted:\n"),
    ],
)
def test_what_was_planted_is_said(option: str, said: str) -> None:
    with simulating("--port=0", option) as process:
        assert process.stdout is not None
        assert said in iter(process.stdout.readline, "")
        assert process.stdout.readline().startswith("  - ")
        process.send_signal(signal.SIGTERM)


def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_here("simulate", f"--port={port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def ask(url: str) -> tuple[int, dict[str, str], Any]:
    """Two days of everybody."""
    authorization = b64encode(f"{KEY}:{SECRET}".encode()).decode()
    request = urllib.request.Request(
        url,
        data=json.dumps({"filter": {"fromDate": "2026-03-02", "toDate": "2026-03-04"}}).encode(),
        headers={"Authorization": f"Basic {authorization}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), json.load(error)


@contextmanager
def simulating(*arguments: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """The command, from its start; its output is for the test to read."""
    with subprocess.Popen(
        command("simulate", "--users=10", *arguments),
        cwd=ROOT,
        env=environment(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize(
    ("per_second", "per_day", "good", "least", "most"),
    [("0.01", "10000", 1, 40, 100), ("1000", "4", 4, 86_000, 86_400)],
)
def test_it_serves_with_real_limits_until_it_is_told_to_stop(
    per_second: str, per_day: str, good: int, least: int, most: int
) -> None:
    limits = (f"--requests-per-second={per_second}", f"--requests-per-day={per_day}")
    with simulating("--port=0", *limits) as process:
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(5)]
        (url,) = re.findall(r"http://\S+", head[0])
        assert KEY in head[1]
        assert SECRET in head[2]
        assert "people, US/Pacific" in head[4]

        answers = [ask(url) for _ in range(good + 1)]
        assert [status for status, _, _ in answers] == [200] * good + [429]
        assert answers[0][2]["timeZone"] == "US/Pacific"
        assert least <= int(answers[-1][1]["Retry-After"]) <= most

        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
        assert process.returncode == 0
    assert log.count(" 200 ") == good
    assert log.count(" 429 ") == 1
    assert SECRET not in log
    assert "Traceback" not in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_may_be_stopped_while_it_still_says_that_it_serves(number: signal.Signals) -> None:
    read, write = os.pipe()
    size = fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.write(write, b"\n" * size)  # full: what it says next has to wait until this is read
    port = free_port()
    with simulating(f"--port={port}", stdout=write) as process:
        os.close(write)
        until(lambda: answers_at(port), "it serves")

        process.send_signal(number)
        with os.fdopen(read, encoding="utf-8") as said:
            head = said.read().strip().splitlines()
        assert process.stderr is not None
        log = process.stderr.read()
        assert process.wait(20) == 0
        assert len(log.splitlines()) == 1, log  # the request of answers_at
    assert head[0].startswith("Simulated Gong API ")
    assert "people, US/Pacific" in head[-1]


def answers_at(port: int) -> bool:
    """Whether a server answers there. It has closed the connection when this returns."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
            caller.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b"HTTP/1.1" in b"".join(iter(lambda: caller.recv(4096), b""))
    except OSError:
        return False
