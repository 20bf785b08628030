"""A simulated API on the test's fake clock; work files that are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gong_exporter.backfill.workfile import WorkFile
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.records import ApiCompany
from tests.support.backfills import Rig
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger
from tests.support.simulator import running_simulator

MakeRig = Callable[..., Rig]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def simulate(clock: FakeClock) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators with Gong's limits, by the fake clock."""
    with ExitStack() as stack:

        def start(company: ApiCompany | None = None, **options: Any) -> Simulator:
            limits = {"requests_per_second": 3, "requests_per_day": 10_000}
            return stack.enter_context(
                running_simulator(
                    company, now=clock.datetime, monotonic=clock.monotonic, **(limits | options)
                )
            )

        yield start


@pytest.fixture
def rig(simulate: Callable[..., Simulator], clock: FakeClock, tmp_path: Path) -> MakeRig:
    """Makes rigs of one simulator, three users in US/Pacific unless given."""
    started: list[Simulator] = []
    ledger = MemoryLedger()  # of all processes, so to speak

    def make(company: ApiCompany | None = None, options: Any = None, **others: Any) -> Rig:
        if not started:
            started.append(simulate(company, **(options or {})))
        given: dict[str, Any] = {
            "simulator": started[0],
            "folder": tmp_path,
            "clock": clock,
            "ledger": ledger,
        }
        return Rig(**(given | others))

    return make


@pytest.fixture(autouse=True)
def no_work_file_stays_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From 3.13 on, Python warns of a database that is collected open, in whatever test is next."""
    opened: list[WorkFile] = []
    make = WorkFile.__init__

    def remember(self: WorkFile, path: Path, asked: Mapping[str, str]) -> None:
        make(self, path, asked)
        opened.append(self)

    monkeypatch.setattr(WorkFile, "__init__", remember)
    yield
    for work in opened:
        work.close()
