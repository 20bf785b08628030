"""Time in a test's hands: waits that take no time, a wall clock that can be set, a stop."""

from __future__ import annotations

from datetime import UTC, datetime

from gong_exporter.gong.clock import Stopped

NOW = datetime(2026, 3, 11, 18, 0, tzinfo=UTC)
"""The tests' present unless told otherwise: a Wednesday, 11:00 in US/Pacific."""


class FakeClock:
    """A ``gong.clock.Clock`` whose waits move both of its clocks at once, and nothing else does.

    Attributes:
        waits: the seconds of every wait so far, in order; one that was stopped is not in it.
        checks: how often ``check()`` was called.
    """

    def __init__(self, now: datetime | float = NOW, monotonic: float = 1000.0) -> None:
        self._now = now.timestamp() if isinstance(now, datetime) else now
        self._monotonic = monotonic
        self._stop_at: float | None = None
        self.waits: list[float] = []
        self.checks = 0

    def now(self) -> float:
        """See Clock."""
        return self._now

    def monotonic(self) -> float:
        """See Clock."""
        return self._monotonic

    def wait(self, seconds: float) -> None:
        """See Clock; a stop that is due in that time interrupts it at its moment."""
        self.check()
        until = self._monotonic + max(seconds, 0.0)
        if self._stop_at is not None and self._stop_at <= until:
            self.advance(self._stop_at - self._monotonic)
            raise Stopped
        self.advance(max(seconds, 0.0))
        self.waits.append(seconds)

    def check(self) -> None:
        """See Clock."""
        self.checks += 1
        if self._stop_at is not None and self._monotonic >= self._stop_at:
            raise Stopped

    def advance(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the machine's clock forward, or back when negative."""
        self._now += seconds

    def set(self, now: datetime) -> None:
        """Set the machine's clock to a moment."""
        self._now = now.timestamp()

    def stop(self, after: float = 0.0) -> None:
        """Ask the process to stop once ``after`` seconds have passed."""
        self._stop_at = self._monotonic + after

    def datetime(self) -> datetime:
        """The wall clock as an aware time: the simulator's ``now``."""
        return datetime.fromtimestamp(self._now, UTC)
