"""Three requests in any second and ten thousand in any day, or what was chosen instead."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gong_exporter.simulator.api.rate_limits import ApiLimits
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.simulator import running_simulator
from tests.support.simulator_caller import Caller, calling, errors_of

HOUR = 3600.0
DAY = 24 * HOUR


@contextmanager
def limited(**limits: Any) -> Iterator[tuple[FakeClock, Caller]]:
    """The clock and a client of an API with these limits."""
    clock = FakeClock()
    with (
        running_simulator(now=clock.datetime, monotonic=clock.monotonic, **limits) as simulator,
        calling(simulator) as caller,
    ):
        yield clock, caller


def test_gong_s_own_limits_are_the_default() -> None:
    options = SimulatorOptions()
    assert (options.requests_per_second, options.requests_per_day) == (3, 10_000)


def test_the_fourth_request_within_a_second_is_a_429() -> None:
    with limited(requests_per_second=3) as (clock, caller):
        statuses = []
        for step in (0.0, 0.4, 0.4, 0.1, 0.0, 0.1):
            clock.advance(step)
            statuses.append(caller.page().status_code)
        refused = caller.page()
    assert statuses == [200, 200, 200, 429, 429, 200]
    assert refused.headers["Retry-After"] == "1"
    assert errors_of(refused) == ["API request limit exceeded"]


def test_a_spent_day_says_how_long_to_wait_to_the_second() -> None:
    with limited(requests_per_day=2) as (clock, caller):
        caller.page()
        clock.advance(6 * HOUR)
        caller.page()
        clock.advance(HOUR + 0.5)
        refused = caller.page()
        wait = int(refused.headers["Retry-After"])
        clock.advance(wait - 1)
        too_soon = caller.page()
        clock.advance(1)
        in_time = caller.page()
    assert refused.status_code == 429
    assert wait == 17 * HOUR
    assert too_soon.status_code == 429
    assert in_time.status_code == 200


def test_real_time_counts_when_no_clock_is_given(company: FixtureCompany) -> None:
    with (
        running_simulator(company, requests_per_second=3) as simulator,
        calling(simulator) as caller,
    ):
        for _ in range(12):
            caller.page()
        entries = simulator.journal.entries()
    admitted: list[float] = []
    for entry in entries:
        in_the_last_second = [at for at in admitted if at > entry.arrived - 1.0]
        assert entry.status == (429 if len(in_the_last_second) == 3 else 200)
        if entry.status == 200:
            admitted.append(entry.arrived)
    assert len(entries) == 12


def test_requests_that_gong_would_not_count_take_no_place() -> None:
    with limited(requests_per_second=1) as (_, caller):
        elsewhere = caller.session.get(caller.simulator.url + "/", timeout=10)
        stranger = caller.send(json={}, auth=("nobody", "nothing"))
        malformed = caller.post({})
        after = caller.page()
    assert [elsewhere.status_code, stranger.status_code] == [404, 401]
    assert malformed.status_code == 400  # it is the company's own call, and counts
    assert after.status_code == 429


def test_requests_over_several_connections_share_the_limit() -> None:
    with limited(requests_per_second=2) as (_, one), calling(one.simulator) as two:
        statuses = [caller.page().status_code for caller in (one, two, one, two)]
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("rate", "arrivals", "waits"),
    [
        (1, [0.0, 0.999, 1.0], [0, 1, 0]),
        (2.5, [0.0, 0.1, 0.2, 1.0, 1.05, 1.1], [0, 0, 1, 0, 1, 0]),
        (0.1, [0.0, 1.0, 9.5, 10.0], [0, 9, 1, 0]),
        (math.inf, [0.0] * 5, [0] * 5),
    ],
)
def test_rates_may_be_fractions(rate: float, arrivals: list[float], waits: list[int]) -> None:
    limits = ApiLimits(rate, None)
    assert [limits.admit(at) for at in arrivals] == waits


def test_the_longer_of_two_waits_is_told() -> None:
    limits = ApiLimits(1, 1)
    assert limits.admit(0.0) == 0
    assert limits.admit(0.5) == math.ceil(DAY - 0.5)


def test_secrets_are_not_shown_with_the_options() -> None:
    shown = repr(SimulatorOptions(access_key_secret="hush", bearer_token="hush"))
    assert "hush" not in shown
    assert "DEMO-ACCESS-KEY" in shown
