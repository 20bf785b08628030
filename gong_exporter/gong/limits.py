"""Keeps the company's rate limits: at most so many calls in any second and in any 24 hours.

A ready-made limiter spaces the *starts* of calls, which arrive closer together when one of
them is slow to connect. Here a call holds a slot until one second after its exchange *ended*:
it reached Gong before that, so no sliding second there ever sees more calls than slots.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import QuotaSpent, WaitTooLong
from gong_exporter.gong.records import Observer

DAY = 86_400.0
"""Seconds in the sliding window of the daily quota."""

MAX_WAIT = 60.0
"""Seconds that a call waits for a Retry-After; a longer one ends the poll."""

MIN_CLOCK_JUMP = 15.0
"""Seconds by which the wall clock must gain on the monotonic one to count as set forward."""

_ROUNDING = 0.001
"""Seconds added to a wait, so that rounding does not wake us just before the moment."""

_RECHECK_INTERVAL = 1.0
"""Seconds after which a call that waits for a slot checks again."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """This exporter's share of the company's limits, in any second and in any 24 hours.

    ``requests_per_second`` may be a fraction.
    """

    requests_per_second: float
    requests_per_day: int

    @property
    def slots(self) -> int:
        """Calls that one sliding second may hold: the whole part, at least one."""
        return max(1, math.floor(self.requests_per_second))

    @property
    def hold(self) -> float:
        """Seconds for which a call keeps its slot after its exchange ended."""
        return max(1.0, 1.0 / self.requests_per_second)


class Cause(Enum):
    """Why a call has to wait."""

    RATE = "rate"
    QUOTA = "quota"
    RETRY_AFTER = "retry_after"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A call may be made now; ``call`` identifies it in the ledger."""

    call: int


@dataclass(frozen=True, slots=True)
class Wait:
    """No call may be made now; ask again at Unix time ``until``."""

    until: float
    cause: Cause


def check_limits(
    *,
    now: float,
    limits: CallLimits,
    ends: Iterable[float],
    used: int,
    oldest: float | None,
    limited_until: float,
) -> Wait | None:
    """Return the wait that the limits require before the next call, or None. Pure.

    Args:
        now: Unix seconds.
        limits: the limits to keep.
        ends: when the calls that may hold a slot ended (more are harmless). A call that runs, or
            whose process was killed, counts as ended when it expires.
        used: the number of calls started in the last 24 hours.
        oldest: when the oldest of those started.
        limited_until: the end of a running Retry-After, 0 for none.
    """
    if limited_until > now:
        return Wait(limited_until, Cause.RETRY_AFTER)
    if used >= limits.requests_per_day and oldest is not None:
        return Wait(oldest + DAY, Cause.QUOTA)
    holding = sorted(end + limits.hold for end in ends if end + limits.hold > now)
    if len(holding) >= limits.slots:
        return Wait(holding[len(holding) - limits.slots], Cause.RATE)
    return None


class Ledger(Protocol):
    """The record of calls made, shared by everything that calls Gong.

    An implementation over a file makes each method one transaction, so that several processes
    keep the limits together. Times are Unix seconds.
    """

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        """Record a call that starts now, or return the wait before it may."""
        ...

    def finish(self, call: int, now: float) -> None:
        """Record that the exchange of an allowed call ended."""
        ...

    def limit(self, now: float, until: float) -> None:
        """Record that Gong asked for no calls until then."""
        ...

    def limited_until(self, now: float) -> float:
        """Return the end of the running Retry-After; 0 when none runs."""
        ...

    def used(self, now: float) -> int:
        """Return the number of calls started in the 24 hours before ``now``."""
        ...

    def quota_wait(self, now: float, requests_per_day: int, calls: int) -> float:
        """Return when so many calls are free, if none is free now; 0 if one is."""
        ...

    def shift(self, seconds: float) -> None:
        """Move all recorded times forward, because the clock was set forward."""
        ...


class Limiter:
    """Allows, delays or refuses each call; every call to Gong goes through it.

    A call that never ended counts as ended after ``timeout`` seconds.
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
        self._offset = clock.now() - clock.monotonic()
        # The ledger runs on the wall clock, which can jump. Our own calls and our own
        # Retry-After are therefore kept on the monotonic clock as well.
        self._ends: deque[float] = deque(maxlen=limits.slots)
        self._limited_until = 0.0
        self._reported_limit = False

    def acquire(self) -> int:
        """Wait until a call may be made and record it; pass the returned number to release().

        Raises:
            QuotaSpent: the day's calls are used up.
            WaitTooLong: a Retry-After is in force for longer than MAX_WAIT.
            Stopped: the process is stopping.
        """
        throttled = 0.0
        try:
            while True:
                self._clock.check()
                now = self._now()
                decision = self._own_wait(now) or self._ledger.reserve(
                    now, self._limits, now + self._timeout
                )
                if isinstance(decision, Allowed):
                    break
                self._refuse_long_waits(decision, now)
                began = self._clock.monotonic()
                self._clock.wait(_seconds(decision, now))
                if decision.cause is Cause.RATE:
                    throttled += self._clock.monotonic() - began
        finally:
            if throttled:
                self._observer.throttled(throttled)
        self._report_limit(0.0)
        return decision.call

    def release(self, call: int) -> None:
        """Record that the exchange ended (or was given up); its slot is free a second later."""
        self._ends.append(self._clock.monotonic())
        self._ledger.finish(call, self._now())

    def rate_limited(self, seconds: float) -> float:
        """Make no calls for ``seconds``, as Gong asked. Returns the Unix time when that ends."""
        now = self._now()
        self._limited_until = max(self._limited_until, self._clock.monotonic() + seconds)
        self._ledger.limit(now, now + seconds)
        self._report_limit(now + seconds)
        return now + seconds

    def _now(self) -> float:
        """Return the wall clock's time; tell the ledger if the clock was set forward.

        A machine without a battery clock starts with a wrong time, which is corrected later. The
        calls and a Retry-After from before would then look old. Clocks that are set back are the
        ledger's own concern, because it sees times in the future. If several processes report
        the same jump, its rows get into the future, which is safe for the same reason.
        """
        now = self._clock.now()
        before, self._offset = self._offset, now - self._clock.monotonic()
        if self._offset - before >= MIN_CLOCK_JUMP:
            self._ledger.shift(self._offset - before)
        return now

    def _own_wait(self, wall: float) -> Wait | None:
        """Return the wait that our own calls require by the monotonic clock."""
        now = self._clock.monotonic()
        if self._limited_until > now:
            return Wait(wall + self._limited_until - now, Cause.RETRY_AFTER)
        if len(self._ends) == self._limits.slots and self._ends[0] + self._limits.hold > now:
            return Wait(wall + self._ends[0] + self._limits.hold - now, Cause.RATE)
        return None

    def _refuse_long_waits(self, wait: Wait, now: float) -> None:
        seconds = wait.until - now
        if wait.cause is Cause.QUOTA:
            raise QuotaSpent(
                f"the {self._limits.requests_per_day} calls of gong.requests_per_day are used up;"
                f" the next one is free in {seconds:.0f} s",
                until=wait.until,
                spacing=DAY / self._limits.requests_per_day,
            )
        if wait.cause is Cause.RETRY_AFTER:
            self._report_limit(wait.until)
            if seconds > MAX_WAIT + _ROUNDING:
                raise WaitTooLong(
                    f"Gong asked for no calls for another {seconds:.0f} s", until=wait.until
                )

    def _report_limit(self, until: float) -> None:
        if until or self._reported_limit:
            self._observer.rate_limited_until(until)
        self._reported_limit = bool(until)


def _seconds(wait: Wait, now: float) -> float:
    """Return how long to wait before the next check.

    The slot may be held by another process's call, which may end long before it expires.
    """
    seconds = wait.until - now + _ROUNDING
    return min(seconds, _RECHECK_INTERVAL) if wait.cause is Cause.RATE else seconds
