"""Two exporters with one state file: one polls, the other says so, serves, and takes over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gong_exporter.simulator.api.simulator import Simulator, utc_now
from tests.support.exporter import Process, exporter, run, write_config
from tests.support.saved_state import edit_windows, older
from tests.support.servers import until
from tests.support.simulator import running_simulator
from tests.support.truth import published


@dataclass
class Pair:
    simulator: Simulator
    config: Path
    first: Process
    second: Process


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with running_simulator(now=utc_now) as simulator:
        config = write_config(tmp_path, simulator.url)
        with exporter(config) as first:
            first.await_polls(1)
            with exporter(config, "--web.enable-lifecycle") as second:
                second.await_said("not polling")
                yield Pair(simulator, config, first, second)


def test_a_second_exporter_is_a_standby_and_takes_over_when_the_first_is_killed(pair: Pair) -> None:
    second, calls = pair.second, len(pair.simulator.journal.entries())
    (line,) = second.said("not polling")
    assert f"the process {pair.first.process.pid} polls with this state file" in line["because"]

    samples = second.samples()
    assert published(samples) == published(pair.first.samples())
    assert samples.value("gong_up") is None
    assert samples.value("gong_exporter_next_poll_timestamp_seconds") is None
    assert samples.value("gong_exporter_api_quota_used") == calls
    assert second.ask("/-/ready").status == 200
    assert second.ask("/-/healthy").status == 200
    assert "polls with this state file" in second.ask("/").text

    pair.first.kill()
    edit_windows(pair.config.with_name("gong-exporter.db"), pair.simulator.url, older(3601))
    second.await_said("polling from now on: the other process is gone")
    assert second.await_polls(1).value("gong_up") == 1
    assert len(pair.simulator.journal.entries()) == calls + 3
    until(
        lambda: "polls with this state file" not in second.ask("/").text,
        "the page does not say that it is a standby any more",
    )


def test_a_standby_takes_a_new_configuration_and_still_does_not_poll(pair: Pair) -> None:
    calls = len(pair.simulator.journal.entries())
    write_config(pair.config.parent, pair.simulator.url, activity={"metrics": ["calls_as_host"]})
    assert pair.second.ask("/-/reload", "POST").status == 200
    assert {key[2] for key in published(pair.second.samples())} == {"calls_as_host"}
    assert len(pair.simulator.journal.entries()) == calls


def test_once_beside_a_running_exporter_shares_its_ledger_and_not_its_state(pair: Pair) -> None:
    calls = len(pair.simulator.journal.entries())
    before = pair.first.samples()
    once = run(f"--config.file={pair.config}", "--once")
    assert once.returncode == 0, once.stderr
    assert len(pair.simulator.journal.entries()) == calls + 3
    until(
        lambda: pair.first.samples().value("gong_exporter_api_quota_used") == calls + 3,
        "the exporter sees the other's calls in the shared ledger",
    )
    assert pair.first.samples().by("window", LAST_SUCCESS) == before.by("window", LAST_SUCCESS)
    pair.first.stop()
    pair.second.await_said("polling from now on: the other process is gone")
    after = pair.second.samples().by("window", LAST_SUCCESS)
    assert after == before.by("window", LAST_SUCCESS)


LAST_SUCCESS = "gong_exporter_last_success_timestamp_seconds"
