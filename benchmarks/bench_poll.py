"""(d) CPU of a poll per page, against a bare ``requests`` loop that reads the same pages.

Both ask the simulated API, in another process. Waits for the limiter take no time here, because the
clock is moved past them. Each turn has a bare loop of its own just before it, since what a page
takes changes with whatever else the machine does.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import requests
import servers
import structlog
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger
from table import machine, show, times

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.windows import WindowSpec, company_today
from gong_exporter.cli.logs import make_log
from gong_exporter.common.redact import Redactor
from gong_exporter.config.load import load_config
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.limits import Ledger
from gong_exporter.gong.records import AGGREGATE_ACTIVITY_PATH
from gong_exporter.runtime.gong_client import make_client
from gong_exporter.runtime.parts import make_parts
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.setup import Setup, make_setup
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.store import StateFile
from tests.support.ledgers import MemoryLedger

USERS = 3_000
TURNS = 9
TIMEOUT = 30
WINDOWS = (WindowSpec("1d", 1), WindowSpec("7d", 7), WindowSpec("28d", 28))
ACCOUNT = SimulatorOptions()
LOG: FilteringBoundLogger = structlog.wrap_logger(
    structlog.PrintLogger(sys.stderr),
    wrapper_class=structlog.make_filtering_bound_logger("error"),
)
"""Errors only: since waits end at once, the clock is soon ahead of the server's."""


class PatientClock:
    """Real time, plus what was waited: waits end at once."""

    def __init__(self) -> None:
        self._waited = 0.0

    def now(self) -> float:
        """See Clock."""
        return time.time() + self._waited

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic() + self._waited

    def wait(self, seconds: float) -> None:
        """See Clock."""
        self._waited += seconds

    def check(self) -> None:
        """See Clock: a benchmark is never stopped."""


def cpu_per_page(work: Callable[[], int]) -> float:
    """Seconds of CPU, of all threads of this process, for each page that ``work`` says it read."""
    began = time.process_time()
    pages = work()
    return (time.process_time() - began) / pages


def bare_loop(url: str) -> int:
    """Every page of every window with requests and json, and nothing else. Returns the pages."""
    pages = 0
    today = company_today(time.time(), UTC)
    with requests.Session() as session:
        session.auth = (ACCOUNT.access_key, ACCOUNT.access_key_secret)
        for window in WINDOWS:
            days = window.range_on(today)
            wanted = {"fromDate": days.start.isoformat(), "toDate": days.end.isoformat()}
            body: dict[str, Any] | None = {"filter": wanted}
            while body is not None:
                answer = session.post(url + AGGREGATE_ACTIVITY_PATH, json=body, timeout=TIMEOUT)
                answer.raise_for_status()
                read = json.loads(answer.content)
                cursor = read["records"].get("cursor")
                body = {"cursor": cursor, "filter": wanted} if cursor else None
                pages += 1
    return pages


def a_poll(setup: Setup, ledger: Ledger, clock: PatientClock) -> int:
    """Our poll, from the first call to whole windows. Returns the pages."""
    client = make_client(
        setup,
        clock=clock,
        ledger=ledger,
        observer=ExporterMetrics(CollectorRegistry(), clock.now),
        redactor=Redactor(),
        log=LOG,
    )
    with closing(client):
        result = poll(client, setup.plan, CompanyState(host=setup.plan.host), clock, LOG)
    if result.failures:
        raise RuntimeError(f"the poll failed: {result.failures}")
    return sum(result.company_state.pages.values())


def a_poll_and_all(setup: Setup, state: StateFile, clock: PatientClock) -> int:
    """The same, and what follows: the state file, the snapshot, its rendering and compression."""
    log = make_log("error", "logfmt", io.StringIO(), Redactor())
    state.poller_lock.acquire()
    runner = PollRunner(make_parts(state, clock, log, Redactor()), setup)
    with closing(runner):
        result = runner.run()
    if result is None or result.failures:
        raise RuntimeError("the poll failed")
    return sum(result.company_state.pages.values())


def main() -> None:
    """Measure in turns; print the least of each, and the median of the turns' ratios."""
    clock = PatientClock()
    with TemporaryDirectory(prefix="bench-poll-") as name, servers.child("gong", USERS) as gong:
        url = f"http://127.0.0.1:{gong.port}"
        config = Path(name, "config.yaml")
        config.write_text(
            f"gong: {{base_url: '{url}', access_key: {ACCOUNT.access_key},"
            f" access_key_secret: {ACCOUNT.access_key_secret}, time_zone: UTC,"
            " requests_per_second: 3, requests_per_day: 10000}\n"
        )
        setup = make_setup(load_config(config, {}))
        state = StateFile(Path(name, "state.db"), log=LOG, now=clock.now)
        measured = {
            "gong-exporter, from the first call to whole windows": lambda: a_poll(
                setup, MemoryLedger(), clock
            ),
            "the same, its ledger in the state file": lambda: a_poll(setup, state.ledger, clock),
            "and then the windows kept, the snapshot, rendering, compression": lambda: (
                a_poll_and_all(setup, state, clock)
            ),
        }
        bare: list[float] = []
        ours: dict[str, list[float]] = {what: [] for what in measured}
        ratios: dict[str, list[float]] = {what: [] for what in measured}
        with closing(state):
            for _ in range(TURNS):
                for what, work in measured.items():
                    bare.append(cpu_per_page(lambda: bare_loop(url)))
                    ours[what].append(cpu_per_page(work))
                    ratios[what].append(ours[what][-1] / bare[-1])
    show(
        f"(d) CPU of a poll, for a page of 100 users ({USERS:,} users, 3 windows)",
        ["", "ms a page", "to the bare loop"],
        [
            ("bare loop: requests, json", f"{min(bare) * 1e3:.2f}", times(1)),
            *(
                (what, f"{min(took) * 1e3:.2f}", times(median(ratios[what])))
                for what, took in ours.items()
            ),
        ],
        f"{machine()}.",
    )


if __name__ == "__main__":
    main()
