"""The day history: which day to fetch next, and what the responses mean for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.days import DayInfo, DayRecord, counts_of_listing
from gong_exporter.activity.fetch import (
    Listing,
    PageSource,
    everybody_steps,
    listing_steps,
)
from gong_exporter.activity.listing import Steps
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


def next_day(
    known: Mapping[date, DayInfo],
    *,
    today: date,
    today_start: float,
    ids: frozenset[str] | None,
) -> date | None:
    """The day to fetch next, the newest first; None when all of HISTORY_DAYS are known.

    Args:
        known: the days that are known.
        today: the company's current day, which has not ended.
        today_start: Unix seconds at which it began.
        ids: the people that the days have to cover; None for everybody.
    """
    if ids is not None and not ids:
        return None
    for back in range(1, HISTORY_DAYS + 1):
        day = today - back * _ONE_DAY
        info = known.get(day)
        if info is None or not _covers(info, ids):
            return day
        if back <= 1 + REFETCHED_DAYS and info.fetched_at < today_start:
            return day
    return None


def _covers(info: DayInfo, ids: frozenset[str] | None) -> bool:
    return info.covered is None or (ids is not None and ids <= info.covered)


def day_steps(
    source: PageSource,
    plan: PollPlan,
    company_state: CompanyState,
    zone: ZoneInfo,
    *,
    day: date,
    ids: frozenset[str] | None,
    clock: Clock,
    log: FilteringBoundLogger,
) -> Steps[DayRecord]:
    """Fetch one day of these people, None for everybody, and yield between its pages.

    After a 404 to listed users, their numbers are taken from the listing of everybody.

    Raises:
        InvalidResponse: the pages do not agree, or are about another time zone.
        GongError: see listing_steps().
        Stopped: the process is stopping.
    """
    days = DayRange(day, day + _ONE_DAY)
    if ids is None:
        listing = yield from everybody_steps(source, plan.filter(days), log)
    else:
        try:
            listing = yield from listing_steps(source, plan.filter(days, ids), log)
        except UserNotFound:
            yield
            listing = yield from everybody_steps(source, plan.filter(days), log)
    if plan.zone is None:  # a configured zone holds, whatever Gong says
        _check_zone(listing, days, zone)
    users = [
        user
        for user in listing.users
        if (ids is None or user.user_id in ids)
        and plan.selection.excluded.isdisjoint(company_state, user.user_id, user.email)
    ]
    return DayRecord(
        DayInfo(day=day, fetched_at=clock.now(), covered=ids),
        counts_of_listing(users),
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
