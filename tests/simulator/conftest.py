"""What the simulator's tests share: a company, a simulated API and a client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gong_exporter.simulator.api.simulator import Simulator
from tests.support.companies import FixtureCompany
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import Caller, calling


@pytest.fixture
def company() -> FixtureCompany:
    """Seven users, one of whom (index 5) never does anything; pages hold three."""
    return FixtureCompany(7, silent={5})


@pytest.fixture
def simulator(company: FixtureCompany) -> Iterator[Simulator]:
    """The API in front of it, without limits."""
    with running_simulator(company, page_size=3, drip_interval=0.01) as running:
        yield running


@pytest.fixture
def caller(simulator: Simulator) -> Iterator[Caller]:
    """A client with the right key."""
    with calling(simulator) as one:
        yield one
