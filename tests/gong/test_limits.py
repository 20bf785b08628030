"""The limiter: what arrives at Gong, second by second and day by day, whatever the clocks do."""

from __future__ import annotations

import itertools
import math
import time
from base64 import b64encode
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.gong.clock import SystemClock
from gong_exporter.gong.errors import QuotaSpent
from gong_exporter.gong.limits import (
    DAY,
)
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.gong.limiters import STEP, call, limiter, most_in_any
from tests.gong.transports import PAGE, post, transport_to
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.hostile import Connection, answer, hostile_server
from tests.support.ledgers import MemoryLedger
from tests.support.simulator import running_simulator

exchanges = st.lists(
    st.tuples(
        st.floats(0, 3),  # seconds it takes
        st.floats(0, 1),  # the part of it after which it has arrived at Gong
        st.floats(0, 2),  # seconds of pause behind it
    ),
    min_size=2,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(made=exchanges, per_second=st.floats(0.1, 3))
def test_no_sliding_second_at_gong_sees_more_calls_than_allowed(
    made: list[tuple[float, float, float]], per_second: float
) -> None:
    clock = FakeClock()
    of = limiter(clock, per_second=per_second)
    arrivals = []
    for seconds, part, pause in made:
        arrivals.append(call(of, clock, seconds) + seconds * part)
        clock.advance(pause)
    arrivals.sort()
    if per_second < 1:
        gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
        assert min(gaps) >= 1 / per_second - 1e-6
    else:
        assert most_in_any(arrivals, 1.0) <= math.floor(per_second)


@settings(max_examples=150, deadline=None)
@given(
    made=exchanges,
    jumps=st.lists(
        st.sampled_from([0.0, 0.3, -0.3, 1.5, -1.5, 3600.0, -3600.0, DAY * 2, -DAY * 2]),
        min_size=25,
        max_size=25,
    ),
)
def test_a_clock_that_jumps_neither_bunches_calls_nor_locks_them_up(
    made: list[tuple[float, float, float]], jumps: list[float]
) -> None:
    clock = FakeClock()
    of = limiter(clock, per_second=2)
    arrivals = []
    for (seconds, part, pause), jump in zip(made, jumps, strict=False):
        asked = clock.monotonic()
        number = of.acquire()
        # A second by the one clock, and at worst a second by the other.
        assert clock.monotonic() - asked <= 2 + STEP, "it waited for what nobody limits"
        arrivals.append(clock.monotonic() + seconds * part)
        clock.advance(seconds)
        clock.jump(jump)
        of.release(number)
        clock.advance(pause)
    assert most_in_any(sorted(arrivals), 1.0) <= 2


@settings(max_examples=100, deadline=None)
@given(made=exchanges, who=st.lists(st.integers(0, 2), min_size=25, max_size=25))
def test_several_that_share_a_ledger_keep_the_limit_together(
    made: list[tuple[float, float, float]], who: list[int]
) -> None:
    clock, ledger = FakeClock(), MemoryLedger()
    processes = [limiter(clock, per_second=2, ledger=ledger) for _ in range(3)]
    arrivals = []
    for (seconds, part, pause), turn in zip(made, who, strict=False):
        arrivals.append(call(processes[turn], clock, seconds) + seconds * part)
        clock.advance(pause)
    assert most_in_any(sorted(arrivals), 1.0) <= 2


def test_the_limit_is_used_to_the_full() -> None:
    clock = FakeClock()
    of = limiter(clock, per_second=3)
    began = [call(of, clock) for _ in range(31)]
    assert began[-1] - began[0] == pytest.approx(10, abs=31 * STEP)


def test_a_tenth_of_a_call_a_second_is_a_call_every_ten_seconds() -> None:
    clock = FakeClock()
    of = limiter(clock, per_second=0.1)
    began = [call(of, clock, 0.5) for _ in range(4)]
    assert [later - earlier for earlier, later in itertools.pairwise(began)] == pytest.approx(
        [10.5] * 3, abs=STEP
    )


def test_calls_that_connect_slowly_do_not_arrive_together_on_real_sockets() -> None:
    """The first two requests are kept on the way; those behind them must not catch up."""
    delays = iter([0.6, 0.6])
    arrivals = []

    def arrive(connection: Connection) -> bool:
        time.sleep(next(delays, 0))
        arrivals.append(time.monotonic())
        return answer(200, PAGE)(connection)

    of = limiter(SystemClock(Event()), per_second=2)
    with hostile_server(arrive) as server:
        transport = transport_to(server.url)
        for _ in range(5):
            number = of.acquire()
            post(transport)
            of.release(number)
    assert most_in_any(arrivals, 1.0) <= 2


def test_the_days_calls_are_spent_once_and_come_back_a_day_later() -> None:
    clock = FakeClock()
    of = limiter(clock, per_second=3, per_day=3)
    first = clock.now()
    for _ in range(3):
        call(of, clock)
    with pytest.raises(QuotaSpent) as caught:
        of.acquire()
    assert caught.value.until == pytest.approx(first + DAY, abs=STEP)
    assert caught.value.spacing == DAY / 3
    assert caught.value.message == (
        "the 3 calls of gong.requests_per_day are used up; the next one is free in 86399 s"
    )
    clock.advance(first + DAY - 0.001 - clock.now())
    with pytest.raises(QuotaSpent):
        of.acquire()
    clock.advance(0.002)
    call(of, clock)
    clock.advance(DAY)
    for _ in range(3):
        call(of, clock)


@settings(max_examples=60, deadline=None)
@given(pauses=st.lists(st.floats(0, DAY / 3), min_size=5, max_size=40))
def test_no_24_hours_ever_hold_more_calls_than_the_day_allows(pauses: list[float]) -> None:
    clock = FakeClock()
    of = limiter(clock, per_day=4)
    made = []
    for pause in pauses:
        clock.advance(pause)
        try:
            made.append(call(of, clock))
        except QuotaSpent as spent:
            clock.advance((spent.until or math.inf) - clock.now() + STEP)
            made.append(call(of, clock))
    assert most_in_any(made, DAY) <= 4


def test_a_clock_set_back_by_a_year_keeps_the_quota_spent_for_a_day_and_no_longer() -> None:
    clock = FakeClock()
    of = limiter(clock, per_day=2)
    call(of, clock)
    call(of, clock)
    clock.jump(-365 * DAY)
    with pytest.raises(QuotaSpent) as caught:
        of.acquire()
    assert caught.value.until == pytest.approx(clock.now() + DAY, abs=STEP)
    clock.advance(DAY + 1)
    call(of, clock)


def test_a_clock_set_forward_by_days_keeps_the_quota_spent_for_its_true_length() -> None:
    """A machine without a battery clock boots, and is corrected later."""
    clock = FakeClock()
    of = limiter(clock, per_day=2)
    call(of, clock)
    call(of, clock)
    clock.advance(3600)
    clock.jump(20_000 * DAY)
    with pytest.raises(QuotaSpent) as caught:
        of.acquire()
    assert caught.value.until == pytest.approx(clock.now() + DAY - 3600, abs=2)
    clock.advance(DAY - 3598)
    call(of, clock)


def test_a_clock_set_forward_during_an_exchange_keeps_the_quota_too() -> None:
    clock = FakeClock()
    of = limiter(clock, per_day=1)
    number = of.acquire()
    clock.jump(3 * DAY)
    of.release(number)
    with pytest.raises(QuotaSpent):
        of.acquire()


def test_a_clock_that_drifts_moves_nothing() -> None:
    clock = FakeClock()
    of = limiter(clock, per_day=2)
    call(of, clock)
    call(of, clock)
    for _ in range(24):
        clock.advance(3600 - 1)
        clock.jump(1)
        if clock.monotonic() < 1000 + DAY - 3600:
            with pytest.raises(QuotaSpent):
                of.acquire()
    call(of, clock)


def test_an_api_that_counts_every_second_never_has_to_refuse_us() -> None:
    """Real time, real sockets, and exactly the rate that the API allows."""
    options = SimulatorOptions()
    pair = f"{options.access_key}:{options.access_key_secret}".encode()
    with running_simulator(FixtureCompany(3), requests_per_second=3) as simulator:
        of = limiter(SystemClock(Event()), per_second=3)
        transport = transport_to(simulator.url)
        authorization = f"Basic {b64encode(pair).decode()}"
        body = b'{"filter": {"fromDate": "2026-03-10", "toDate": "2026-03-11"}}'
        for _ in range(8):
            number = of.acquire()
            post(transport, body, authorization=authorization, clock=SystemClock(Event()))
            of.release(number)
        entries = simulator.journal.entries()
    assert [entry.status for entry in entries] == [200] * 8
    arrivals = [entry.arrived for entry in entries]
    assert most_in_any(arrivals, 1.0) <= 3
    assert arrivals[-1] - arrivals[0] < 5
