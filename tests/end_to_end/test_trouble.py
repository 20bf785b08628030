"""Disks that fail: the exporter says so, counts it, and runs on without them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.exporter import ROOT, Process, command, environment, exporter, write_config
from tests.support.servers import free_port, until
from tests.support.simulator import running_simulator
from tests.support.truth import published

ERRORS = "gong_exporter_state_errors_total"

NOT_IN_USE = "the state file is not in use; its content is kept only in memory"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator(now=utc_now) as simulator:
        yield simulator


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@contextmanager
def running_on(folder: Path, url: str, file: Path, **sections: Any) -> Iterator[Process]:
    """An exporter with its state at ``file``, after its first poll."""
    config = write_config(folder, url, state={"file": str(file)}, **sections)
    with exporter(config, "--web.enable-lifecycle") as running:
        running.await_said("poll ended")
        yield running


def assert_it_runs_on_without(running: Process, why: str) -> None:
    samples = running.samples()
    assert samples.value("gong_up") == 1
    assert len(published(samples)) == 3 * 15 * 3
    assert (samples.value(ERRORS) or 0) >= 1
    assert any(why in line["error"] for line in running.said(NOT_IN_USE))
    assert why in running.ask("/").text
    assert running.ask("/-/healthy").status == 200
    assert running.ask("/-/ready").status == 200
    assert (samples.value("gong_exporter_api_quota_used") or 0) >= 3  # counted in memory
    running.stop()
    assert running.process.returncode == 0
    assert "Traceback" not in running.log()


def test_a_read_only_disk_is_reported_and_the_exporter_runs(
    simulator: Simulator, small_disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with running_on(tmp_path, simulator.url, small_disk / "state.db") as running:
        assert_it_runs_on_without(running, "Read-only file system")


def test_a_full_disk_is_reported_until_it_has_space_again(
    simulator: Simulator, small_disk: Path, tmp_path: Path
) -> None:
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    state = small_disk / "state.db"
    with running_on(tmp_path, simulator.url, state) as running:
        assert (running.samples().value(ERRORS) or 0) >= 1
        assert "is not in use: the disk is full" in running.ask("/").text
        assert running.samples().value("gong_up") == 1
        filler.unlink()
        # The next poll saves at once, whatever it could not write before.
        write_config(
            tmp_path, simulator.url, state={"file": str(state)}, activity={"windows": ["9d"]}
        )
        assert running.ask("/-/reload", "POST").status == 200
        until(
            lambda: running.said("the state file is in use again"),
            "the file is in use again",
        )
        until(lambda: "is not in use" not in running.ask("/").text, "the page is current")
        running.stop()


def test_a_missing_folder_is_reported_and_the_exporter_runs(
    simulator: Simulator, tmp_path: Path
) -> None:
    with running_on(tmp_path, simulator.url, tmp_path / "nowhere" / "state.db") as running:
        assert_it_runs_on_without(running, "No such file or directory")


def test_a_state_file_of_a_newer_version_is_not_changed(
    simulator: Simulator, tmp_path: Path
) -> None:
    state = tmp_path / "state.db"
    with running_on(tmp_path, simulator.url, state) as running:
        running.stop()
    with contextlib.closing(sqlite3.connect(state)) as database:
        database.execute("PRAGMA user_version = 999")
        database.commit()
    before = state.read_bytes()
    with running_on(tmp_path, simulator.url, state) as running:
        assert_it_runs_on_without(running, "of a newer gong-exporter")
    assert state.read_bytes() == before


def test_a_corrupt_state_file_is_quarantined_and_a_new_one_created(
    simulator: Simulator, tmp_path: Path
) -> None:
    state = tmp_path / "state.db"
    state.write_bytes(b"This is no database. " * 500)
    with running_on(tmp_path, simulator.url, state) as running:
        samples = running.samples()
        assert samples.value("gong_up") == 1
        assert samples.value(ERRORS) == 1
        assert running.said("the state file is corrupt; it was renamed, and a new one is begun")
        running.stop()
    (kept,) = tmp_path.glob("state.db.corrupt-*")
    assert kept.read_bytes().startswith(b"This is no database.")
    with exporter(tmp_path / "config.yaml") as running:
        running.await_said("the data is fresh: no poll now")
        assert len(published(running.samples())) == 3 * 15 * 3


def test_the_exporter_runs_when_its_log_cannot_be_written(
    simulator: Simulator, tmp_path: Path
) -> None:
    """The disk that holds the log is full, too."""
    config = write_config(tmp_path, simulator.url)
    calls = len(simulator.journal.entries())
    address = f"127.0.0.1:{free_port()}"
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(
            command(f"--config.file={config}", f"--web.listen-address={address}"),
            cwd=ROOT,
            env=environment(),
            stdout=full,
            stderr=full,
        )
    running = Process(process, tmp_path / "nothing")
    running.url = f"http://{address}"
    try:
        until(lambda: running.ask("/-/ready").status == 200, "it serves what it polled")
        assert running.samples().value("gong_up") == 1
        assert running.ask("/-/healthy").status == 200
        assert len(simulator.journal.entries()) == calls + 4
        running.stop()
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_exporter_runs_when_its_log_is_not_read(simulator: Simulator, tmp_path: Path) -> None:
    """The log collector hangs: the pipe is full, and stays full."""
    address = f"127.0.0.1:{free_port()}"
    config = write_config(tmp_path, simulator.url, activity={"windows": ["1d"]})
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * 4096)
    process = subprocess.Popen(
        command(
            f"--config.file={config}",
            f"--web.listen-address={address}",
            "--web.enable-lifecycle",
        ),
        cwd=ROOT,
        env=environment(),
        stderr=writing,
    )
    running = Process(process, tmp_path / "nothing")
    running.url = f"http://{address}"
    try:
        until(lambda: running.ask("/-/ready").status == 200, "it serves what it polled")
        write_config(tmp_path, simulator.url, activity={"windows": ["9d"]})
        assert running.ask("/-/reload", "POST").status == 200
        until(lambda: "ready: serving 9d" in running.ask("/-/ready").text, "it polls again")
        running.stop()
        assert process.returncode == 0
    finally:
        running.kill()
        os.close(writing)
        os.close(reading)
