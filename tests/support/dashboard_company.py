"""A company with a past and a present: history from the simulator, and the demo scraped live."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import urlopen
from zoneinfo import ZoneInfo

from prometheus_client.parser import text_string_to_metric_families

from gong_exporter.cli.demo_company import demo_company
from gong_exporter.cli.simulate import DEFAULT_ZONE
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.dashboard_history import History
from tests.support.dashboard_scores import Scores
from tests.support.exporter import ROOT, environment
from tests.support.servers import Prometheus, prometheus, promtool, until

ADDRESS = re.compile(r'targets: \["([^"]+)"\]')
TARGET = {"job": "gong", "instance": "gong-exporter:14664"}
SCORED_USERS = 200
"""In a larger company, the detector takes too long to be run for each day of the past."""

WAIT_TIMEOUT = 180.0
"""Seconds that the demo may take with thousands of people."""


def load(history: History, folder: Path) -> None:
    """Blocks of a history, in the data directory of a Prometheus to be.

    In long blocks: of two hours, as Prometheus makes them, there would be hundreds.
    """
    samples = folder / "samples.om"
    with samples.open("w", encoding="utf-8") as file:
        file.writelines(history.lines())
    blocks = ("tsdb", "create-blocks-from", "--max-block-duration=1000h", "openmetrics")
    made = promtool(*blocks, str(samples), str(folder / "data"))
    assert made.returncode == 0, made.stderr.decode()
    samples.unlink()


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[str]:
    """The demo's process, by the exporter's address."""
    log = folder / "demo.log"
    command = [sys.executable, "-m", "gong_exporter", "demo", "--web.listen-address=127.0.0.1:0"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    try:
        until(
            lambda: ADDRESS.search(log.read_text()) or process.poll() is not None,
            "the demo says where it is",
            WAIT_TIMEOUT,
        )
        found = ADDRESS.search(log.read_text())
        assert found, log.read_text()
        yield found[1]
    finally:
        process.terminate()
        process.wait(20)


def roster_of_exporter(address: str) -> dict[str, dict[str, str]]:
    """The columns of the roster that an exporter serves, by user."""
    with urlopen(f"http://{address}/metrics", timeout=60) as response:
        families = text_string_to_metric_families(response.read().decode())
    return {
        sample.labels["user"]: {
            name: value for name, value in sample.labels.items() if name not in {"user", "email"}
        }
        for family in families
        if family.name == "gong_user_info"
        for sample in family.samples
    }


@contextmanager
def demo_in_prometheus(
    users: int, days: int, folder: Path
) -> Iterator[tuple[Prometheus, SimulatedCompany, datetime]]:
    """A Prometheus with the last days of the demo's company, scraped at least twice.

    And the company, and the moment at which its past ends and the scrapes begin.

    Args:
        users: how many people work at the company.
        days: of its past.
        folder: an empty one.
    """
    zone = ZoneInfo(DEFAULT_ZONE)
    with demo(folder, f"--users={users}") as address:
        now = datetime.now(zone).replace(microsecond=0) - timedelta(seconds=15)
        company = demo_company(zone, now.date(), users)
        roster = roster_of_exporter(address)
        scores = Scores(company, roster)
        scored = days if users <= SCORED_USERS else 0
        past = History(company, days, now, TARGET, roster, hours=24, scores=scores, scored=scored)
        load(past, folder)
        scraped = {"targets": [address], "labels": {"instance": TARGET["instance"]}}
        config = {
            "global": {"scrape_interval": "5s"},
            "scrape_configs": [{"job_name": TARGET["job"], "static_configs": [scraped]}],
        }
        with prometheus(folder, config, "--storage.tsdb.retention.time=100y") as server:
            server.await_scrape()
            scrapes = "count_over_time(up[1m]) >= 3"
            until(lambda: bool(server.query(scrapes)), "three scrapes", WAIT_TIMEOUT)
            yield server, company, now
