"""Fetches one listing: all of its pages, in agreement with each other, or an error."""

from __future__ import annotations

from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.listing import (
    Inconsistent,
    PartialListing,
    Steps,
    listing_starts,
    run_steps,
)
from gong_exporter.activity.pages import PageSource, StatedRange, fetch_page
from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, ActivityPage, UserActivity

MAX_PAGES = 1_000
"""A listing with more pages is taken to be endless."""

MAX_USERS = 100_000
"""A listing with more users is taken to be endless too, because pages may be larger than usual."""

MAX_COUNTERS = 20 * MAX_USERS
"""Counters of all users of a listing: the 15 documented ones, and a reserve for new ones."""


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
    time_zone, counters = None, 0
    while True:
        counters += sum(len(user.counters) for user in page.users)
        if counters > MAX_COUNTERS:  # as with too many users, a new start would not help
            raise InvalidResponse(f"more than {MAX_COUNTERS} counters", request_id=page.request_id)
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
