"""Asks Gong, and does not give up: waits that it asks for, a spent quota, a bad quarter hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gong_exporter.backfill.errors import BackfillError
from gong_exporter.backfill.progress import Progress
from gong_exporter.backfill.quota import Quota
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

PAUSES = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds between attempts that failed, each with the client's own retries."""

AGAIN = "what was fetched is kept: run the same command again to go on"

_FOR_SOMEBODY_TO_MEND = (Unauthorized, Forbidden, Redirected)

T = TypeVar("T")


class Asker:
    """Repeats what can be repeated.

    Args:
        clock: waits.
        quota: keeps to the backfill's share.
        progress: is told of waits.
        shown: from words that quote Gong to what may be shown of them.
    """

    def __init__(
        self, *, clock: Clock, quota: Quota, progress: Progress, shown: Callable[[str], str]
    ) -> None:
        self._clock = clock
        self._quota = quota
        self._progress = progress
        self._shown = shown
        self._answered = False

    def insist(self, attempt: Callable[[], T], pages: int) -> T:
        """Make an attempt until it succeeds, or it is plain that it will not.

        Args:
            attempt: raises a GongError when it came to nothing.
            pages: calls that it takes, about: a listing cannot be walked in parts, so they have
                to be free before it begins.

        Raises:
            BadRequest: Gong refuses the question.
            UserNotFound: Gong knows nobody who was asked for.
            BackfillError: it cannot succeed, or did not in half an hour.
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
                    pages *= 2  # it takes more than was thought, or somebody else called
                if until is None:
                    failures += 1
                    until = self._clock.now() + self._pause(error, failures)
                self._wait(until, error)
            else:
                self._answered = True
                return result
            finally:
                self._quota.note()

    def _pause(self, error: GongError, failures: int) -> float:
        lasting = isinstance(error, (*_FOR_SOMEBODY_TO_MEND, NotSent))
        if lasting or not self._answered or failures > len(PAUSES):
            raise BackfillError(f"{self.words(error)}\n{AGAIN}") from error
        return PAUSES[failures - 1]

    def _wait(self, until: float, error: GongError) -> None:
        self._progress.waiting(until, self._shown(error.message))
        self._clock.wait(max(0.0, until - self._clock.now()))
        self._progress.going_on()

    def words(self, error: GongError) -> str:
        """An error for people: what happened, Gong's requestId, and what to do about it."""
        request = f" (requestId {error.request_id})" if error.request_id else ""
        advice = f"\n  {error.advice}" if error.advice else ""
        return f"{self._shown(error.message)}{request}{advice}"
