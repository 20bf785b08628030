"""The company's limits, kept: at most so many calls in any second and in any 24 hours.

How that is reckoned is in ``ledger``; here it is waited for.
"""

from __future__ import annotations

from collections import deque

from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import QuotaSpent, WaitTooLong
from gong_exporter.gong.ledger import (
    DAY,
    Busy,
    CallLimits,
    Cause,
    Granted,
    Ledger,
    MemoryLedger,
    Recent,
    verdict,
)
from gong_exporter.gong.observer import Observer

__all__ = [
    "DAY",
    "PATIENCE",
    "Busy",
    "CallLimits",
    "Cause",
    "Granted",
    "Ledger",
    "Limiter",
    "MemoryLedger",
    "Recent",
    "verdict",
]

PATIENCE = 60.0
"""Seconds that a call may wait for a Retry-After; a longer one ends the poll."""

_CLOCK_STEP = 0.001
"""Seconds added to a wait, so that rounding does not wake us just before the moment."""

_ASK_AGAIN = 1.0
"""Seconds after which a wait for a slot looks whether it is free already."""


class Limiter:
    """Stands in front of every call; nothing reaches Gong without its leave.

    Args:
        clock: waits here, and a stop interrupts them.
        ledger: what was called, perhaps by other processes too.
        limits: what to keep.
        observer: is told how long calls waited.
        timeout: seconds after which a call that never ended counts as ended.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        limits: CallLimits,
        observer: Observer,
        timeout: float,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._limits = limits
        self._observer = observer
        self._timeout = timeout
        # The ledger runs on the wall clock, which can jump; our own calls are spaced, and our
        # own Retry-After waited out, on the monotonic one as well.
        self._ends: deque[float] = deque(maxlen=limits.slots)
        self._quiet_until = 0.0
        self._limited = False

    def acquire(self) -> int:
        """Wait until a call may be made, and record it; the returned number goes to release().

        Raises:
            QuotaSpent: the day's calls are used up.
            WaitTooLong: a Retry-After is in force for longer than PATIENCE.
            Stopped: the process is stopping.
        """
        throttled = 0.0
        try:
            while True:
                self._clock.check()
                now = self._clock.now()
                answer = self._own_verdict(now) or self._ledger.reserve(
                    now, self._limits, now + self._timeout
                )
                if isinstance(answer, Granted):
                    break
                self._refuse_long_waits(answer, now)
                began = self._clock.monotonic()
                self._clock.wait(_span(answer, now))
                if answer.cause is Cause.RATE:
                    throttled += self._clock.monotonic() - began
        finally:
            if throttled:
                self._observer.throttled(throttled)
        self._say_limited_until(0.0)
        return answer.call

    def release(self, call: int) -> None:
        """The exchange ended (or was given up); its slot is free one second from now."""
        self._ends.append(self._clock.monotonic())
        self._ledger.finish(call, self._clock.now())

    def rate_limited(self, seconds: float) -> float:
        """Gong asked for ``seconds`` without calls. Returns the Unix time at which they end."""
        now = self._clock.now()
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds)
        self._ledger.limit(now, now + seconds)
        self._say_limited_until(now + seconds)
        return now + seconds

    def _own_verdict(self, wall: float) -> Busy | None:
        """What the monotonic clock says of our own calls, as the ledger would say it."""
        now = self._clock.monotonic()
        if self._quiet_until > now:
            return Busy(wall + self._quiet_until - now, Cause.RETRY_AFTER)
        if len(self._ends) == self._limits.slots and self._ends[0] + self._limits.hold > now:
            return Busy(wall + self._ends[0] + self._limits.hold - now, Cause.RATE)
        return None

    def _refuse_long_waits(self, busy: Busy, now: float) -> None:
        wait = busy.until - now
        if busy.cause is Cause.QUOTA:
            raise QuotaSpent(
                f"the {self._limits.requests_per_day} calls of gong.requests_per_day are used up;"
                f" the next one is free in {wait:.0f} s",
                until=busy.until,
                spacing=DAY / self._limits.requests_per_day,
            )
        if busy.cause is Cause.RETRY_AFTER:
            self._say_limited_until(busy.until)
            if wait > PATIENCE + _CLOCK_STEP:
                raise WaitTooLong(
                    f"Gong asked for no calls for another {wait:.0f} s", until=busy.until
                )

    def _say_limited_until(self, until: float) -> None:
        if until or self._limited:
            self._observer.rate_limited_until(until)
        self._limited = bool(until)


def _span(busy: Busy, now: float) -> float:
    """Seconds to wait before asking again.

    What holds a slot may be another process's call, which may end long before its time is up.
    """
    wait = busy.until - now + _CLOCK_STEP
    return min(wait, _ASK_AGAIN) if busy.cause is Cause.RATE else wait
