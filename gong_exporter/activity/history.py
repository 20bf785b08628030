"""The day history: which day to fetch next, and what the responses mean for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import DayInfo, DayRecord, counts_of_listing
from gong_exporter.activity.fetch import EMPTY_LISTING, Listing, everybody_steps, listing_steps
from gong_exporter.activity.listing import Steps
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.windows import DayRange, load_zone, same_days
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import InvalidResponse, UserNotFound

HISTORY_DAYS = 84
"""Days that the detector compares: twelve weeks."""

REFETCHED_DAYS = 3
"""Days for which Gong goes on counting. A day is fetched when it has ended, and on each of the
next three days."""

QUOTA_SHARE = 0.8
"""Share of ``requests_per_day`` above which the history makes no call. A new company's 84 days must
not spend what polls need, nor raise the alert about a quota that is nearly spent."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRequest:
    """A day to fetch.

    Attributes:
        day: the company day.
        ids: of whom; None for everybody.
        added: these people are added to those that the day covers already.
        unfiltered: list everybody, because Gong answers 404 to these ids.
        no_data: an earlier 404 for this day and these ids meant that none of them had data.
    """

    day: date
    ids: frozenset[str] | None
    added: bool = False
    unfiltered: bool = False
    no_data: bool = False


def next_request(
    known: Mapping[date, DayInfo],
    *,
    today: date,
    today_start: float,
    ids: frozenset[str] | None,
) -> DayRequest | None:
    """The day to fetch next, the newest first; None when all of HISTORY_DAYS are known.

    Args:
        known: the days that are known.
        today: the company's current day, which has not ended.
        today_start: Unix seconds at which it began.
        ids: the people that the days have to cover; None for everybody.
    """
    if ids is not None and not ids:
        return None
    unfiltered = any(info.filter_fails and info.covered == ids for info in known.values())
    for back in range(1, HISTORY_DAYS + 1):
        day = today - back * _ONE_DAY
        info = known.get(day)
        request = DayRequest(day=day, ids=ids, unfiltered=unfiltered)
        missing = None if info is None else _missing(info, ids)
        if info is None or missing is None:
            return request
        if missing:
            return DayRequest(day=day, ids=missing, added=True)
        if back <= 1 + REFETCHED_DAYS and info.fetched_at < today_start:
            return replace(request, no_data=info.no_data and info.covered == ids)
    return None


def _missing(info: DayInfo, ids: frozenset[str] | None) -> frozenset[str] | None:
    """The people that a day lacks; None if it has to be fetched as a whole."""
    if info.covered is None:
        return frozenset()
    return None if ids is None else ids - info.covered


def day_steps(
    source: PageSource,
    plan: PollPlan,
    company_state: CompanyState,
    request: DayRequest,
    zone: ZoneInfo,
    *,
    clock: Clock,
    log: FilteringBoundLogger,
) -> Steps[DayRecord]:
    """Fetch one day, and yield between its pages.

    A 404 to listed users is settled by one listing of everybody: it shows who of them had data.

    Raises:
        InvalidResponse: the pages do not agree, or are about another time zone.
        GongError: see listing_steps().
        Stopped: the process is stopping.
    """
    days = DayRange(request.day, request.day + _ONE_DAY)
    ids, filter_fails, no_data = request.ids, request.unfiltered, False
    if ids is None or request.unfiltered:
        listing = yield from everybody_steps(source, plan.filter(days), log)
    else:
        try:
            listing = yield from listing_steps(source, plan.filter(days, ids), log)
        except UserNotFound as error:
            no_data = True
            listing = replace(EMPTY_LISTING, pages=1, request_id=error.request_id)
            if not request.no_data:
                yield
                listing = yield from everybody_steps(source, plan.filter(days), log)
                no_data = ids.isdisjoint(user.user_id for user in listing.users)
                filter_fails = not no_data
    if plan.zone is None:  # a configured zone holds, whatever Gong says
        _check_zone(listing, days, zone)
    users = [
        user
        for user in listing.users
        if (ids is None or user.user_id in ids)
        and plan.selection.excluded.isdisjoint(company_state, user.user_id, user.email)
    ]
    return DayRecord(
        DayInfo(
            day=request.day,
            fetched_at=clock.now(),
            covered=ids,
            filter_fails=filter_fails,
            no_data=no_data,
        ),
        counts_of_listing(users),
    )


def merge(before: DayRecord, added: DayRecord) -> DayRecord:
    """A day with the people who were fetched later.

    The time is that of the first request, so that a recent day is fetched again as a whole.
    """
    covered = (before.info.covered or frozenset()) | (added.info.covered or frozenset())
    return DayRecord(
        DayInfo(
            day=before.info.day,
            fetched_at=before.info.fetched_at,
            covered=covered,
            filter_fails=before.info.filter_fails or added.info.filter_fails,
        ),
        {**before.counts, **added.counts},
    )


def known_days(known: Mapping[date, DayInfo]) -> list[date]:
    """The days that can be compared, newest first: those without a gap before the newest one."""
    found: list[date] = []
    day = max(known, default=date.min)
    while day in known and len(found) < HISTORY_DAYS:
        found.append(day)
        day -= _ONE_DAY
    return found


@dataclass(frozen=True, slots=True)
class HistoryCalls:
    """The calls that the history takes.

    Attributes:
        once: for the days that are not known yet.
        per_day: afterwards, every day.
    """

    once: int
    per_day: int


def history_calls(*, pages: int, missing: int, one_day_polled: bool) -> HistoryCalls:
    """The forecast of the history's calls, without retries and what settles a 404.

    Args:
        pages: of one day.
        missing: days that are not known yet.
        one_day_polled: whether polls bring the day that just ended.
    """
    fetched = REFETCHED_DAYS if one_day_polled else 1 + REFETCHED_DAYS
    return HistoryCalls(once=missing * pages, per_day=fetched * pages)


def _check_zone(listing: Listing, days: DayRange, zone: ZoneInfo) -> None:
    """A day of another time zone is another day. The next poll finds the zone that holds now."""
    stated = load_zone(listing.time_zone or "")
    if stated is not None and not same_days(stated, zone, days):
        raise InvalidResponse(
            f"the response is about days in {stated.key}, not in {zone.key}",
            request_id=listing.request_id,
        )
