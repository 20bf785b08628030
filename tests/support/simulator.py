"""Runs a simulated Gong API for a test, with the time of day in the test's hands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from gong_exporter.simulator.records import ApiCompany
from tests.support.clocks import NOW
from tests.support.companies import FixtureCompany


@contextmanager
def running_simulator(
    company: ApiCompany | None = None,
    *,
    now: Callable[[], datetime] | datetime = NOW,
    monotonic: Callable[[], float] = time.monotonic,
    port: int = 0,
    **options: Any,
) -> Iterator[Simulator]:
    """A simulated API on a free port of 127.0.0.1; gone when the block ends.

    Args:
        company: three users in US/Pacific unless given.
        now: a fixed moment, or a clock.
        monotonic: for limits and cursors.
        port: 0 for a free one.
        **options: of ``SimulatorOptions``; without any, nothing limits the rate.
    """
    limits = {"requests_per_second": math.inf, "requests_per_day": None}
    fixed = now
    clock = (lambda: fixed) if isinstance(fixed, datetime) else fixed
    simulator = Simulator(
        FixtureCompany() if company is None else company,
        SimulatorOptions(**(limits | options)),
        port=port,
        now=clock,
        monotonic=monotonic,
    )
    with simulator:
        yield simulator
