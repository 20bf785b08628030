"""Time as an argument: wall clock, monotonic clock, and a wait that a stop interrupts."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Stopped(Exception):
    """The process is stopping, so a wait or a call to Gong was given up."""


class Clock(Protocol):
    """The time as polls see it. Tests pass a clock that a wait moves forward."""

    def now(self) -> float:
        """Return the Unix time in seconds; it jumps when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never decrease, for measuring durations."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait ``seconds``. Raises: Stopped, as soon as the process is asked to stop."""
        ...

    def check(self) -> None:
        """Raises: Stopped, if the process was asked to stop."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> float:
        """See Clock."""
        return time.time()

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """See Clock."""
        if self._stop.wait(seconds):
            raise Stopped

    def check(self) -> None:
        """See Clock."""
        if self._stop.is_set():
            raise Stopped
