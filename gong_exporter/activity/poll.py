"""One poll: fetches all windows of one company day.

The longest window comes first. It contains the others, so an unfiltered listing of it shows which
listed users Gong knows at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.poll_plan import PollPlan, PollResult, group_failures, without_traceback
from gong_exporter.activity.snapshot import WindowData, build_window
from gong_exporter.activity.window_fetcher import ENDS_POLL, WindowFetcher
from gong_exporter.activity.windows import DayRange, WindowSpec, company_today, load_zone, longest
from gong_exporter.activity.zone_check import ZoneCheck, ZoneMoved
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import BadRequest, GongError, NotSent, QuotaSpent, RateLimited
from gong_exporter.gong.limits import DAY


def poll(
    source: PageSource,
    plan: PollPlan,
    company_state: CompanyState,
    clock: Clock,
    log: FilteringBoundLogger,
    *,
    today: date | None = None,
) -> PollResult:
    """Fetch every window of the plan.

    Errors of Gong are returned in ``failures``, not raised.

    A backfill passes the company day in ``today``; otherwise it is the current one, determined
    once, at the start.

    Raises:
        Stopped: the process is stopping.
    """
    if company_state.host != plan.host:
        company_state = CompanyState(host=plan.host)
    return _Poll(source, plan, company_state, clock=clock, log=log, today=today).run()


class _Poll:
    """One poll: the plan, and what is known so far."""

    def __init__(
        self,
        source: PageSource,
        plan: PollPlan,
        company_state: CompanyState,
        *,
        clock: Clock,
        log: FilteringBoundLogger,
        today: date | None,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._log = log
        self._now = clock.now()
        self._today = today
        self._fetcher = WindowFetcher(source, plan, company_state, log)
        self._last_window = ""
        self._zone_check = ZoneCheck(source, plan, log, self._now)
        self._warned_about_range = False

    def run(self) -> PollResult:
        configured = self._plan.zone
        known = configured or load_zone(self._fetcher.company_state.time_zone or "")
        try:
            zone = known or self._zone_check.learn()
        except GongError as error:
            return self._result({}, {window.name: error for window in self._plan.windows})
        if known is None:
            self._remember_zone(zone)
        try:
            return self._fetch_windows(zone, zone_is_certain=known is None or bool(configured))
        except ZoneMoved as moved:
            zone = moved.zone
        self._log.warning("the company's time zone has changed", time_zone=zone.key)
        self._remember_zone(zone)
        return self._fetch_windows(zone, zone_is_certain=True)

    def _remember_zone(self, zone: ZoneInfo) -> None:
        self._fetcher.company_state = replace(self._fetcher.company_state, time_zone=zone.key)

    def _fetch_windows(self, zone: ZoneInfo, *, zone_is_certain: bool) -> PollResult:
        """Fetch all windows, the longest first. Raises: ZoneMoved, if the zone is not certain."""
        today = self._today or company_today(self._now, zone)
        first = longest(self._plan.windows, today)
        fetched: dict[str, WindowData] = {}
        failed: dict[str, GongError] = {}
        ended_by: GongError | None = None
        for window in (first, *(other for other in self._plan.windows if other != first)):
            if ended_by is not None:
                failed[window.name] = ended_by
                continue
            self._last_window = window.name
            days = window.range_on(today)
            try:
                fetched[window.name] = self._fetch_window(
                    window, days, today, zone, is_longest=window == first, certain=zone_is_certain
                )
            except GongError as error:
                failed[window.name] = without_traceback(error)
                if isinstance(error, ENDS_POLL):
                    ended_by = error
                elif isinstance(error, BadRequest) and not zone_is_certain:
                    self._zone_check.check_after_400(days, zone)
        return self._result(fetched, failed)

    def _fetch_window(
        self,
        window: WindowSpec,
        days: DayRange,
        today: date,
        zone: ZoneInfo,
        *,
        is_longest: bool,
        certain: bool,
    ) -> WindowData:
        fetched = self._fetcher.fetch(window, days, today, is_longest=is_longest)
        listing = fetched.listing
        stated_zone = self._zone_check.check(listing, days, zone, certain=certain)
        if stated_zone is not None:
            self._remember_zone(stated_zone)
        if listing.stated is not None and not self._warned_about_range:
            self._warned_about_range = True
            self._log.warning(
                "Gong states another range than requested, which is published",
                requested=f"{days.start} to {days.end}",
                stated=listing.stated.text,
                request_id=listing.request_id,
            )
        if fetched.cost is not None:
            state = self._fetcher.company_state
            pages = {**state.pages, window.name: fetched.cost}
            self._fetcher.company_state = replace(state, pages=pages)
        return build_window(
            window=window,
            days=days,
            zone=zone,
            listing=listing,
            covered=fetched.covered,
            fetched_at=self._clock.now(),
            fingerprint=self._plan.fingerprint,
            log=self._log,
        )

    def _result(
        self,
        fetched: Mapping[str, WindowData],
        failed: Mapping[str, GongError],
    ) -> PollResult:
        names = [window.name for window in self._plan.windows]
        ended_by = next((e for e in failed.values() if isinstance(e, ENDS_POLL)), None)
        retry_at = self._retry_at(ended_by)
        if isinstance(ended_by, QuotaSpent):
            self._remember_received_pages()
        return PollResult(
            windows=tuple(fetched[name] for name in names if name in fetched),
            company_state=self._fetcher.company_state,
            failures=group_failures((name, failed[name]) for name in names if name in failed),
            retry_at=retry_at,
        )

    def _remember_received_pages(self) -> None:
        """After the quota ended a listing: it has at least one page more than was received."""
        state, received = self._fetcher.company_state, self._fetcher.pages_received
        if self._last_window and received >= state.pages.get(self._last_window, 1):
            pages = {**state.pages, self._last_window: received + 1}
            self._fetcher.company_state = replace(state, pages=pages)

    def _retry_at(self, ended_by: GongError | None) -> float | None:
        """When to poll again, if Gong or the quota ended the poll."""
        if isinstance(ended_by, QuotaSpent) and ended_by.until is not None:
            # As soon as one call is free, a listing of many pages would use it and fail, again and
            # again. So wait until as many calls may be free as a poll needs. If the last listing
            # has more pages than was known, wait for twice as many as were received of it.
            pages = self._fetcher.company_state.pages
            received = self._fetcher.pages_received
            calls = sum(pages.get(window.name, 1) for window in self._plan.windows)
            if received >= pages.get(self._last_window, 1):
                calls = max(calls, 2 * received)
            return max(ended_by.until, self._clock.now() + min(calls * ended_by.spacing, DAY))
        return ended_by.until if isinstance(ended_by, RateLimited | NotSent) else None
