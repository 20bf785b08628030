"""The limiter: what arrives at Gong, second by second and day by day, whatever the clocks do."""

from __future__ import annotations

import itertools
import math
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.gong.clock import Clock, Stopped, SystemClock
from gong_exporter.gong.errors import QuotaSpent, WaitTooLong
from gong_exporter.gong.limits import (
    DAY,
    PATIENCE,
    Busy,
    CallLimits,
    Cause,
    Granted,
    Ledger,
    Limiter,
    MemoryLedger,
    Recent,
    verdict,
)
from gong_exporter.gong.observer import SilentObserver
from gong_exporter.simulator.options import SimulatorOptions
from tests.gong.transports import PAGE, post, transport_to
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany
from tests.support.hostile import Connection, answer, hostile_server
from tests.support.simulator import running_simulator

STEP = 0.01
"""Seconds that a wait may be longer than need be."""


@dataclass
class Told(SilentObserver):
    """Remembers what the limiter says."""

    waits: list[float] = field(default_factory=list)
    limited: list[float] = field(default_factory=list)

    def throttled(self, seconds: float) -> None:
        self.waits.append(seconds)

    def rate_limited_until(self, until: float) -> None:
        self.limited.append(until)


def limiter(
    clock: Clock,
    *,
    per_second: float = 2.0,
    per_day: int = 10_000,
    ledger: Ledger | None = None,
    observer: Told | None = None,
    timeout: float = 30.0,
) -> Limiter:
    return Limiter(
        clock=clock,
        ledger=ledger if ledger is not None else MemoryLedger(),
        limits=CallLimits(per_second, per_day),
        observer=observer or Told(),
        timeout=timeout,
    )


def call(of: Limiter, clock: FakeClock, seconds: float = 0.0) -> float:
    """One exchange that takes so long; when it began, in monotonic seconds."""
    number = of.acquire()
    began = clock.monotonic()
    clock.advance(seconds)
    of.release(number)
    return began


def most_in_any(arrivals: Sequence[float], seconds: float) -> int:
    """The most arrivals in any half-open span of so many seconds."""
    tolerance = 1e-6
    return max(
        sum(1 for other in arrivals if arrival - seconds + tolerance < other <= arrival)
        for arrival in arrivals
    )


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


@pytest.mark.parametrize("seconds", [0.0, 1.0, 59.0, 60.0])
def test_a_short_retry_after_is_waited_out_and_not_a_moment_less(seconds: float) -> None:
    clock, told = FakeClock(), Told()
    of = limiter(clock, observer=told)
    call(of, clock)
    until = of.rate_limited(seconds)
    asked = clock.monotonic()
    of.acquire()
    assert seconds <= clock.monotonic() - asked <= seconds + STEP
    assert told.limited[0] == until == pytest.approx(clock.now(), abs=STEP)
    assert told.limited[-1] == 0.0
    assert told.waits == []  # it was Gong's limit, not ours


def test_a_retry_after_of_just_a_minute_is_waited_out_at_any_time() -> None:
    """Unix time in floats is coarse: here, a minute from now is 60.0000002 s away."""
    clock = FakeClock(1_770_692_095.176263, monotonic=938_135.6877504587)
    of = limiter(clock)
    of.rate_limited(PATIENCE)
    until = clock.now() + PATIENCE
    of.acquire()
    assert clock.now() >= until


def test_a_retry_after_of_more_than_a_minute_ends_the_poll_without_a_call() -> None:
    clock, told = FakeClock(), Told()
    of = limiter(clock, observer=told)
    until = of.rate_limited(7200)
    for _ in range(2):
        with pytest.raises(WaitTooLong) as caught:
            of.acquire()
        assert caught.value.until == pytest.approx(until, abs=STEP)
        assert clock.waits == []
    assert caught.value.message == "Gong asked for no calls for another 7200 s"
    clock.advance(7200 - PATIENCE)
    of.acquire()
    assert clock.now() >= until
    assert told.limited[-1] == 0.0


@pytest.mark.parametrize("jump", [-DAY, -10.0, 10.0, DAY])
def test_a_clock_that_jumps_does_not_shorten_a_retry_after(jump: float) -> None:
    clock = FakeClock()
    of = limiter(clock)
    of.rate_limited(30)
    asked = clock.monotonic()
    clock.jump(jump)
    of.acquire()
    # Set back, the ledger cannot tell how much of it is over already, and begins it anew.
    assert 30 <= clock.monotonic() - asked <= (30 if jump > 0 else 60) + STEP


def test_a_retry_after_that_another_process_was_told_holds_for_this_one() -> None:
    clock, ledger, told = FakeClock(), MemoryLedger(), Told()
    limiter(clock, ledger=ledger).rate_limited(20)
    asked = clock.monotonic()
    limiter(clock, ledger=ledger, observer=told).acquire()
    assert 20 <= clock.monotonic() - asked <= 20 + STEP
    assert told.limited == [pytest.approx(clock.now(), abs=STEP), 0.0]


def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    of = limiter(clock)
    asked = clock.monotonic()
    of.rate_limited(40)
    of.rate_limited(1)
    of.acquire()
    assert clock.monotonic() - asked >= 40


def test_what_waits_for_another_processes_call_goes_on_soon_after_it_ended() -> None:
    """That call may take all of its timeout; usually it is over within the second."""
    ledger = MemoryLedger()
    ended: list[float] = []

    class Meanwhile(FakeClock):
        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            if self.monotonic() >= 1000.3 and not ended:
                ended.append(self.now())
                ledger.finish(0, self.now())

    clock = Meanwhile()
    ledger.reserve(clock.now(), CallLimits(1, 100), clock.now() + 30)
    limiter(clock, per_second=1, ledger=ledger).acquire()
    assert clock.monotonic() < 1003


def test_a_call_whose_process_was_killed_holds_its_slot_only_until_it_expires() -> None:
    clock, ledger = FakeClock(), MemoryLedger()
    ledger.reserve(clock.now(), CallLimits(1, 100), clock.now() + 30)
    limiter(clock, per_second=1, ledger=ledger).acquire()
    assert 1031 <= clock.monotonic() <= 1031 + 31 * STEP


def test_the_time_waited_for_our_own_limiter_is_told() -> None:
    clock, told = FakeClock(), Told()
    of = limiter(clock, per_second=1, observer=told)
    call(of, clock)
    call(of, clock)
    assert told.waits == [pytest.approx(1.0, abs=STEP)]


def test_a_stop_interrupts_a_wait_for_the_limiter() -> None:
    clock, told = FakeClock(), Told()
    of = limiter(clock, per_second=0.1, observer=told)
    call(of, clock)
    clock.stop(after=4)
    with pytest.raises(Stopped):
        of.acquire()
    assert clock.monotonic() == 1004


def test_a_stop_interrupts_a_wait_for_a_retry_after() -> None:
    clock = FakeClock()
    of = limiter(clock)
    of.rate_limited(50)
    clock.stop(after=3)
    with pytest.raises(Stopped):
        of.acquire()
    assert clock.monotonic() == 1003


def test_a_real_wait_ends_within_a_moment_of_the_stop() -> None:
    stop = Event()
    of = limiter(SystemClock(stop), per_second=0.01)
    of.release(of.acquire())
    began = time.monotonic()
    stop.set()
    with pytest.raises(Stopped):
        of.acquire()
    assert time.monotonic() - began < 1


TWO_A_SECOND = CallLimits(2, 100)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ([], None),
        ([Recent(9.0, 9.5, 40)], None),
        ([Recent(9.0, 9.5, 40), Recent(9.2, 9.6, 40)], Busy(10.5, Cause.RATE)),
        ([Recent(8.0, 9.0, 40), Recent(9.2, 9.6, 40)], None),
        ([Recent(9.0, None, 40), Recent(9.2, 9.6, 40)], Busy(10.6, Cause.RATE)),
        ([Recent(9.0, None, 40), Recent(9.0, None, 39)], Busy(40, Cause.RATE)),
        ([Recent(1.0, None, 8.9), Recent(9.2, 9.6, 40)], None),
    ],
    ids=[
        "nothing runs",
        "a slot is free",
        "both are held",
        "one was freed just now",
        "one runs",
        "both run",
        "one was killed long ago",
    ],
)
def test_a_slot_is_free_again_one_second_after_its_exchange_ended(
    recent: list[Recent], expected: Busy | None
) -> None:
    got = verdict(
        now=10.0, limits=TWO_A_SECOND, recent=recent, used=len(recent), oldest=1, limited_until=0
    )
    assert got == expected


def test_a_retry_after_is_told_before_a_spent_quota() -> None:
    busy = verdict(
        now=10.0, limits=CallLimits(1, 1), recent=[], used=1, oldest=5.0, limited_until=20.0
    )
    assert busy == Busy(20.0, Cause.RETRY_AFTER)


def test_the_memory_ledger_counts_a_sliding_day() -> None:
    ledger = MemoryLedger()
    for moment in (0.0, 10.0, 20.0):
        granted = ledger.reserve(moment, CallLimits(1, 100), moment + 5)
        assert isinstance(granted, Granted)
        ledger.finish(granted.call, moment + 1)
    assert [ledger.used(moment) for moment in (20.0, DAY, DAY + 10, DAY + 20)] == [3, 2, 1, 0]
    ledger.finish(1, DAY + 20)  # of a call that is forgotten: harmless


def test_an_api_that_counts_every_second_never_has_to_refuse_us() -> None:
    """Real time, real sockets, and exactly the rate that the API allows."""
    options = SimulatorOptions()
    pair = f"{options.access_key}:{options.access_key_secret}".encode()
    with running_simulator(FixtureCompany(3), requests_per_second=3) as simulator:
        of = limiter(SystemClock(Event()), per_second=3)
        transport = transport_to(simulator.url)
        body = b'{"filter": {"fromDate": "2026-03-10", "toDate": "2026-03-11"}}'
        for _ in range(8):
            number = of.acquire()
            transport.post(body, f"Basic {b64encode(pair).decode()}", SystemClock(Event()))
            of.release(number)
        entries = simulator.journal.entries()
    assert [entry.status for entry in entries] == [200] * 8
    arrivals = [entry.arrived for entry in entries]
    assert most_in_any(arrivals, 1.0) <= 3
    assert arrivals[-1] - arrivals[0] < 5
