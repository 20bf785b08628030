"""What the poll loop is asked for: rung by any thread, answered by one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from gong_exporter.runtime.setup import Setup


@dataclass(frozen=True, slots=True)
class Order:
    """A configuration to put in force.

    Attributes:
        setup: made from it.
        in_force: set once it is.
    """

    setup: Setup
    in_force: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that was asked for since the last look.

    Attributes:
        reasons: to poll; none when no poll is wanted.
        order: the newest configuration; None when the old one stays.
    """

    reasons: frozenset[str] = frozenset()
    order: Order | None = None


class PollRequests:
    """Collects what is asked for until the loop looks. For any threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._reasons: set[str] = set()
        self._order: Order | None = None

    def ring(self, reason: str) -> None:
        """Ask for a poll. Several reasons before the next look are one poll."""
        with self._lock:
            self._reasons.add(reason)
            self._rung.set()

    def hand_over(self, setup: Setup) -> Order:
        """Ask for a configuration to be put in force, in place of one that still waits."""
        order = Order(setup)
        with self._lock:
            self._order = order
            self._rung.set()
        return order

    def wake(self) -> None:
        """End a wait() without asking for anything."""
        self._rung.set()

    def wait(self, seconds: float) -> None:
        """Until somebody asks, or the time is over."""
        self._rung.wait(seconds)

    def take(self) -> Asked:
        """All of it; from now on it counts as done."""
        with self._lock:
            self._rung.clear()
            asked = Asked(frozenset(self._reasons), self._order)
            self._reasons.clear()
            self._order = None
        return asked
