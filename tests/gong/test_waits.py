"""What a call waits for: Gong's Retry-After, other processes' calls; and what ends a wait."""

from __future__ import annotations

import time
from threading import Event

import pytest

from gong_exporter.gong.clock import Stopped, SystemClock
from gong_exporter.gong.errors import WaitTooLong
from gong_exporter.gong.limits import (
    DAY,
    MAX_WAIT,
    Allowed,
    CallLimits,
)
from tests.gong.limiters import STEP, RecordingObserver, call, limiter
from tests.gong.transports import LATE
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger


@pytest.mark.parametrize("seconds", [0.0, 1.0, 59.0, 60.0])
def test_a_short_retry_after_is_waited_out_in_full(seconds: float) -> None:
    clock, observer = FakeClock(), RecordingObserver()
    of = limiter(clock, observer=observer)
    call(of, clock)
    until = of.rate_limited(seconds)
    asked = clock.monotonic()
    of.acquire()
    assert seconds <= clock.monotonic() - asked <= seconds + STEP
    assert observer.limited[0] == until == pytest.approx(clock.now(), abs=STEP)
    assert observer.limited[-1] == 0.0
    assert observer.waits == []  # it was Gong's limit, not ours


def test_a_retry_after_of_just_a_minute_is_waited_out_at_any_time() -> None:
    """Unix time in floats is coarse: here, a minute from now is 60.0000002 s away."""
    clock = FakeClock(1_770_692_095.176263, monotonic=938_135.6877504587)
    of = limiter(clock)
    of.rate_limited(MAX_WAIT)
    until = clock.now() + MAX_WAIT
    of.acquire()
    assert clock.now() >= until


def test_a_retry_after_of_more_than_a_minute_ends_the_poll_without_a_call() -> None:
    clock, observer = FakeClock(), RecordingObserver()
    of = limiter(clock, observer=observer)
    until = of.rate_limited(7200)
    for _ in range(2):
        with pytest.raises(WaitTooLong) as caught:
            of.acquire()
        assert caught.value.until == pytest.approx(until, abs=STEP)
        assert clock.waits == []
    assert caught.value.message == "Gong asked for no calls for another 7200 s"
    clock.advance(7200 - MAX_WAIT)
    of.acquire()
    assert clock.now() >= until
    assert observer.limited[-1] == 0.0


@pytest.mark.parametrize("jump", [-DAY, -10.0, 10.0, DAY])
def test_a_clock_that_jumps_does_not_shorten_a_retry_after(jump: float) -> None:
    clock = FakeClock()
    of = limiter(clock)
    of.rate_limited(30)
    asked = clock.monotonic()
    clock.jump(jump)
    of.acquire()
    # Set back, the ledger cannot tell how much of it is over already, and begins it again.
    assert 30 <= clock.monotonic() - asked <= (30 if jump > 0 else 60) + STEP


def test_another_processs_retry_after_holds_for_this_one() -> None:
    clock, ledger, observer = FakeClock(), MemoryLedger(), RecordingObserver()
    limiter(clock, ledger=ledger).rate_limited(20)
    asked = clock.monotonic()
    limiter(clock, ledger=ledger, observer=observer).acquire()
    assert 20 <= clock.monotonic() - asked <= 20 + STEP
    assert observer.limited == [pytest.approx(clock.now(), abs=STEP), 0.0]


@pytest.mark.parametrize("processes", [1, 2], ids=["one process", "two processes"])
def test_a_clock_set_forward_keeps_a_retry_after_in_the_ledger_for_its_true_length(
    processes: int,
) -> None:
    """So that a backfill or a restart after the correction obeys it as well."""
    clock, ledger = FakeClock(), MemoryLedger()
    limiters = [limiter(clock, ledger=ledger) for _ in range(processes)]
    limiters[0].rate_limited(7200)
    clock.jump(50 * 3600)
    clock.advance(100)
    for of in limiters:
        with pytest.raises(WaitTooLong):
            of.acquire()
    assert 7100 <= ledger.limited_until(clock.now()) - clock.now() <= 7200
    with pytest.raises(WaitTooLong):
        limiter(clock, ledger=ledger).acquire()
    clock.advance(7200)
    limiter(clock, ledger=ledger).acquire()


def test_a_shorter_retry_after_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    of = limiter(clock)
    asked = clock.monotonic()
    of.rate_limited(40)
    of.rate_limited(1)
    of.acquire()
    assert clock.monotonic() - asked >= 40


def test_a_wait_for_another_processs_call_ends_soon_after_that_call() -> None:
    """That call may take all of its timeout; usually it is over within the second."""
    ledger = MemoryLedger()
    ended: list[float] = []

    class Meanwhile(FakeClock):
        def wait(self, seconds: float) -> None:
            super().wait(seconds)
            if self.monotonic() >= 1000.3 and not ended:
                ended.append(self.now())
                ledger.finish(running, self.now())

    clock = Meanwhile()
    decision = ledger.reserve(clock.now(), CallLimits(1, 100), clock.now() + 30)
    assert isinstance(decision, Allowed)
    running = decision.call
    limiter(clock, per_second=1, ledger=ledger).acquire()
    assert clock.monotonic() < 1003


def test_a_call_whose_process_was_killed_holds_its_slot_only_until_it_expires() -> None:
    clock, ledger = FakeClock(), MemoryLedger()
    ledger.reserve(clock.now(), CallLimits(1, 100), clock.now() + 30)
    limiter(clock, per_second=1, ledger=ledger).acquire()
    assert 1031 <= clock.monotonic() <= 1031 + 31 * STEP


def test_the_time_waited_for_our_own_limiter_is_reported() -> None:
    clock, observer = FakeClock(), RecordingObserver()
    of = limiter(clock, per_second=1, observer=observer)
    call(of, clock)
    call(of, clock)
    assert observer.waits == [pytest.approx(1.0, abs=STEP)]


def test_a_stop_interrupts_a_wait_for_the_limiter() -> None:
    clock, observer = FakeClock(), RecordingObserver()
    of = limiter(clock, per_second=0.1, observer=observer)
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
    assert time.monotonic() - began < LATE
