"""``simulate``: the simulated API alone, for people who write against Gong."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any

from gong_exporter.simulator.faults import FAULTS
from tests.support.exporter import KEY, ROOT, SECRET, command, environment, run_here


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


def test_it_serves_with_real_limits_until_it_is_told_to_stop() -> None:
    with subprocess.Popen(
        command(
            "simulate", "--port=0", "--users=10", "--requests-per-second=2", "--requests-per-day=4"
        ),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            head = [process.stdout.readline() for _ in range(5)]
            (url,) = re.findall(r"http://\S+", head[0])
            assert KEY in head[1]
            assert SECRET in head[2]
            assert "people, US/Pacific" in head[4]

            answers = [ask(url) for _ in range(3)]
            assert [status for status, _, _ in answers] == [200, 200, 429]
            assert answers[0][2]["timeZone"] == "US/Pacific"
            assert answers[2][1]["Retry-After"] == "1"
            time.sleep(1.05)  # the limit is real
            statuses = [ask(url)[0] for _ in range(2)]
            assert statuses == [200, 200]
            time.sleep(1.05)
            status, headers, _ = ask(url)
            assert status == 429
            assert int(headers["Retry-After"]) > 86_000  # the day's four are used up

            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=10)
            assert time.monotonic() - began < 2
            assert process.returncode == 0
        finally:
            if process.poll() is None:
                process.kill()
    assert log.count(" 200 ") == 4
    assert log.count(" 429 ") == 2
    assert SECRET not in log
    assert "Traceback" not in log
