"""The backfill's calls: within what the running exporter's schedule does not need, and retried.

The shared ledger counts the calls of all processes, but not which process made them. So the
backfill records its own calls in the work file. Within any 24 hours, they stay below what the
schedule does not need, and all calls together stay below the quota less one poll.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from gong_exporter.backfill.plan import BackfillError, InvalidRequest
from gong_exporter.backfill.workfile import WorkFile
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    BadRequest,
    Forbidden,
    GongError,
    NotSent,
    QuotaSpent,
    RateLimited,
    Redirected,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.limits import DAY
from gong_exporter.gong.records import Exchange

RECHECK_INTERVAL = 60.0
"""Seconds between two looks at the ledger while the calls of other processes fill the quota."""

RETRY_WAITS = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds between failed attempts; each attempt includes the client's own retries."""

_PERMANENT = (Unauthorized, Forbidden, Redirected, NotSent)

T = TypeVar("T")


class BackfillQuota:
    """Keeps a backfill's calls within its share of the quota, and repeats those that failed.

    It counts them as the client's Observer.

    Args:
        clock: time and waits.
        per_day: the backfill's own calls in any 24 hours.
        total_per_day: the calls of all processes in any 24 hours.
        used: from a Unix time to the calls of all processes in the 24 hours before.
        log: for the waits.

    Raises:
        InvalidRequest: the schedule needs the whole quota.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        per_day: int,
        total_per_day: int,
        used: Callable[[float], int],
        log: FilteringBoundLogger,
    ) -> None:
        if min(per_day, total_per_day) < 1:
            raise InvalidRequest(
                "the exporter's own schedule needs all of gong.requests_per_day: raise that (Gong"
                " allows a company 10,000), or poll less often, or ask for fewer windows or users"
            )
        self.per_day = per_day
        self.total_per_day = total_per_day
        self._clock = clock
        self._used = used
        self._log = log
        self._unrecorded = 0
        self._any_success = False
        self._work: WorkFile | None = None

    def exchanged(self, exchange: Exchange) -> None:  # noqa: ARG002 - each exchange is a call
        """See Observer."""
        self._unrecorded += 1

    def throttled(self, seconds: float) -> None:
        """See Observer."""

    def rate_limited_until(self, until: float) -> None:
        """See Observer."""

    def record_in(self, work: WorkFile) -> None:
        """From now on, record calls in this file, which also has those of earlier runs."""
        self._work = work
        self.record_calls()

    def record_calls(self) -> None:
        """Record the calls since the last time. Raises: BackfillError."""
        if self._unrecorded and self._work is not None:
            self._work.add_calls(self._unrecorded, self._clock.now())
            self._unrecorded = 0

    def available(self) -> int:
        """Calls that can be made now."""
        now = self._clock.now()
        own = sum(number for _, number in self._own_calls(now))
        return max(0, min(self.per_day - own, self.total_per_day - self._used(now)))

    def wait_for(self, calls: int) -> None:
        """Wait until so many calls can be made; never for more than a day allows.

        Raises: Stopped.
        """
        wanted = min(calls, self.per_day, self.total_per_day)
        logged = False
        while self.available() < wanted:
            now = self._clock.now()
            until = self._next_free(wanted, now)
            if not logged:
                self._log_wait(until, "the day's share of gong.requests_per_day is used up")
            logged = True
            self._clock.wait(min(until - now, RECHECK_INTERVAL))

    def call(self, attempt: Callable[[], T], pages: int) -> T:
        """Call ``attempt`` until it succeeds, or cannot succeed.

        Args:
            attempt: fetches something; raises a GongError if that fails.
            pages: calls that it takes. They have to be available before it starts, because a
                listing cannot be fetched in parts.

        Raises:
            BadRequest: Gong refuses the request.
            UserNotFound: Gong knows none of the requested users.
            BackfillError: it cannot succeed, or has not within the waits of RETRY_WAITS.
            Stopped: the process is stopping.
        """
        failures = 0
        while True:
            self.wait_for(pages)
            try:
                result = attempt()
            except (BadRequest, UserNotFound):
                raise
            except GongError as error:
                until = error.until if isinstance(error, RateLimited | NotSent) else None
                if isinstance(error, QuotaSpent):
                    pages *= 2  # it takes more calls than expected, or others made calls
                if until is None:
                    failures += 1
                    until = self._clock.now() + self._next_wait(error, failures)
                self._log_wait(until, error.message)
                self._clock.wait(max(0.0, until - self._clock.now()))
            else:
                self._any_success = True
                return result
            finally:
                self.record_calls()

    def _own_calls(self, now: float) -> tuple[tuple[float, int], ...]:
        return self._work.calls(now) if self._work is not None else ()

    def _next_free(self, wanted: int, now: float) -> float:
        """When enough of the own calls are a day old; soon, if others' calls fill the quota."""
        own = self._own_calls(now)
        excess = sum(number for _, number in own) + wanted - self.per_day
        for at, number in own:
            if excess <= 0:
                break
            excess -= number
            if excess <= 0:
                return max(at + DAY, now + 1.0)
        return now + RECHECK_INTERVAL

    def _next_wait(self, error: GongError, failures: int) -> float:
        """Seconds to wait. Raises: BackfillError, if there is no use in another attempt."""
        permanent = isinstance(error, _PERMANENT) or not self._any_success
        if permanent or failures > len(RETRY_WAITS):
            raise BackfillError(
                f"{error.describe()}\nfetched days are kept: run the same command again to continue"
            ) from error
        return RETRY_WAITS[failures - 1]

    def _log_wait(self, until: float, reason: str) -> None:
        """Log that no call is made until this Unix time."""
        local = datetime.fromtimestamp(until).astimezone()
        self._log.info("waiting", until=local.isoformat(sep=" ", timespec="seconds"), reason=reason)
