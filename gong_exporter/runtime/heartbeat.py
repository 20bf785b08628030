"""Signs of life of the poll loop, for ``/-/healthy``."""

from __future__ import annotations

import time
from collections.abc import Callable

SILENCE = 60.0
"""Seconds without a sign of life after which the loop counts as hung."""


class Heartbeat:
    """When the loop last gave a sign of life.

    Args:
        monotonic: seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self._chore: Callable[[], None] = lambda: None

    def beat(self) -> None:
        """A sign of life; the clock gives one with every wait and exchange."""
        self._last = self._monotonic()
        self._chore()

    def at_every_beat(self, chore: Callable[[], None]) -> None:
        """Have something done also in the middle of a poll, in its thread."""
        self._chore = chore

    @property
    def silent_for(self) -> float:
        """Seconds since the last one."""
        return self._monotonic() - self._last
