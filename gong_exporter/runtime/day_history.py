"""Keeps the day history up to date: fetches days between polls, one page at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.days import DayInfo, DayRecord, HistoryKey, day_of_window
from gong_exporter.activity.history import (
    HISTORY_DAYS,
    QUOTA_SHARE,
    DayRequest,
    DaySteps,
    day_steps,
    known_days,
    merge,
    next_request,
)
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.gong.errors import GongError, NotSent, RateLimited
from gong_exporter.gong.limits import Ledger
from gong_exporter.runtime.company import Company
from gong_exporter.runtime.setup import Setup, keeps_history
from gong_exporter.store import HistoryFile, SavedDays

AFTER_MIDNIGHT = 600.0
"""Seconds into the company's new day before which its history goes on as on the day before. The
poll after midnight brings the day that just ended."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds to the next try after a failure; doubled each time."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LoadedHistory:
    """The days to compare, as they are saved.

    Attributes:
        days: consecutive company days, newest first.
        saved: their counts.
        covered: whom all of these days are about; None for everybody.
    """

    days: tuple[date, ...]
    saved: SavedDays
    covered: frozenset[str] | None


class DayHistory:
    """The day history of the company in force. For the poller's thread.

    Args:
        history: the days in the state file.
        ledger: the calls made.
        clock: time and waits.
        metrics: for the progress and for failures.
        log: for the same.

    Attributes:
        changed: whether days or people have changed since load() was called last.
    """

    def __init__(
        self,
        *,
        history: HistoryFile,
        ledger: Ledger,
        clock: Clock,
        metrics: ExporterMetrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._history = history
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._key: HistoryKey | None = None
        self._known: dict[date, DayInfo] = {}
        self._ids: frozenset[str] | None = None
        self._excluded: frozenset[str] = frozenset()
        self._connection = -1
        self._request: DayRequest | None = None
        self._steps: DaySteps | None = None
        self._resume_at = -math.inf  # on the monotonic clock
        self._failures = 0
        self._filling = False
        self._cleaned = False
        self._setup: Setup | None = None
        self.changed = False

    @property
    def known(self) -> Mapping[date, DayInfo]:
        """The known days."""
        return self._known

    def use(self, company: Company, *, save: bool) -> None:
        """Read what is known about a company.

        Args:
            company: in force from now on.
            save: whether the state file is this process's to write. Then days and people that are
                not to be kept are deleted.
        """
        self._abandon()
        self._connection = -1  # read again: another process may have written
        if company.setup != self._setup:
            self._setup = company.setup
            self._failures, self._resume_at = 0, -math.inf
            self._cleaned = False
            self.changed = True
        self._update(company, save=save)

    def add_windows(self, company: Company, windows: Iterable[WindowData]) -> None:
        """Save the day that just ended, if a poll brought a window of that one day."""
        try:
            if not self._update(company, save=True):
                return
            for window in windows:
                record = day_of_window(window)
                if record is not None:
                    self._save(company, record)
        except Exception:  # noqa: BLE001 - a defect of ours must not end the poll loop
            self._log.exception("the day history broke down: a defect, please report it")

    def advance(self, company: Company, source: PageSource) -> bool:
        """Fetch the next page. Returns whether there was one to fetch.

        Failures are counted and logged; the day is tried again later.

        Raises:
            Stopped: the process stops, or a new configuration interrupts.
        """
        now = self._clock.monotonic()
        if (
            now < self._resume_at
            or not self._update(company, save=True)
            or self._must_wait(company)
        ):
            return False
        if self._steps is None and not self._begin(company, source):
            return False
        try:
            self._step(company)
        except Stopped:
            self._abandon()
            raise
        except GongError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - see below
            # A defect of ours must not end the poll loop.
            self._log.exception("the day history broke down: a defect, please report it")
            self._fail(error)
        return True

    def load(self, company: Company, *, save: bool) -> LoadedHistory | None:
        """Load the days that can be compared; None if there are none."""
        has_history = self._update(company, save=save)
        self.changed = False
        days = known_days(self._known)
        saved = self._history.load(days) if has_history and days else None
        if saved is None:
            return None
        listed = [covered for day in days if (covered := self._known[day].covered) is not None]
        return LoadedHistory(
            tuple(days), saved, frozenset.intersection(*listed) if listed else None
        )

    def _update(self, company: Company, *, save: bool) -> bool:
        """Follow changes of the company and of the file. Returns whether there is a history."""
        key = company.key
        if not keeps_history(company.setup) or key is None:
            if save and not self._cleaned and not company.setup.config.drops.enabled:
                self._cleaned = True
                if self._history.delete():
                    self._log.info("the day history was deleted, because drops.enabled is false")
            self._forget()
            return False
        if key != self._key or self._history.connections != self._connection:
            known = self._history.days(key)
            if known is None:
                self._forget()
                return False
            self._abandon()
            self.changed |= known != self._known or key != self._key
            self._key, self._known = key, dict(known)
            self._connection = self._history.connections
        ids, excluded = company.ids, company.excluded
        if (ids, excluded) != (self._ids, self._excluded):
            self._abandon()
            self._ids, self._excluded = ids, excluded
            self._cleaned = False
            self.changed = True
        if save and not self._cleaned and company.may_delete():
            self._cleaned = True
            self._delete_others(key)
        self._report(company)
        return True

    def _delete_others(self, key: HistoryKey) -> None:
        """Delete people who are not listed any more or are excluded, and read the days again."""
        ids, excluded = self._ids, self._excluded
        if ids is not None:
            deleted = self._history.keep_people(ids.__contains__, all_users=False)
        else:
            deleted = bool(excluded) and self._history.keep_people(
                lambda user_id: user_id not in excluded, all_users=True
            )
        if deleted:
            self._log.info("people who are not listed were deleted from the day history")
            self._known = dict(self._history.days(key) or {})
            self.changed = True

    def _must_wait(self, company: Company) -> bool:
        """Whether calls are left to polls, or forbidden by a Retry-After."""
        now, limits = self._clock.now(), company.setup.limits
        used = self._ledger.used(now)
        if used + 1 > QUOTA_SHARE * limits.requests_per_day:
            return True
        return self._ledger.limited_until(now) > now

    def _begin(self, company: Company, source: PageSource) -> bool:
        """Begin with the next day. Returns whether there is one to fetch."""
        zone = company.zone
        if zone is None:
            return False
        today = company_today(self._clock.now() - AFTER_MIDNIGHT, zone)
        self._request = next_request(
            self._known, today=today, today_start=day_start(today, zone), ids=self._ids
        )
        if self._request is None:
            if self._filling:
                self._filling = False
                self._log.info("the day history is complete", days=len(self._known))
            return False
        if not self._filling and self._request.day not in self._known:
            self._filling = True
            self._log.info(
                "fetching the day history between polls",
                known_days=len(known_days(self._known)),
                total_days=HISTORY_DAYS,
            )
        self._steps = day_steps(
            source,
            company.setup.plan,
            self._request,
            zone,
            clock=self._clock,
            log=self._log,
            excluded=company.excluded,
        )
        return True

    def _step(self, company: Company) -> None:
        if self._steps is None or self._request is None:
            return
        try:
            next(self._steps)
        except StopIteration as end:
            record: DayRecord = end.value
            request = self._request
            self._abandon()
            self._failures = 0
            if request.added:
                before = self._history.day(request.day)
                if before is None:
                    self._known.pop(request.day, None)  # fetched again as a whole
                    return
                record = merge(before, record)
            self._save(company, record)

    def _save(self, company: Company, record: DayRecord) -> None:
        if self._key is None:
            return
        day = record.info.day
        before = self._history.day(day) if day in self._known else None
        oldest = max([day, *self._known]) - HISTORY_DAYS * _ONE_DAY
        if not self._history.save(self._key, record, oldest):
            self._resume_at = self._clock.monotonic() + FIRST_PAUSE
            return
        if not self._known:
            self._log.info(
                "people and teams are scored for drops of activity from now on",
                advice="drops.enabled: false switches it off; drops.people: false scores only"
                " teams of at least five and the company",
            )
        self._known[day] = record.info
        self._known = {known: info for known, info in self._known.items() if known >= oldest}
        if (
            before is None
            or before.counts != record.counts
            or (before.info.covered != record.info.covered)
        ):
            self.changed = True
        self._log.debug("a day of the history is saved", day=str(day), people=len(record.counts))
        self._report(company)

    def _fail(self, error: Exception) -> None:
        day = self._request.day if self._request else None
        self._abandon()
        pause = min(FIRST_PAUSE * 2.0**self._failures, LONGEST_PAUSE)
        if isinstance(error, RateLimited | NotSent) and error.until is not None:
            pause = max(pause, error.until - self._clock.now())
        self._failures += 1
        self._resume_at = self._clock.monotonic() + pause
        self._metrics.history_fetch_failed()
        if isinstance(error, GongError):
            self._log.warning(
                "a day of the history could not be fetched",
                day=str(day),
                error=error.message,
                request_id=error.request_id,
                advice=error.advice or None,
                next_try_in_seconds=round(pause),
            )

    def _abandon(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._steps = self._request = None

    def _forget(self) -> None:
        self._abandon()
        self.changed |= bool(self._known)
        self._key, self._known, self._ids, self._connection = None, {}, None, -1
        self._metrics.set_history(None, None)

    def _report(self, company: Company) -> None:
        days = known_days(self._known)
        end = None
        if days and company.zone is not None:
            end = day_start(days[0] + _ONE_DAY, company.zone)
        self._metrics.set_history(len(days) / HISTORY_DAYS, end)
