"""The record of calls, and what it says of the next one: may it be made, or until when to wait.

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

DAY = 86_400.0
"""Seconds in the sliding window of the daily quota."""


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
        last = self._calls[-1] if self._calls else None
        if last is not None and max(last.started, last.ended or 0.0) > now:
            # The clock was set back. Calls from the future count as made now: they stay in the
            # quota for a day, and no longer.
            self._calls = deque(_not_after(call, now) for call in self._calls)


def _not_after(call: Recent, now: float) -> Recent:
    ended = None if call.ended is None else min(call.ended, now)
    if call.started <= now:
        return Recent(call.started, ended, call.expires)
    return Recent(now, ended, now + call.expires - call.started)
