"""Retries requests to Gong: after a Retry-After, a spent quota, or a short outage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from gong_exporter.backfill.errors import BackfillError
from gong_exporter.backfill.quota import BackfillQuota, log_wait
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

RETRY_WAITS = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds between failed attempts; each attempt includes the client's own retries."""

_PERMANENT = (Unauthorized, Forbidden, Redirected, NotSent)

T = TypeVar("T")


class Retrier:
    """Repeats requests that may succeed later.

    Args:
        clock: time and waits.
        quota: the backfill's share of the quota.
        log: for the waits.
    """

    def __init__(self, *, clock: Clock, quota: BackfillQuota, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._quota = quota
        self._log = log
        self._any_success = False

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
            self._quota.wait_for(pages)
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
                log_wait(self._log, until, error.message)
                self._clock.wait(max(0.0, until - self._clock.now()))
            else:
                self._any_success = True
                return result
            finally:
                self._quota.record_calls()

    def _next_wait(self, error: GongError, failures: int) -> float:
        """Seconds to wait. Raises: BackfillError, if there is no use in another attempt."""
        permanent = isinstance(error, _PERMANENT) or not self._any_success
        if permanent or failures > len(RETRY_WAITS):
            raise BackfillError(
                f"{error.describe()}\nfetched days are kept: run the same command again to continue"
            ) from error
        return RETRY_WAITS[failures - 1]
