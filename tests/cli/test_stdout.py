"""Every command writes all of its output to stdout, or exits with 1 and one line on stderr."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_exporter.simulator.api.simulator import utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import ROOT, command, environment, write_config
from tests.support.simulator import running_simulator

TODAY = datetime.now(UTC).date()
BACKFILL = (
    f"--from={TODAY - timedelta(days=3)}",
    f"--to={TODAY - timedelta(days=2)}",
    "--output={folder}/out.om",
    "--yes",
)
BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
COMMANDS = pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("check", "--config.file={config}"),
        ("--config.check", "--config.file={config}"),
        ("check", "--live", "--config.file={config}"),
        ("--once", "--config.file={config}"),
        ("simulate", "--list-faults"),
        ("simulate", "--roster"),
        ("simulate", "--port=0"),
        ("demo", "--users=5", "--web.listen-address=127.0.0.1:0"),
        ("check", "--schema"),
        ("backfill", "--config.file={config}", *BACKFILL),
    ],
    ids=" ".join,
)


def run_to(
    stdout: int, arguments: tuple[str, ...], config: Path, unbuffered: str, limit: str = ""
) -> subprocess.CompletedProcess[bytes]:
    line = command(*(each.format(config=config, folder=config.parent) for each in arguments))
    return subprocess.run(
        ["bash", "-c", f'{limit} exec "$@"', "bash", *line],
        cwd=ROOT,
        env=environment(PYTHONUNBUFFERED=unbuffered),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def assert_one_line(done: subprocess.CompletedProcess[bytes], reason: str) -> None:
    lines = [line for line in done.stderr.decode().splitlines() if "level=" not in line]
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert done.returncode == 1, done.stderr
    assert [line for line in lines if line not in warnings] == [
        f"gong-exporter: cannot write to stdout: {reason}"
    ]


@COMMANDS
@BUFFERING
def test_a_full_disk(arguments: tuple[str, ...], unbuffered: str, tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator, Path("/dev/full").open("wb") as full:
        config = write_config(tmp_path, simulator.url)
        done = run_to(full.fileno(), arguments, config, unbuffered)
    assert_one_line(done, "No space left on device")


@COMMANDS
def test_a_closed_stdout(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        done = run_to(subprocess.DEVNULL, arguments, config, "", "exec 1>&-;")
    assert_one_line(done, "Bad file descriptor")


@BUFFERING
def test_a_file_that_may_not_grow_fails_instead_of_being_cut(
    unbuffered: str, tmp_path: Path
) -> None:
    with running_simulator(FixtureCompany(users=500), now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, state={"file": None})
        output = tmp_path / "a.prom"
        with output.open("wb") as file:
            done = run_to(
                file.fileno(),
                ("--once", "--config.file={config}"),
                config,
                unbuffered,
                "ulimit -f 100;",
            )
    assert_one_line(done, "File too large")
    assert output.stat().st_size <= 100 * 1024


@BUFFERING
def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_everything(
    unbuffered: str, tmp_path: Path
) -> None:
    received: list[bytes] = []
    with running_simulator(FixtureCompany(users=500), now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, state={"file": None})
        reader, writer = os.pipe()
        os.set_blocking(writer, False)

        def read() -> None:
            time.sleep(0.2)
            while data := os.read(reader, 1 << 16):
                received.append(data)

        thread = threading.Thread(target=read)
        thread.start()
        done = run_to(writer, ("--once", "--config.file={config}"), config, unbuffered)
        os.close(writer)
        thread.join(30)
        os.close(reader)
    assert done.returncode == 0, done.stderr
    text = b"".join(received)
    assert len(text) > 1 << 17
    assert text.endswith(b"\n")
    assert text.count(b"\ngong_user_info{") == 500


@BUFFERING
def test_a_reader_that_has_seen_enough_is_no_error_to_report(
    unbuffered: str, tmp_path: Path
) -> None:
    with running_simulator(FixtureCompany(users=500), now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, state={"file": None})
        reader, writer = os.pipe()
        os.close(reader)
        done = run_to(writer, ("--once", "--config.file={config}"), config, unbuffered)
        os.close(writer)
    assert done.returncode in {1, -signal.SIGPIPE}
    assert b"Traceback" not in done.stderr
    assert b"cannot write" not in done.stderr
