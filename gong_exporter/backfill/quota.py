"""The backfill's share of the day's calls: what the running exporter's schedule leaves over.

The shared ledger counts everybody's calls and cannot tell whose they were. So the backfill keeps
count of its own in the work file: within any 24 hours they stay below what the schedule leaves,
and all calls together below the quota less one poll, so that the next poll always has room.
"""

from __future__ import annotations

from collections.abc import Callable

from gong_exporter.backfill.errors import Refused
from gong_exporter.backfill.progress import Progress
from gong_exporter.backfill.workfile import WorkFile
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.records import Exchange

DAY = 86_400.0

LOOK_AGAIN = 60.0
"""Seconds until it is looked again whether other processes' calls have lapsed."""


class Counter:
    """An Observer that counts exchanges.

    Attributes:
        calls: so far, retries included.
    """

    def __init__(self) -> None:
        self.calls = 0

    def exchanged(self, exchange: Exchange) -> None:  # noqa: ARG002 - any is a call
        """See Observer."""
        self.calls += 1

    def throttled(self, seconds: float) -> None:
        """See Observer."""

    def rate_limited_until(self, until: float) -> None:
        """See Observer."""


class Quota:
    """Keeps a backfill within its share.

    Args:
        clock: time and waits.
        counter: of this process's calls.
        per_day: calls of its own in any 24 hours.
        together: calls of everybody in any 24 hours.
        used: everybody's calls in the 24 hours before a Unix time, by the shared ledger.
        progress: is told of waits.

    Attributes:
        per_day, together: as given.

    Raises:
        Refused: nothing is left for a backfill.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        counter: Counter,
        per_day: int,
        together: int,
        used: Callable[[float], int],
        progress: Progress,
    ) -> None:
        if min(per_day, together) < 1:
            raise Refused(
                "the exporter's own schedule needs all of gong.requests_per_day: raise that (Gong"
                " allows a company 10,000), or poll less often, or ask for fewer windows or users"
            )
        self.per_day = per_day
        self._clock = clock
        self._counter = counter
        self.together = together
        self._used = used
        self._progress = progress
        self._noted = 0
        self._work: WorkFile | None = None

    def keep(self, work: WorkFile) -> None:
        """From now on calls are counted in this file, also those that earlier runs made."""
        self._work = work
        self.note()

    def note(self) -> None:
        """Put the calls since the last time on record. Raises: BackfillError."""
        made = self._counter.calls - self._noted
        if made and self._work is not None:
            self._work.count_calls(made, self._clock.now())
            self._noted += made

    def room(self) -> int:
        """Calls that can be made now."""
        now = self._clock.now()
        own = sum(number for _, number in self._own(now))
        return max(0, min(self.per_day - own, self.together - self._used(now)))

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls can be made, or as many as ever can be. Raises: Stopped."""
        wanted = min(calls, self.per_day, self.together)
        if self.room() >= wanted:
            return
        while self.room() < wanted:
            now = self._clock.now()
            until = self._lapsed(wanted, now)
            self._progress.waiting(until, "the day's share of gong.requests_per_day is used up")
            self._clock.wait(min(until - now, LOOK_AGAIN))
        self._progress.going_on()

    def _own(self, now: float) -> tuple[tuple[float, int], ...]:
        return self._work.calls(now) if self._work is not None else ()

    def _lapsed(self, wanted: int, now: float) -> float:
        """When enough of our own calls are a day old; soon, when it is others that fill it."""
        own = self._own(now)
        over = sum(number for _, number in own) + wanted - self.per_day
        for at, number in own:
            if over <= 0:
                break
            over -= number
            until = at + DAY
            if over <= 0:
                return max(until, now + 1.0)
        return now + LOOK_AGAIN
