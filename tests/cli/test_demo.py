"""``demo``: everything together with nothing to configure, and gone within two seconds."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from gong_exporter.cli import demo as demo_command
from tests.support.exporter import ROOT, Samples, command, environment
from tests.support.processor import seconds_to_its_end
from tests.support.servers import until

PORT = 14664


@contextmanager
def demo(
    *arguments: str, scratch: Path, environ: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command("demo", *arguments),
        cwd=ROOT,
        env=environment(TMPDIR=str(scratch)) | (environ or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(stream: IO[str] | None, words: str) -> str:
    """What was printed, up to and with the line that has these words."""
    assert stream is not None
    said = ""
    while words not in said:
        line = stream.readline()
        assert line, said
        said += line
    return said


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """What it says from here on; it ends within two seconds, with 0."""
    process.send_signal(number)
    assert seconds_to_its_end(process) < 2
    assert process.returncode == 0
    return process.communicate()


def test_it_shows_a_whole_company_and_says_where_to_look(tmp_path: Path) -> None:
    began = time.monotonic()
    with demo("--web.listen-address=127.0.0.1:0", scratch=tmp_path) as process:
        said = read_until(process.stdout, "Ctrl-C stops it.")
        assert time.monotonic() - began < 60
        (metrics,) = re.findall(r"Metrics +(http://\S+)", said)
        (page,) = re.findall(r"Status page +(http://\S+)", said)
        (digest,) = re.findall(rf"^ +(.+ digest --url={metrics})$", said, re.MULTILINE)
        assert digest == f"{sys.executable} -m gong_exporter digest --url={metrics}"
        done = subprocess.run(
            ["sh", "-c", digest], env=environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, "day history" in done.stderr) in {(0, False), (1, True)}
        (gong,) = re.findall(r"Gong API +(http://\S+)", said)
        samples = Samples(get(metrics))
        series = [labels for labels, _ in samples.of("gong_user_activity")]
        assert len({labels["user"] for labels in series}) >= 40
        assert len({labels["metric"] for labels in series}) == 15
        assert {labels["window"] for labels in series} == {"1d", "7d", "28d"}
        assert len(series) == 45 * len({labels["user"] for labels in series})
        assert f"{len(series)} series" in said
        assert samples.value("gong_up") == 1
        people = [labels for labels, _ in samples.of("gong_user_info")]
        names = {labels["name"] for labels in people}
        assert len(names) >= 40
        assert {labels["active"] for labels in people} >= {"true"}
        assert len({labels["team"] for labels in people}) > 3
        assert {labels["team"] for labels in people} - {""} <= names
        assert "gong-exporter" in get(page)
        assert gong.endswith("/v2/stats/activity/aggregate")
        assert gong.removesuffix("/v2/stats/activity/aggregate") in get(page)
        out, err = stop(process, signal.SIGINT)
        assert (out, err) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("started", "program"),
    [
        ([".venv/bin/python", "-m", "gong_exporter"], ".venv/bin/python -m gong_exporter"),
        (["python", "-I", "-m", "gong_exporter"], "python -I -m gong_exporter"),
        (["python", "{on_path}"], "gong-exporter"),
        (["python", "a folder/gong-exporter"], "'a folder/gong-exporter'"),
    ],
)
def test_the_command_that_it_prints_begins_as_it_was_started(
    started: list[str], program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "gong-exporter"
    script.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    started = [part.format(on_path=script) for part in started]
    is_module = "-m" in started
    monkeypatch.setattr(sys, "orig_argv", [*started, "demo"])
    monkeypatch.setattr(sys, "argv", ["/gong_exporter/__main__.py" if is_module else started[-1]])
    assert demo_command.program() == program


def test_it_stops_during_its_first_poll(tmp_path: Path) -> None:
    with demo("--web.listen-address=127.0.0.1:0", "--fault=hang", scratch=tmp_path) as process:
        until(lambda: _ledger_is_begun(tmp_path), "its first poll begins")
        out, err = stop(process, signal.SIGTERM)
        assert out == ""
        assert "Traceback" not in err


def _ledger_is_begun(scratch: Path) -> bool:
    return any(path.stat().st_size for path in scratch.glob("gong-demo-*/gong-exporter.db"))


def test_it_takes_another_port_when_the_usual_one_is_taken(tmp_path: Path) -> None:
    taken = _hold()
    try:
        with demo(scratch=tmp_path) as process:
            said = read_until(process.stdout, "Ctrl-C stops it.")
            (port,) = re.findall(r"Metrics +http://127\.0\.0\.1:(\d+)/metrics", said)
            assert int(port) != PORT
            assert "gong_up 1" in get(f"http://127.0.0.1:{port}/metrics")
            _, err = stop(process, signal.SIGINT)
            assert f"127.0.0.1:{PORT}: the port is already in use" in err
            assert "using a free port instead" in err
    finally:
        if taken is not None:
            taken.close()


def _hold() -> socket.socket | None:
    """The usual port, ours; None when another process has it, which is as good."""
    try:
        return socket.create_server(("127.0.0.1", PORT))
    except OSError:
        return None


def test_it_sends_no_real_credentials_anywhere(tmp_path: Path) -> None:
    """Whatever the environment holds, it talks to its own simulator with that one's key."""
    real = {"GONG_ACCESS_KEY": "REAL", "GONG_BEARER_TOKEN": "real-token"}
    with demo(
        "--web.listen-address=127.0.0.1:0", "--users=3", scratch=tmp_path, environ=real
    ) as process:
        said = read_until(process.stdout, "Ctrl-C stops it.")
        assert re.search(r"demo: [1-9] people, 3 windows", said)
        stop(process, signal.SIGINT)


def test_a_first_poll_that_takes_long_is_not_said_to_have_found_nobody(tmp_path: Path) -> None:
    no_patience = (
        "from gong_exporter.cli import demo, start; demo.FIRST_POLL_TIMEOUT = 0.0; start.main()"
    )
    arguments = ("demo", "--users=5", "--web.listen-address=127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-c", no_patience, *arguments],
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("The first poll is over"):
                process.send_signal(signal.SIGTERM)
    assert "gong-exporter demo: the first poll is still running\n" in lines
    assert lines[-1].startswith("The first poll is over: 5 people, 3 windows, ")
