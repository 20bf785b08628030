"""Keeps the day history up to date: fetches days between polls, one page at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gong_exporter.activity.budget import DAY
from gong_exporter.activity.days import DayRecord, day_of_window
from gong_exporter.activity.history import (
    HISTORY_DAYS,
    QUOTA_SHARE,
    DayRequest,
    day_steps,
    known_days,
    next_request,
)
from gong_exporter.activity.listing import Steps
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.errors import GongError, NotSent, RateLimited
from gong_exporter.runtime.known_days import Basis, KnownDays
from gong_exporter.runtime.parts import Parts
from gong_exporter.runtime.published import Company
from gong_exporter.runtime.setup import Setup, forecast_calls, forecast_history

AFTER_MIDNIGHT = 600.0
"""Seconds into the company's new day before which its history goes on as on the day before. The
poll after midnight brings the day that just ended."""

FILL_SHARE, DAYS_AT_LEAST = 0.9, 5
"""Days are fetched as far as the calls of 24 hours, a day of polls included, stay below this share
of ``requests_per_day``. So many come in any case: a few are fetched again each day."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds to the next try after a failure; doubled each time."""


class DayHistory:
    """Fetches the days that are not known yet. For the poller's thread."""

    def __init__(self, parts: Parts, days: KnownDays) -> None:
        self._parts = parts
        self._days = days
        self._fetching: tuple[DayRequest, Steps[DayRecord]] | None = None
        self._basis = Basis()
        self._setup: Setup | None = None
        self._resume_at = -math.inf  # on the monotonic clock
        self._next_pause = FIRST_PAUSE
        self._filling = self._said_waiting = False

    def use(self, company: Company) -> None:
        """Read what is known about a company; see KnownDays.use()."""
        self._abandon()
        if company.setup != self._setup:
            self._setup = company.setup
            self._next_pause, self._resume_at = FIRST_PAUSE, -math.inf
        self._days.use(company)

    def add_windows(self, company: Company, windows: Iterable[WindowData]) -> None:
        """Save the day that just ended, if a poll brought a window of that one day."""
        try:
            if not self._days.update(company):
                return
            for window in windows:
                record = day_of_window(window)
                if record is not None:
                    self._save(company, record)
        except Exception:
            self._parts.log.exception("the day history broke down: a defect, please report it")

    def advance(self, company: Company, source: PageSource) -> bool:
        """Fetch the next page. Returns whether there was one to fetch.

        Failures are counted and logged; the day is tried again later.

        Raises:
            Stopped: the process stops, or a new configuration interrupts.
        """
        if self._parts.clock.monotonic() < self._resume_at:
            return False
        has_history = self._days.update(company)
        if self._days.basis != self._basis:
            self._abandon()
            self._basis = self._days.basis
        now = self._parts.clock.now()
        if not has_history or self._parts.state.ledger.limited_until(now) > now:
            return False  # a Retry-After forbids calls
        try:
            self._fetching = self._fetching or self._begin(company, source)
            if self._fetching is None:
                return False
            self._step(company, *self._fetching)
        except Stopped:
            self._abandon()
            raise
        except GongError as error:
            self._fail(error)
        except Exception as error:
            # A defect of ours must not end the poll loop.
            self._parts.log.exception("the day history broke down: a defect, please report it")
            self._fail(error)
        return True

    def _must_wait(self, company: Company) -> bool:
        """Whether the calls of a day are left to polls.

        A day is begun if all of its pages may be fetched: a cursor would expire in the meantime.
        """
        now, quota = self._parts.clock.now(), company.setup.limits.requests_per_day
        pages = forecast_history(company.setup, company.state, missing=1).once
        most = QUOTA_SHARE * quota
        if self._parts.state.ledger.used(now) + min(pages, most) > most:
            return True
        recent = sum(info.fetched_at > now - DAY for info in self._days.days.values())
        polls = forecast_calls(company.setup, company.state).calls_per_day_in_effect
        return recent >= DAYS_AT_LEAST and (recent + 1) * pages + polls > FILL_SHARE * quota

    def _begin(
        self, company: Company, source: PageSource
    ) -> tuple[DayRequest, Steps[DayRecord]] | None:
        """Begin with the next day. Returns None if there is none to fetch."""
        zone = company.zone
        if zone is None:
            return None
        known = self._days.days
        today = company_today(self._parts.clock.now() - AFTER_MIDNIGHT, zone)
        request = next_request(
            known, today=today, today_start=day_start(today, zone), ids=self._basis.ids
        )
        if request is None:
            if self._filling:
                self._filling = self._said_waiting = False
                self._parts.log.info("the day history is complete", days=len(known))
            return None
        if self._must_wait(company):
            if request.day not in known and not self._said_waiting:
                self._said_waiting = True
                self._parts.log.info(
                    "the day history waits, so that polls have their calls",
                    known_days=len(known_days(known)),
                    total_days=HISTORY_DAYS,
                )
            return None
        if not self._filling and request.day not in known:
            self._filling = True
            self._parts.log.info(
                "fetching the day history between polls",
                known_days=len(known_days(known)),
                total_days=HISTORY_DAYS,
            )
        return request, day_steps(
            source,
            company.setup.plan,
            company.state,
            request,
            zone,
            clock=self._parts.clock,
            log=self._parts.log,
        )

    def _step(self, company: Company, request: DayRequest, steps: Steps[DayRecord]) -> None:
        try:
            next(steps)
        except StopIteration as end:
            record: DayRecord | None = end.value
            self._abandon()
            if request.added and record is not None:
                record = self._days.merged(record)
            if record is None or self._save(company, record):
                self._next_pause = FIRST_PAUSE

    def _save(self, company: Company, record: DayRecord) -> bool:
        saved = self._days.save(company, record)
        if not saved:  # on a full disk, each try costs the calls of a day
            self._pause()
        return saved

    def _pause(self, at_least: float = 0.0) -> float:
        """Try again later. Returns in how many seconds."""
        pause = max(self._next_pause, at_least)
        self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)
        self._resume_at = self._parts.clock.monotonic() + pause
        return pause

    def _fail(self, error: Exception) -> None:
        day = self._fetching[0].day if self._fetching else None
        self._abandon()
        until = error.until if isinstance(error, RateLimited | NotSent) else None
        pause = self._pause(0.0 if until is None else until - self._parts.clock.now())
        self._parts.metrics.history_fetch_failed()
        if isinstance(error, GongError):
            self._parts.log.warning(
                "a day of the history could not be fetched",
                day=str(day),
                error=error.message,
                request_id=error.request_id,
                advice=error.advice or None,
                next_try_in_seconds=round(pause),
            )

    def _abandon(self) -> None:
        if self._fetching is not None:
            self._fetching[1].close()
        self._fetching = None
