"""The company's limits, kept: at most so many calls in any second and in any 24 hours.

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
from gong_exporter.gong.observer import Observer

DAY = 86_400.0
"""Seconds in the sliding window of the daily quota."""

PATIENCE = 60.0
"""Seconds that a call may wait for a Retry-After; a longer one ends the poll."""

_CLOCK_STEP = 0.001
"""Seconds added to a wait, so that rounding does not wake us just before the moment."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """This exporter's share of the company's limits.

    Attributes:
        requests_per_second: may be a fraction.
        requests_per_day: in any 24 hours.
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
class Granted:
    """A call may be made now; ``call`` names it to the ledger."""

    call: int


@dataclass(frozen=True, slots=True)
class Busy:
    """No call now; ask again at Unix time ``until``."""

    until: float
    cause: Cause


@dataclass(frozen=True, slots=True)
class Recent:
    """A call that may still hold a slot. All in Unix seconds.

    Attributes:
        started: when it was granted.
        ended: when its exchange ended; None while it runs.
        expires: when a call that never ended (its process was killed) counts as ended.
    """

    started: float
    ended: float | None
    expires: float


def verdict(
    *,
    now: float,
    limits: CallLimits,
    recent: Iterable[Recent],
    used: int,
    oldest: float | None,
    limited_until: float,
) -> Busy | None:
    """Whether a call has to wait; None when it may be made now. Pure.

    Args:
        now: Unix seconds.
        limits: what to keep.
        recent: the calls that may hold a slot (more are harmless).
        used: calls started in the last 24 hours.
        oldest: when the oldest of those started.
        limited_until: the end of a running Retry-After, 0 for none.
    """
    if limited_until > now:
        return Busy(limited_until, Cause.RETRY_AFTER)
    if used >= limits.requests_per_day and oldest is not None:
        return Busy(oldest + DAY, Cause.QUOTA)
    free_at = sorted(
        (call.expires if call.ended is None else call.ended) + limits.hold for call in recent
    )
    holding = [moment for moment in free_at if moment > now]
    if len(holding) >= limits.slots:
        return Busy(holding[len(holding) - limits.slots], Cause.RATE)
    return None


class Ledger(Protocol):
    """The record of calls made, shared by everything that calls Gong.

    An implementation over a file makes each method one transaction, so that several processes
    keep the limits together. Times are Unix seconds.
    """

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Granted | Busy:
        """Record a call that starts now, or say until when to wait."""
        ...

    def finish(self, call: int, now: float) -> None:
        """The exchange of a granted call ended."""
        ...

    def limit(self, now: float, until: float) -> None:
        """Gong asked for no calls until then."""
        ...

    def limited_until(self, now: float) -> float:
        """The end of the running Retry-After; 0 when none runs."""
        ...

    def used(self, now: float) -> int:
        """Calls started in the 24 hours before ``now``."""
        ...


class MemoryLedger:
    """A ledger that lasts as long as the process. Not for several threads at once."""

    def __init__(self) -> None:
        self._calls: deque[Recent] = deque()
        self._first = 0
        self._limit = (0.0, 0.0)

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Granted | Busy:
        """See Ledger."""
        self._forget(now)
        busy = verdict(
            now=now,
            limits=limits,
            recent=list(self._calls)[-limits.slots - 1 :],
            used=len(self._calls),
            oldest=self._calls[0].started if self._calls else None,
            limited_until=self.limited_until(now),
        )
        if busy:
            return busy
        self._calls.append(Recent(now, None, expires))
        return Granted(self._first + len(self._calls) - 1)

    def finish(self, call: int, now: float) -> None:
        """See Ledger."""
        place = call - self._first
        if 0 <= place < len(self._calls):
            made = self._calls[place]
            self._calls[place] = Recent(made.started, now, made.expires)

    def limit(self, now: float, until: float) -> None:
        """See Ledger."""
        self._limit = (now, max(until, self.limited_until(now)))

    def limited_until(self, now: float) -> float:
        """See Ledger."""
        said_at, until = self._limit
        if now < said_at:  # the clock was set back: the wait is as long as it was
            until -= said_at - now
            self._limit = (now, until)
        return until if until > now else 0.0

    def used(self, now: float) -> int:
        """See Ledger."""
        self._forget(now)
        return len(self._calls)

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0].started <= now - DAY:
            self._calls.popleft()
            self._first += 1
        if self._calls and self._calls[-1].started > now:
            # The clock was set back. Calls from the future count as made now: they stay in the
            # quota for a day, and no longer.
            self._calls = deque(_not_after(call, now) for call in self._calls)


def _not_after(call: Recent, now: float) -> Recent:
    if call.started <= now:
        return call
    span = call.expires - call.started
    ended = None if call.ended is None else min(call.ended, now)
    return Recent(now, ended, now + span)


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

    def acquire(self) -> int:
        """Wait until a call may be made, and record it; the returned number goes to release().

        Raises:
            QuotaSpent: the day's calls are used up.
            WaitTooLong: a Retry-After is in force for longer than PATIENCE.
            Stopped: the process is stopping.
        """
        began = self._clock.monotonic()
        try:
            while True:
                self._clock.check()
                wait = self._own_wait()
                if wait > 0:
                    self._clock.wait(wait)
                    continue
                now = self._clock.now()
                answer = self._ledger.reserve(now, self._limits, now + self._timeout)
                if isinstance(answer, Granted):
                    return answer.call
                self._refuse_long_waits(answer, now)
                self._clock.wait(answer.until - now + _CLOCK_STEP)
        finally:
            waited = self._clock.monotonic() - began
            if waited > _CLOCK_STEP:
                self._observer.throttled(waited)

    def release(self, call: int) -> None:
        """The exchange ended (or was given up); its slot is free one second from now."""
        self._ends.append(self._clock.monotonic())
        self._ledger.finish(call, self._clock.now())

    def rate_limited(self, seconds: float) -> float:
        """Gong asked for ``seconds`` without calls. Returns the Unix time at which they end."""
        now = self._clock.now()
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds)
        self._ledger.limit(now, now + seconds)
        self._observer.rate_limited_until(now + seconds)
        return now + seconds

    def _own_wait(self) -> float:
        now = self._clock.monotonic()
        quiet = self._quiet_until - now
        if quiet > PATIENCE:
            until = self._clock.now() + quiet
            raise WaitTooLong(_quiet_message(quiet), until=until)
        spacing = (
            self._ends[0] + self._limits.hold - now if len(self._ends) == self._limits.slots else 0
        )
        return max(quiet, spacing, 0)

    def _refuse_long_waits(self, busy: Busy, now: float) -> None:
        wait = busy.until - now
        if busy.cause is Cause.QUOTA:
            raise QuotaSpent(
                f"the {self._limits.requests_per_day} calls of gong.requests_per_day are used up;"
                f" the next one is free in {wait:.0f} s",
                until=busy.until,
            )
        if busy.cause is Cause.RETRY_AFTER:
            self._observer.rate_limited_until(busy.until)
            if wait > PATIENCE:
                raise WaitTooLong(_quiet_message(wait), until=busy.until)


def _quiet_message(seconds: float) -> str:
    return f"Gong asked for no calls for another {seconds:.0f} s"
