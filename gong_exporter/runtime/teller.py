"""What polls have to say: to the log, and of failures to the status page as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.poll_plan import WindowFailure
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.exposition.metrics import Failure as LastFailure
from gong_exporter.gong.clock import Clock

UNKNOWN_NAMED = 10
"""Listed users unknown to Gong whom a log line names; a list may have thousands."""


class Teller:
    """Logs what polls report; the log redacts it.

    Args:
        log: is told.
        metrics: keeps the last failure.
        clock: the time.
    """

    def __init__(
        self,
        *,
        log: FilteringBoundLogger,
        metrics: ExporterMetrics,
        clock: Clock,
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._unknown: tuple[str, ...] = ()

    def failures(self, failures: Iterable[WindowFailure]) -> None:
        """One log line per reason, however many windows it cost, and the page's last failure."""
        for failure in failures:
            error = failure.error
            reason, message = error.reason or type(error).__name__, error.message
            self._log.error(
                "no new data from Gong",
                windows=",".join(failure.windows),
                reason=reason,
                error=message,
                request_id=error.request_id,
                advice=error.advice or None,
            )
            self._failed(reason, message, error.request_id)

    def defect(self, error: Exception) -> None:
        """A poll broke down, by no fault of Gong's. While the exception is handled."""
        self._log.exception("the poll broke down: a defect, please report it")
        self._failed("defect", type(error).__name__, None)

    def unknown(self, users: Sequence[str]) -> None:
        """Name the listed users whom Gong does not know, once per change of who they are."""
        told, self._unknown = self._unknown, tuple(users)
        if not users or told == self._unknown:
            return
        names = ", ".join(users[:UNKNOWN_NAMED])
        if len(users) > UNKNOWN_NAMED:
            names += f" and {len(users) - UNKNOWN_NAMED} more"
        self._log.warning(
            "listed users whom Gong has not named: no series for them",
            users=names,
            advice="check activity.users; they are looked for once a day",
        )

    def warn(self, message: str, request_id: str | None) -> None:
        """An oddity that was dealt with."""
        self._log.warning(message, request_id=request_id)

    def _failed(self, reason: str, message: str, request_id: str | None) -> None:
        self._metrics.failed(
            LastFailure(at=self._clock.now(), reason=reason, message=message, request_id=request_id)
        )
