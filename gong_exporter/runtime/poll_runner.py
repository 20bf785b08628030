"""Runs polls and publishes what they fetch.

No thread and no schedule in here: ``--once`` uses it as it is, the poller calls it in its thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan, PollResult
from gong_exporter.activity.windows import WindowSpec, company_today, today_everywhere
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.runtime.day_history import DayHistory
from gong_exporter.runtime.detector import DetectorInput, DetectorProcess
from gong_exporter.runtime.drop_finder import DropFinder
from gong_exporter.runtime.gong_client import CallObserver, make_client
from gong_exporter.runtime.gong_roster import GongRoster
from gong_exporter.runtime.known_days import KnownDays
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.poll_log import PollLogger
from gong_exporter.runtime.published import CompanyData, Published
from gong_exporter.runtime.schedule import PollState
from gong_exporter.runtime.setup import (
    Setup,
    budget_problem,
    forecast_calls,
    redaction_policy,
    windows_to_poll,
)

FetchWindows = Callable[
    [PageSource, PollPlan, CompanyState, Clock, FilteringBoundLogger], PollResult
]
"""Fetches a plan's windows: activity's poll()."""


class PollRunner:
    """Runs polls, one at a time, in the thread of its caller.

    Only ``poll_state``, ``current()``, ``company_state`` and the errors of ``roster`` and ``drops``
    are for any thread.

    Attributes:
        parts: as given.
        roster: fetches the roster, if it is Gong's.
        drops: finds drops.
        poll_state: as of the last poll or configuration.
    """

    def __init__(
        self,
        parts: Parts,
        setup: Setup,
        *,
        fetch: FetchWindows = poll,
        start_detector: Callable[[DetectorInput], DetectorProcess] = DetectorProcess,
    ) -> None:
        self.parts = parts
        self._clock = parts.clock
        self._metrics = parts.metrics
        self._log = parts.log
        self._ledger = parts.state.ledger
        self._fetch = fetch
        self._data = CompanyData(parts, setup)
        days = KnownDays(parts)
        self._history = DayHistory(parts, days)
        self.roster = GongRoster(parts)
        self.drops = DropFinder(parts, data=self._data, days=days, start=start_detector)
        self._observer = CallObserver(parts.metrics)
        self._poll_log = PollLogger(parts)
        self._client: GongClient | None = None
        self._failed: tuple[str, ...] | None = None
        self.poll_state = self._new_poll_state()

    @property
    def company_state(self) -> CompanyState:
        """What polls learned about the company."""
        return self._data.company_state

    def refresh_roster(self, *, at_start: bool = False) -> bool:
        """Fetch the roster from Gong if that is due, and publish it.

        ``at_start``: the process just began to poll.

        Returns:
            Whether it was due.

        Raises:
            Stopped: the process stops, or a new configuration interrupts.
        """
        setup = self._data.setup
        if not self.roster.is_due(setup, at_start=at_start):
            return False
        if self.roster.refresh(setup):
            self.use(setup)
        return True

    def restore(self) -> None:
        """Serve what the state file contains, with its true timestamps."""
        self._data.load()
        self.roster.forget()
        self.use(self._data.setup)

    def use(self, setup: Setup) -> None:
        """Put a configuration in force. Data that answers its questions is still served."""
        self._close_client()
        setup = self.roster.applied_to(setup)
        if setup != self._data.setup:
            self.drops.stop()
        self.parts.redactor.use(redaction_policy(setup.config))
        self._client = self._new_client(setup)
        self._data.use(setup)
        self.purge_file()
        self._history.use(self._data.company)
        self._metrics.keep_windows(window.name for window in setup.plan.windows)
        for data in self._data.windows():
            self._metrics.window_succeeded(data.window, data.fetched_at)
        self._metrics.set_quota_limit(setup.limits.requests_per_day)
        self._metrics.set_roster_rows_skipped(setup.roster.skipped)
        self._poll_log.roster(self.current().roster_match)
        self._update_poll_state()

    def purge_file(self) -> None:
        """Delete excluded people from the state file, if it is this process's to write."""
        if self.parts.state.poller_lock.acquired:
            self._data.purge_file()
            self.roster.purge_file(self._data.setup)

    def current(self) -> Published:
        """What may be served now: data that became too old is dropped first."""
        return self._data.published()

    def blocked_until(self) -> float:
        """Unix time until which a Retry-After or the quota forbids a poll; 0 if neither does.

        Another process, or this one before a restart, may have got it or spent it.
        """
        now, limit = self._clock.now(), self._data.setup.limits.requests_per_day
        limited_until = self._ledger.limited_until(now)
        if limited_until:
            self._metrics.rate_limited_until(limited_until)
        calls = min(self.poll_state.budget.calls_per_poll, limit)
        return max(limited_until, self._ledger.quota_wait(now, limit, calls))

    def quota_is_spent(self) -> bool:
        """Whether the ledger has no call left today."""
        limit = self._data.setup.limits.requests_per_day
        return self._ledger.used(self._clock.now()) >= limit

    def run(self) -> PollResult | None:
        """One poll, from the first call to the published snapshot; None after a defect.

        Raises:
            Stopped: the process stops, or a new configuration interrupts the poll.
        """
        setup, windows = self._data.setup, self._windows_to_poll()
        began = self._clock.monotonic()
        self._metrics.poll_started(self._clock.now())
        client = self._client = self._client or self._new_client(setup)
        plan = replace(setup.plan, windows=windows)
        try:
            result = self._fetch(client, plan, self._data.company_state, self._clock, self._log)
            for data in result.windows:
                self._metrics.window_succeeded(data.window, data.fetched_at)
            self._poll_log.failures(result.failures)
            self._data.add(result)
        except Stopped:
            self._metrics.poll_abandoned()
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A defect of ours must not end the loop: it is counted, logged and tried again.
            self._poll_log.defect(error)
            self._ended(began, tuple(window.name for window in setup.plan.windows))
            return None
        arrived = {data.window for data in result.windows}
        failed = tuple(w.name for w in setup.plan.windows if w.name not in arrived)
        self._ended(began, failed)
        published = self.current()
        self._poll_log.ended(
            seconds=self._clock.monotonic() - began,
            windows=[data.window for data in result.windows],
            failed=failed,
            snapshot=published.snapshot,
        )
        self._poll_log.roster(published.roster_match)
        if self.parts.state.poller_lock.acquired:
            self._history.add_windows(self._data.company, result.windows)
        return result

    def advance_history(self) -> bool:
        """Fetch one page of the day history, if one is due, and find drops when it changed.

        Returns:
            Whether a page was due, so that there may be another one.

        Raises:
            Stopped: the process stops, or a new configuration interrupts.
        """
        client = self._client = self._client or self._new_client(self._data.setup)
        self._observer.counts_errors = False
        try:
            busy = self._history.advance(self._data.company, client)
        finally:
            self._observer.counts_errors = True
        self.drops.look(at_once=not busy)
        return busy

    def close(self) -> None:
        """End what runs beside the poller's thread, and close the connections to Gong."""
        self.drops.stop()
        self._close_client()

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _windows_to_poll(self) -> tuple[WindowSpec, ...]:
        now, zone = self._clock.now(), self._data.company.zone
        today = today_everywhere(now) if zone is None else company_today(now, zone)
        return windows_to_poll(self._data.setup, self._data.company_state, today)

    def _ended(self, began: float, failed: tuple[str, ...]) -> None:
        self._failed = failed
        self._metrics.poll_finished(duration=self._clock.monotonic() - began, failed=bool(failed))
        self._update_poll_state()
        problem = budget_problem(self.poll_state.setup, self.poll_state.budget)
        if problem:
            self._log.error(problem, polled_windows=",".join(self.poll_state.planned))

    def _update_poll_state(self) -> None:
        self.poll_state = self._new_poll_state()
        budget = self.poll_state.budget
        self._metrics.set_interval(budget.interval_in_effect)
        self._poll_log.interval(budget)

    def _new_poll_state(self) -> PollState:
        return PollState(
            setup=self._data.setup,
            budget=forecast_calls(self._data.setup, self._data.company_state),
            zone=self._data.company.zone,
            planned=tuple(window.name for window in self._windows_to_poll()),
            windows=self._data.windows(),
            failed=self._failed,
        )

    def _new_client(self, setup: Setup) -> GongClient:
        return make_client(
            setup,
            clock=self._clock,
            ledger=self._ledger,
            observer=self._observer,
            redactor=self.parts.redactor,
            log=self._log,
        )
