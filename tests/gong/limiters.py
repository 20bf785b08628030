"""Limiters on fake clocks, and a way to count what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gong_exporter.gong.clock import Clock
from gong_exporter.gong.limits import (
    CallLimits,
    Ledger,
    Limiter,
)
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger, SilentObserver

STEP = 0.01
"""Seconds that a wait may be longer than need be."""


@dataclass
class RecordingObserver(SilentObserver):
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
    observer: RecordingObserver | None = None,
    timeout: float = 30.0,
) -> Limiter:
    return Limiter(
        clock=clock,
        ledger=ledger if ledger is not None else MemoryLedger(),
        limits=CallLimits(per_second, per_day),
        observer=observer or RecordingObserver(),
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
