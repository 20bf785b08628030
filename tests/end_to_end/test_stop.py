"""SIGTERM ends the process within two seconds, whatever it is at."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.companies import FixtureCompany
from tests.support.exporter import Process, exporter, write_config
from tests.support.servers import until
from tests.support.simulator import running_simulator

LIMITED_UNTIL = "gong_exporter_api_rate_limited_until_timestamp_seconds"

LIMIT = 2.0
"""Seconds, by the contract."""


def stops_in_time(running: Process) -> None:
    assert running.stop() < LIMIT, running.log()
    assert running.process.returncode == 0, running.log()
    assert "Traceback" not in running.log()


def await_a_request(simulator: Simulator) -> None:
    until(simulator.journal.entries, "a request arrives")


@pytest.mark.parametrize("fault", ["hang", "slow-drip-headers", "slow-drip"])
def test_a_signal_ends_it_while_gong_hangs(fault: str, tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        simulator.set_faults(fault)
        config = write_config(tmp_path, simulator.url, gong={"timeout": "60s"})
        with exporter(config) as running:
            await_a_request(simulator)
            assert running.fresh_polls() == 0
            stops_in_time(running)


def test_a_signal_ends_it_during_the_wait_after_a_429(tmp_path: Path) -> None:
    with running_simulator(now=utc_now, requests_per_second=1 / 50) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            until(
                lambda: [entry.status for entry in simulator.journal.entries()] == [200, 429],
                "a 429",
            )
            until(lambda: running.samples().value(LIMITED_UNTIL), "it waits")
            stops_in_time(running)


def test_a_signal_ends_it_during_a_wait_of_its_own_limiter(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url, gong={"requests_per_second": 0.02})
        with exporter(config) as running:
            await_a_request(simulator)
            stops_in_time(running)
            assert len(simulator.journal.entries()) == 1


def test_a_signal_ends_it_during_the_wait_before_a_retry(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        simulator.set_faults("server-error")
        with exporter(write_config(tmp_path, simulator.url)) as running:
            await_a_request(simulator)
            stops_in_time(running)


def test_a_signal_ends_it_between_polls(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        with exporter(write_config(tmp_path, simulator.url)) as running:
            running.await_polls(1)
            stops_in_time(running)
        with exporter(write_config(tmp_path, simulator.url)) as running:
            running.await_said("the data is fresh: no poll now")
            assert running.stop(signal.SIGINT) < LIMIT
            assert running.process.returncode == 0


def test_a_signal_ends_it_while_a_client_reads_the_metrics_slowly(tmp_path: Path) -> None:
    company = FixtureCompany(users=3000)
    with (
        running_simulator(company, now=utc_now, page_size=3000) as simulator,
        ExitStack() as readers,
    ):
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            running.await_said("poll ended")
            host, port = running.address.rsplit(":", 1)
            for _ in range(5):
                reader = socket.create_connection((host, int(port)))
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                readers.enter_context(closing(reader))
                reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                assert reader.recv(1000)  # has begun, and reads no more
            stops_in_time(running)


def test_a_signal_ends_it_while_another_process_polls(tmp_path: Path) -> None:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as first:
            first.await_polls(1)
            with exporter(config) as second:
                second.await_said("not polling")
                stops_in_time(second)


def test_a_signal_ends_it_while_the_state_file_is_locked(tmp_path: Path) -> None:
    """Also at the very start: Python runs no signal handler while SQLite waits for a lock."""
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            running.await_polls(1)
            stops_in_time(running)
        with closing(sqlite3.connect(tmp_path / "gong-exporter.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with exporter(config, listening=False) as running:
                running.await_said("starting")
                stops_in_time(running)


def test_a_signal_ends_it_before_and_during_its_start(tmp_path: Path) -> None:
    """A stop that comes at any moment of the start is a stop."""
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config, listening=False) as running:
            running.await_said("starting")
            stops_in_time(running)
        with exporter(config) as running:
            stops_in_time(running)


def test_a_signal_ends_it_after_a_reload_of_a_pipe_without_a_writer(tmp_path: Path) -> None:
    """A configuration that could hang a reload is refused, and the exporter goes on."""
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as running:
            running.await_polls(1)
            config.unlink()
            os.mkfifo(config)
            running.send(signal.SIGHUP)
            running.await_said("reload refused, the old configuration stays in force")
            stops_in_time(running)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_further_signals_do_not_change_how_it_ends(number: signal.Signals, tmp_path: Path) -> None:
    """A second Ctrl-C, or a supervisor that sends SIGHUP after SIGTERM."""
    with (
        running_simulator(now=utc_now) as simulator,
        exporter(write_config(tmp_path, simulator.url)) as running,
    ):
        running.await_polls(1)
        running.send(signal.SIGTERM)
        while running.process.poll() is None:
            running.send(number)
            time.sleep(0.001)
        assert running.process.returncode == 0, running.log()
        assert "Traceback" not in running.log()
