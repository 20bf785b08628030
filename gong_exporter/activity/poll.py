"""One poll: fetches all windows of one company day.

The longest window comes first: it contains the others, so an unfiltered listing of it settles
which listed users Gong knows at all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import Listing, PageSource
from gong_exporter.activity.poll_plan import (
    ENDS_THE_POLL,
    PollPlan,
    PollResult,
    Warn,
    WindowFailure,
    without_traceback,
)
from gong_exporter.activity.snapshot import WindowData, window_data
from gong_exporter.activity.window_fetcher import WindowFetcher
from gong_exporter.activity.windows import (
    DayRange,
    WindowSpec,
    company_today,
    longest,
    today_everywhere,
)
from gong_exporter.activity.zones import in_words, load_zone, same_days
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import (
    BadRequest,
    GongError,
    InvalidResponse,
    NotSent,
    QuotaSpent,
    RateLimited,
    UserNotFound,
)
from gong_exporter.gong.limits import DAY

__all__ = ["PollPlan", "PollResult", "Warn", "WindowFailure", "load_zone", "poll"]


def poll(
    source: PageSource,
    plan: PollPlan,
    company_state: CompanyState,
    clock: Clock,
    warn: Warn,
    *,
    today: date | None = None,
) -> PollResult:
    """Fetch every window of the plan.

    No error of Gong's leaves it: each is in ``failures``. ``today`` is fixed at the start.

    Args:
        source: the client.
        plan: what to ask for.
        company_state: what earlier polls learned.
        clock: time and waits.
        warn: is told of oddities.
        today: a company day to ask as if it were today (a backfill's); None for the current one.

    Raises:
        Stopped: the process is stopping.
    """
    if company_state.host != plan.host:
        company_state = CompanyState(host=plan.host)
    return _Poll(source, plan, company_state, clock=clock, warn=warn, today=today).run()


class _ZoneMoved(Exception):
    """The company's zone is another than we thought, so its days are others as well."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__(zone.key)
        self.zone = zone


class _Poll:
    """The state of one poll: what is known so far, and what it asks next."""

    def __init__(
        self,
        source: PageSource,
        plan: PollPlan,
        company_state: CompanyState,
        *,
        clock: Clock,
        warn: Warn,
        today: date | None,
    ) -> None:
        self._source = source
        self._plan = plan
        self._clock = clock
        self._now = clock.now()
        self._today = today
        self._warn = warn
        self._fetcher = WindowFetcher(source, plan, company_state, warn)
        self._last = ""  # the window last asked for
        self._wondered = False
        self._asked_whether_moved = False

    def run(self) -> PollResult:
        configured = self._plan.zone
        known = configured or load_zone(self._fetcher.company_state.time_zone or "")
        try:
            zone = known or self._learned_zone()
        except GongError as error:
            return self._nothing(error)
        try:
            return self._windows(zone, sure=known is None or configured is not None)
        except _ZoneMoved as moved:
            self._warn(f"the company's time zone is now {moved.zone.key}", None)
            self._remember_zone(moved.zone.key)
            return self._windows(moved.zone, sure=True)

    def _learned_zone(self) -> ZoneInfo:
        """The company's zone, asked for with a range that is over everywhere on Earth."""
        over = today_everywhere(self._now)
        days = longest(self._plan.windows, over).on(over)
        if days.empty:
            days = WindowSpec("1d", 1).on(over)
        try:
            page = self._source.page(self._fetcher.filter(days))
        except UserNotFound as error:
            raise InvalidResponse(
                "Gong has no activity to learn the company's time zone from: set gong.time_zone",
                request_id=error.request_id,
            ) from error
        zone = load_zone(page.time_zone or "")
        if zone is None:
            named = (
                f"an unknown time zone, {in_words(page.time_zone)}"
                if page.time_zone
                else "no time zone"
            )
            raise InvalidResponse(
                f"Gong names {named}: set gong.time_zone", request_id=page.request_id
            )
        self._remember_zone(zone.key)
        return zone

    def _remember_zone(self, name: str) -> None:
        self._fetcher.company_state = replace(self._fetcher.company_state, time_zone=name)

    def _nothing(self, error: GongError) -> PollResult:
        """No window could be asked for."""
        names = tuple(window.name for window in self._plan.windows)
        return self._result({}, (WindowFailure(windows=names, error=error),), error, None)

    def _windows(self, zone: ZoneInfo, *, sure: bool) -> PollResult:
        """Fetch them, the longest first. Raises: _ZoneMoved, unless ``sure`` of the zone."""
        today = self._today or company_today(self._now, zone)
        first = longest(self._plan.windows, today)
        arrived: dict[str, WindowData] = {}
        failed: dict[str, GongError] = {}
        ended: GongError | None = None
        for window in (first, *(other for other in self._plan.windows if other != first)):
            if ended is not None:
                failed[window.name] = ended
                continue
            self._last = window.name
            try:
                days = window.on(today)
                asked = self._fetcher.window(window, days, today, is_longest=window == first)
                self._check_zone(asked.listing, days, zone, sure=sure)
            except GongError as error:
                failed[window.name] = without_traceback(error)
                if isinstance(error, ENDS_THE_POLL):
                    ended = error
                elif isinstance(error, BadRequest) and not sure:
                    self._ask_whether_zone_moved(days, zone)
            else:
                self._note_cost(window, asked.cost)
                arrived[window.name] = window_data(
                    window=window,
                    days=days,
                    zone=zone,
                    listing=asked.listing,
                    covered=asked.covered,
                    fetched_at=self._clock.now(),
                    fingerprint=self._plan.fingerprint,
                    warn=lambda message: self._warn(message, None),
                )
        return self._result(arrived, self._grouped(failed), ended, zone)

    def _check_zone(self, listing: Listing, days: DayRange, zone: ZoneInfo, *, sure: bool) -> None:
        """Gong says with every answer what the zone is: believe it, or wonder aloud, once."""
        told = load_zone(listing.time_zone or "")
        if told is None:
            if listing.time_zone is not None:
                named = in_words(listing.time_zone)
                self._wonder(f"Gong names an unknown time zone, {named}", listing)
        elif not same_days(told, zone, days):
            if self._plan.zone is not None:
                self._wonder(
                    f"gong.time_zone is {zone.key}, but Gong counts the company's days in"
                    f" {told.key}: set it to {told.key}, or remove it",
                    listing,
                )
            elif sure:
                raise InvalidResponse(
                    f"Gong counts days in {told.key} and, in the same poll, in {zone.key}",
                    request_id=listing.request_id,
                )
            else:
                raise _ZoneMoved(told)
        else:
            self._remember_zone(told.key)

    def _ask_whether_zone_moved(self, days: DayRange, zone: ZoneInfo) -> None:
        """Gong refused a range. Perhaps it is not over: the company moved to a later zone.

        Once in a poll: of a company that did not move, every window may be refused.
        """
        if self._asked_whether_moved:
            return
        self._asked_whether_moved = True
        try:
            told = self._learned_zone()
        except GongError as error:
            self._warn(f"asking for the company's time zone: {error.message}", error.request_id)
            return
        if not same_days(told, zone, days):
            raise _ZoneMoved(told)

    def _wonder(self, message: str, listing: Listing) -> None:
        if not self._wondered:
            self._wondered = True
            self._warn(message, listing.request_id)

    def _note_cost(self, window: WindowSpec, calls: int | None) -> None:
        if calls is not None:
            company_state = self._fetcher.company_state
            pages = {**company_state.pages, window.name: calls}
            self._fetcher.company_state = replace(company_state, pages=pages)

    def _result(
        self,
        arrived: dict[str, WindowData],
        failures: tuple[WindowFailure, ...],
        ended: GongError | None,
        zone: ZoneInfo | None,
    ) -> PollResult:
        return PollResult(
            windows=tuple(
                arrived[window.name] for window in self._plan.windows if window.name in arrived
            ),
            company_state=self._fetcher.company_state,
            failures=failures,
            retry_at=self._retry_at(ended),
            zone=zone,
        )

    def _retry_at(self, ended: GongError | None) -> float | None:
        """When to poll again, if it was Gong or the quota that ended the poll."""
        if isinstance(ended, QuotaSpent) and ended.until is not None:
            # When one call is free, a listing of many pages would use it up and come to nothing,
            # again and again. So wait until as many may be free as a poll takes; where that turns
            # out to be more than was known, until twice as many as came to nothing.
            pages = self._fetcher.company_state.pages
            calls = sum(pages.get(window.name, 1) for window in self._plan.windows)
            if self._fetcher.came >= pages.get(self._last, 1):
                calls = max(calls, 2 * self._fetcher.came)
            return max(ended.until, self._clock.now() + min(calls * ended.spacing, DAY))
        return ended.until if isinstance(ended, RateLimited | NotSent) else None

    def _grouped(self, failed: dict[str, GongError]) -> tuple[WindowFailure, ...]:
        """One failure per reason and message, so that one cause is one log line."""
        groups: dict[tuple[str, str], list[str]] = {}
        errors: dict[tuple[str, str], GongError] = {}
        for window in self._plan.windows:
            if (error := failed.get(window.name)) is not None:
                key = (error.reason, error.message)
                groups.setdefault(key, []).append(window.name)
                errors.setdefault(key, error)
        return tuple(
            WindowFailure(windows=tuple(names), error=errors[key]) for key, names in groups.items()
        )
