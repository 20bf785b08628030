"""Fetches one listing: all of its pages, in agreement with each other, or an error.

A response can be about another range than the requested one. For example, a proxy may send the
response to an earlier request late, on a connection that is kept open; then all following responses
are wrong too. How Gong itself states ranges has not been seen at the live API, so a small
difference is accepted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.listing import (
    Inconsistent,
    PartialListing,
    Steps,
    listing_starts,
    run_steps,
)
from gong_exporter.activity.windows import day_start, load_zone
from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, ActivityPage, UserActivity

MAX_DIFFERENCE = 36 * 3600.0
"""Seconds by which a stated start or end may differ from the requested one."""

_ONE_DAY = timedelta(days=1)


class PageSource(Protocol):
    """The part of the client that fetches pages."""

    def page(
        self, wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
    ) -> ActivityPage:
        """Fetch one page. Raises: GongError, Stopped."""
        ...


@dataclass(frozen=True, slots=True)
class StatedRange:
    """The range that a response states, if it is not the requested one.

    Attributes:
        start: Unix seconds.
        end: Unix seconds.
        difference: seconds by which the start or the end differs, whichever is more.
        text: the range for a message, in the response's own time zone.
    """

    start: float
    end: float
    difference: float
    text: str


def fetch_page(
    source: PageSource,
    wanted: ActivityFilter,
    cursor: str | None = None,
    *,
    new_connection: bool = False,
) -> tuple[ActivityPage, StatedRange | None]:
    """Fetch one page, and once more on a new connection if it is about another range.

    On a new connection, no response to an earlier request can arrive.

    Returns:
        The page, and the range that it states if that still differs.

    Raises:
        InvalidResponse: the stated range differs by more than MAX_DIFFERENCE.
        GongError: whatever else ``source.page`` raises.
        Stopped: the process is stopping.
    """
    page = source.page(wanted, cursor, new_connection=new_connection)
    if compare_range(page, wanted) is None:
        return page, None
    page = source.page(wanted, cursor, new_connection=True)
    stated = compare_range(page, wanted)
    if stated is not None and stated.difference > MAX_DIFFERENCE:
        raise InvalidResponse(
            f"the response states another range than the requested one: {stated.text}",
            request_id=page.request_id,
        )
    return page, stated


def compare_range(page: ActivityPage, wanted: ActivityFilter) -> StatedRange | None:
    """The range that the page states; None if it is the requested one, absent, or malformed.

    Dates are those in the response's own time zone. The end may be stated as the end itself, or as
    any time of the day before.
    """
    start, end = _parse(page.from_date_time, page), _parse(page.to_date_time, page)
    first, last = start or end, end or start
    if first is None or last is None:
        return None
    wanted_start = day_start(wanted.from_date, first.tzinfo or UTC)
    wanted_end = day_start(wanted.to_date, last.tzinfo or UTC)
    stated_start = wanted_start if start is None else start.timestamp()
    stated_end = wanted_end if end is None else end.timestamp()
    # The first moment of a day has another date where clocks skip the whole day.
    start_agrees = stated_start == wanted_start or first.date() == wanted.from_date
    end_agrees = stated_end == wanted_end or last.date() == wanted.to_date - _ONE_DAY
    if start_agrees and end_agrees:
        return None
    difference = max(
        abs(stated_start - wanted_start),
        stated_end - wanted_end,
        wanted_end - _ONE_DAY.total_seconds() - stated_end,
    )
    if stated_start >= stated_end:
        difference = math.inf
    text = f"{(start or wanted.from_date).isoformat()} to {(end or wanted.to_date).isoformat()}"
    return StatedRange(start=stated_start, end=stated_end, difference=difference, text=text)


def _parse(text: str | None, page: ActivityPage) -> datetime | None:
    """A stated time in the response's own time zone; None if it is absent or malformed."""
    try:
        moment = datetime.fromisoformat(text or "")
        zone = load_zone(page.time_zone or "") or moment.tzinfo
        if zone is None:
            return None
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


MAX_PAGES = 1_000
"""A listing with more pages is taken to be endless."""

MAX_USERS = 100_000
"""A listing with more users is taken to be endless too, because pages may be larger than usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All users that Gong returned for one filter.

    Attributes:
        users: each once.
        time_zone: ``timeZone`` of the responses.
        pages: number of calls, without those of abandoned starts.
        stated: the range that the responses state, if it is not the requested one.
        request_id: ``requestId`` of the last page.
        excluded: marks (``user_mark``) of the users that were taken out of it afterwards.
    """

    users: tuple[UserActivity, ...]
    time_zone: str | None
    pages: int
    stated: StatedRange | None = None
    request_id: str | None = None
    excluded: frozenset[str] = frozenset()


EMPTY_LISTING = Listing(users=(), time_zone=None, pages=0)
"""No users, and no call was made."""


_CheckedPage = tuple[ActivityPage, StatedRange | None]


def fetch_listing(source: PageSource, wanted: ActivityFilter, log: FilteringBoundLogger) -> Listing:
    """Fetch all pages for a filter, see listing_steps()."""
    return run_steps(listing_steps(source, wanted, log))


def listing_steps(
    source: PageSource, wanted: ActivityFilter, log: FilteringBoundLogger
) -> Steps[Listing]:
    """Fetch all pages for a filter, and yield after each but the last one.

    It starts again, up to MAX_STARTS times, if the pages disagree.

    It also starts again when Gong refuses a cursor with 400 or 404: the cursor has probably
    expired, for example during a long Retry-After.

    A warning is logged for every new start.

    Raises:
        UserNotFound: 404 to the first page of the first start.
        InvalidResponse: no start gave a whole listing, or the listing is too large.
        GongError: whatever else ``source.page`` raises.
        Stopped: the process is stopping.
    """
    return listing_starts(
        lambda first_start: _fetch_pages(source, wanted, first_start=first_start),
        "fetching the window again",
        log,
    )


def everybody_steps(
    source: PageSource, wanted: ActivityFilter, log: FilteringBoundLogger
) -> Steps[Listing]:
    """All users with activity, see listing_steps(). Two 404s in a row mean that there are none.

    One is not enough, because it sets the numbers of all users to 0.
    """
    try:
        return (yield from listing_steps(source, wanted, log))
    except UserNotFound:
        yield
    try:
        return (yield from listing_steps(source, wanted, log))
    except UserNotFound as error:
        return replace(EMPTY_LISTING, pages=2, request_id=error.request_id)


def _fetch_pages(
    source: PageSource, wanted: ActivityFilter, *, first_start: bool
) -> Steps[Listing]:
    received = PartialListing(MAX_USERS, _same_numbers)
    page, stated = _first_page(source, wanted, first_start=first_start)
    time_zone = None
    while True:
        received.add(page, size=page.current_page_size)
        time_zone = page.time_zone or time_zone
        if page.cursor is None:
            return Listing(
                users=tuple(received.users.values()),
                time_zone=time_zone,
                pages=received.pages if stated is None else 2 * received.pages,  # fetched twice
                stated=stated,
                request_id=page.request_id,
            )
        if received.pages == MAX_PAGES:
            # Starting again would cost as many calls and end the same way.
            raise InvalidResponse(f"more than {MAX_PAGES} pages", request_id=page.request_id)
        yield
        page, stated_here = _next_page(source, wanted, page.cursor)
        if stated_here != stated:
            raise Inconsistent("the pages state different ranges", page.request_id)


def _same_numbers(before: UserActivity, again: UserActivity) -> UserActivity | None:
    if before.counters != again.counters:
        return None
    return again if before.email is None else before


def _first_page(source: PageSource, wanted: ActivityFilter, *, first_start: bool) -> _CheckedPage:
    try:
        # A late response to an earlier request may be the reason for a new start.
        return fetch_page(source, wanted, new_connection=not first_start)
    except UserNotFound as error:
        if first_start:
            raise
        # The start before returned users, and they still have activity on the same days.
        raise Inconsistent("404 to a listing that had users before", error.request_id) from error


def _next_page(source: PageSource, wanted: ActivityFilter, cursor: str) -> _CheckedPage:
    try:
        return fetch_page(source, wanted, cursor)
    except (BadRequest, UserNotFound) as error:
        raise Inconsistent(f"{error.message} to a cursor", error.request_id) from error
