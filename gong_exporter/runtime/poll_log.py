"""Log lines about polls; failures are kept for the status page as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.poll_plan import WindowFailure
from gong_exporter.activity.snapshot import Snapshot
from gong_exporter.common.problems import first_of
from gong_exporter.exposition.exporter_status import Failure
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.user_labels import RosterMatch


class PollLogger:
    """Logs what polls report. The log's processor redacts it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = parts.log
        self._unknown: tuple[str, ...] = ()
        self._roster_warned = False
        self._stretched = False

    def failures(self, failures: Iterable[WindowFailure]) -> None:
        """Log one line per reason, and keep the last failure for the page."""
        for failure in failures:
            error = failure.error
            reason = error.reason or type(error).__name__
            self._log.error(
                "no new data from Gong",
                windows=",".join(failure.windows),
                reason=reason,
                error=error.message,
                request_id=error.request_id,
                advice=error.advice or None,
            )
            self._keep(reason, error.message, error.request_id)

    def defect(self, error: Exception) -> None:
        """Log an exception that is not Gong's fault; while it is handled."""
        self._log.exception("the poll broke down: a defect, please report it")
        self._keep("defect", type(error).__name__, None)

    def ended(
        self,
        *,
        seconds: float,
        windows: Iterable[str],
        failed: Iterable[str],
        snapshot: Snapshot,
    ) -> None:
        """Log a poll, and once per change the listed users that Gong does not know."""
        self._log.info(
            "poll ended",
            seconds=round(seconds, 3),
            windows=",".join(windows) or "none",
            failed=",".join(failed) or "none",
            users=len(snapshot.users),
            unknown=len(snapshot.unknown),
        )
        self._unknown_users(snapshot.unknown)

    def _unknown_users(self, users: Sequence[str]) -> None:
        before, self._unknown = self._unknown, tuple(users)
        if not users or before == self._unknown:
            return
        self._log.warning(
            "listed users whom Gong has not named: no series for them",
            users=first_of(users),
            advice="check activity.users; they are looked for once a day",
        )

    def roster(self, match: RosterMatch) -> None:
        """Log that most people are not in the roster, once until it is better."""
        if match.warning and not self._roster_warned:
            self._log.warning(match.warning)
        self._roster_warned = bool(match.warning)

    def interval(self, budget: CallBudget) -> None:
        """Log that the interval is stretched, once until it is not any more."""
        if budget.stretched and not self._stretched:
            self._log.warning(
                "polling less often than configured, to keep gong.requests_per_day",
                interval=round(budget.interval),
                effective_interval=round(budget.interval_in_effect),
                calls_per_poll=budget.calls_per_poll,
                requests_per_day=budget.requests_per_day,
            )
        self._stretched = budget.stretched

    def _keep(self, reason: str, message: str, request_id: str | None) -> None:
        self._parts.metrics.failed(
            Failure(
                at=self._parts.clock.now(), reason=reason, message=message, request_id=request_id
            )
        )
