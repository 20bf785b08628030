"""A company with a past and a present: history from the simulator, and the demo scraped live."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gong_exporter.cli.demo_company import demo_company
from gong_exporter.cli.simulate import DEFAULT_ZONE
from gong_exporter.simulator.company.company import SimulatedCompany
from tests.support.dashboard_history import History, roster_of
from tests.support.dashboard_scores import Scores
from tests.support.exporter import ROOT, environment
from tests.support.servers import Prometheus, prometheus, promtool, until

ADDRESS = re.compile(r'targets: \["([^"]+)"\]')
TARGET = {"job": "gong", "instance": "gong-exporter:14664"}
MONDAYS: Mapping[str, date] = {
    "usual": date(2026, 3, 2),
    "holiday": date(2026, 11, 30),
    "team": date(2026, 9, 28),
}
"""On which a manager looks at the demo's company: after a usual week, after Thanksgiving, and after
two weeks in which a team did a quarter."""

SCORED = 91
"""The newest days with scores."""

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


@contextmanager
def demo_past_in_prometheus(
    users: int, days: int, now: datetime, folder: Path
) -> Iterator[tuple[Prometheus, SimulatedCompany]]:
    """A Prometheus with the last days of the demo's company until a moment, and the company.

    Args:
        users: how many people work at the company.
        days: of its past.
        now: the last moment, aware.
        folder: an empty one.
    """
    zone = ZoneInfo(DEFAULT_ZONE)
    company = demo_company(zone, now.astimezone(zone).date(), users)
    roster = roster_of(company)
    scores = Scores(company, roster)
    load(
        History(company, days, now, TARGET, roster, hours=24, scores=scores, scored=SCORED), folder
    )
    with prometheus(folder, {}, "--storage.tsdb.retention.time=100y") as server:
        yield server, company
