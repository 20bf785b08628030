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
from gong_exporter.activity.fetch import Listing, PageSource, fetch_page
from gong_exporter.activity.poll_plan import PollPlan, PollResult, group_failures
from gong_exporter.activity.snapshot import WindowData, build_window
from gong_exporter.activity.window_fetcher import ENDS_POLL, WindowFetcher
from gong_exporter.activity.windows import (
    DayRange,
    WindowSpec,
    company_today,
    load_zone,
    longest,
    longest_range,
    same_days,
    today_everywhere,
)
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    GongError,
    InvalidResponse,
    NotSent,
    QuotaSpent,
    RateLimited,
    UserNotFound,
)


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


class _ZoneMoved(Exception):
    """The company's time zone is not the one that the days were computed in."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__(zone.key)
        self.zone = zone


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
        self._zone_check = _ZoneCheck(source, plan, log, self._now)
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
        except _ZoneMoved as moved:
            zone = moved.zone
        self._log.warning("the company's time zone has changed", time_zone=zone.key)
        self._remember_zone(zone)
        return self._fetch_windows(zone, zone_is_certain=True)

    def _remember_zone(self, zone: ZoneInfo) -> None:
        self._fetcher.company_state = replace(self._fetcher.company_state, time_zone=zone.key)

    def _fetch_windows(self, zone: ZoneInfo, *, zone_is_certain: bool) -> PollResult:
        """Fetch all windows, the longest first. Raises: _ZoneMoved, if the zone is not certain."""
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
                failed[window.name] = error
                if isinstance(error, ENDS_POLL):
                    ended_by = error
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
        fetched = self._fetcher.fetch(days, today, is_longest=is_longest)
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
        if isinstance(ended_by, QuotaSpent):
            self._remember_received_pages()
        return PollResult(
            windows=tuple(fetched[name] for name in names if name in fetched),
            company_state=self._fetcher.company_state,
            failures=group_failures((name, failed[name]) for name in names if name in failed),
            retry_at=ended_by.until if isinstance(ended_by, RateLimited | NotSent) else None,
        )

    def _remember_received_pages(self) -> None:
        """After the quota ended a listing with more pages than known: it may have twice as many.

        The next poll waits until as many calls are free. Otherwise each call that becomes free
        would be spent on a first page.
        """
        state, received = self._fetcher.company_state, self._fetcher.pages_received
        if self._last_window and received >= state.pages.get(self._last_window, 1):
            pages = {**state.pages, self._last_window: 2 * received}
            self._fetcher.company_state = replace(state, pages=pages)


class _ZoneCheck:
    """The checks of one poll.

    It began at Unix time ``now``.
    """

    def __init__(
        self, source: PageSource, plan: PollPlan, log: FilteringBoundLogger, now: float
    ) -> None:
        self._source = source
        self._plan = plan
        self._log = log
        self._now = now
        self._warned = False

    def learn(self) -> ZoneInfo:
        """Learn the time zone, with a range that has ended everywhere on Earth.

        Raises:
            GongError: the request failed, or the response has no known time zone.
            Stopped: the process is stopping.
        """
        days = longest_range(self._plan.windows, today_everywhere(self._now))
        try:
            page, _ = fetch_page(self._source, self._plan.filter(days))
        except UserNotFound as error:
            raise InvalidResponse(
                "Gong has no activity to learn the company's time zone from: set gong.time_zone",
                request_id=error.request_id,
            ) from error
        zone = load_zone(page.time_zone or "")
        if zone is None:
            problem = (
                f"an unknown time zone {page.time_zone!r}" if page.time_zone else "no time zone"
            )
            raise InvalidResponse(
                f"the response has {problem}: set gong.time_zone", request_id=page.request_id
            )
        return zone

    def check(
        self, listing: Listing, days: DayRange, zone: ZoneInfo, *, certain: bool
    ) -> ZoneInfo | None:
        """Compare the stated time zone with the one that is used.

        ``zone`` is the one in which the days were computed. It is certain if it was configured or
        learned in this poll.

        Returns:
            The stated zone if it has the same days, perhaps under another name; otherwise None.

        Raises:
            _ZoneMoved: another one is stated, and ``zone`` is not certain.
            InvalidResponse: another one is stated, and ``zone`` was learned in this poll.
        """
        stated = load_zone(listing.time_zone or "")
        if stated is None:
            if listing.time_zone is not None:
                self._warn_once(
                    "the response has an unknown time zone", listing, time_zone=listing.time_zone
                )
            return None
        if same_days(stated, zone, days):
            return stated
        if self._plan.zone is not None:
            self._warn_once(
                "gong.time_zone differs from the company's time zone, in which Gong counts days",
                listing,
                configured=zone.key,
                company=stated.key,
                advice=f"set gong.time_zone to {stated.key}, or remove it",
            )
            return None
        if certain:
            raise InvalidResponse(
                f"Gong counts days in {stated.key} and, in the same poll, in {zone.key}",
                request_id=listing.request_id,
            )
        raise _ZoneMoved(stated)

    def _warn_once(self, message: str, listing: Listing, **values: str) -> None:
        if not self._warned:
            self._warned = True
            self._log.warning(message, request_id=listing.request_id, **values)
