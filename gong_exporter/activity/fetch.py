"""Fetches one listing: all of its pages, in agreement with each other, or an error."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from hashlib import sha256

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import PAGE_SIZE
from gong_exporter.activity.pages import PageSource, StatedRange, fetch_page
from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page, UserActivity

MAX_STARTS = 3
"""How often a listing is fetched from its first page before it fails."""

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
    """

    users: tuple[UserActivity, ...]
    time_zone: str | None
    pages: int
    stated: StatedRange | None = None
    request_id: str | None = None


EMPTY_LISTING = Listing(users=(), time_zone=None, pages=0)
"""No users, and no call was made."""


_CheckedPage = tuple[Page, StatedRange | None]


class _Inconsistent(Exception):
    """The pages contradict each other; fetching them again from the first one may help."""

    def __init__(self, problem: str, request_id: str | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.request_id = request_id


ListingSteps = Generator[None, None, Listing]
"""Fetches one page each time it is advanced, and returns the listing."""


def fetch_listing(source: PageSource, wanted: ActivityFilter, log: FilteringBoundLogger) -> Listing:
    """Fetch all pages for a filter, see listing_steps()."""
    steps = listing_steps(source, wanted, log)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            listing: Listing = end.value
            return listing


def listing_steps(
    source: PageSource, wanted: ActivityFilter, log: FilteringBoundLogger
) -> ListingSteps:
    """Fetch all pages for a filter, and yield after each but the last one.

    It starts again, up to MAX_STARTS times, if the pages disagree.

    It also starts again when Gong refuses a cursor with 400 or 404: the cursor has probably
    expired, for example during a long Retry-After.

    Args:
        source: the client.
        wanted: the filter; it is repeated with every cursor.
        log: a warning is logged for every new start.

    Raises:
        UserNotFound: 404 to the first page of the first start.
        InvalidResponse: no start gave a whole listing, or the listing is too large.
        GongError: whatever else ``source.page`` raises.
        Stopped: the process is stopping.
    """
    for start in range(1, MAX_STARTS + 1):
        try:
            return (yield from _fetch_pages(source, wanted, first_start=start == 1))
        except _Inconsistent as error:
            problem, request_id = error.problem, error.request_id
        if start < MAX_STARTS:
            log.warning("fetching the window again", reason=problem, request_id=request_id)
    raise InvalidResponse(
        f"{problem}; no whole listing in {MAX_STARTS} starts", request_id=request_id
    )


def _fetch_pages(source: PageSource, wanted: ActivityFilter, *, first_start: bool) -> ListingSteps:
    users: dict[str, UserActivity] = {}
    counters = 0
    cursors: set[bytes] = set()
    page, stated = _first_page(source, wanted, first_start=first_start)
    total, time_zone, pages = page.total_records, None, 1
    while True:
        if page.total_records != total:
            raise _Inconsistent("totalRecords changed from page to page", page.request_id)
        if len(page.users) != page.records_received:
            # The user without an id would be taken for one that Gong left out, and shown as 0.
            raise _Inconsistent("a record has no userId", page.request_id)
        counters += sum(len(user.counters) for user in page.users)
        _check_size(len(users) + len(page.users), counters, page.request_id)
        users_before = len(users)
        for user in page.users:
            _add(users, user, page.request_id)
        time_zone = page.time_zone or time_zone
        cursor = page.cursor
        if cursor is None:
            _check_complete(page, len(users))
            return Listing(
                users=tuple(users.values()),
                time_zone=time_zone,
                pages=pages if stated is None else 2 * pages,  # each was fetched twice
                stated=stated,
                request_id=page.request_id,
            )
        digest = sha256(cursor.encode(errors="surrogatepass")).digest()  # a cursor may be long
        if digest in cursors:
            raise _Inconsistent("the cursor of an earlier page is repeated", page.request_id)
        if len(users) == users_before:
            raise _Inconsistent("a page with a cursor has no new user", page.request_id)
        if pages == MAX_PAGES:
            # Starting again would cost as many calls and end the same way.
            raise InvalidResponse(f"more than {MAX_PAGES} pages", request_id=page.request_id)
        cursors.add(digest)
        yield
        page, stated_here = _next_page(source, wanted, cursor)
        if stated_here != stated:
            raise _Inconsistent("the pages state different ranges", page.request_id)
        pages += 1


def _check_size(users: int, counters: int, request_id: str | None) -> None:
    """Protect memory. The error ends the listing, because a new start would be as large."""
    if users > MAX_USERS:
        raise InvalidResponse(f"more than {MAX_USERS} users", request_id=request_id)
    if counters > MAX_COUNTERS:
        raise InvalidResponse(f"more than {MAX_COUNTERS} counters", request_id=request_id)


def _first_page(source: PageSource, wanted: ActivityFilter, *, first_start: bool) -> _CheckedPage:
    try:
        # A late response to an earlier request may be the reason for a new start.
        return fetch_page(source, wanted, new_connection=not first_start)
    except UserNotFound as error:
        if first_start:
            raise
        # The start before returned users, and they still have activity on the same days.
        raise _Inconsistent("404 to a listing that had users before", error.request_id) from error


def _next_page(source: PageSource, wanted: ActivityFilter, cursor: str) -> _CheckedPage:
    try:
        return fetch_page(source, wanted, cursor)
    except (BadRequest, UserNotFound) as error:
        raise _Inconsistent(f"{error.message} to a cursor", error.request_id) from error


def _add(users: dict[str, UserActivity], user: UserActivity, request_id: str | None) -> None:
    before = users.get(user.user_id)
    if before is None:
        users[user.user_id] = user
    elif before.counters != user.counters:
        raise _Inconsistent("a user is repeated with other numbers", request_id)
    elif before.email is None:
        users[user.user_id] = user


def _check_complete(last: Page, received: int) -> None:
    """Check that the last page ends a whole listing of ``received`` different users."""
    total, size = last.total_records, last.current_page_size
    if total is not None:
        if total != received:
            problem = f"totalRecords is {total}, but {received} users were received"
            raise _Inconsistent(problem, last.request_id)
    elif size is not None and size != last.records_received:
        problem = f"currentPageSize is {size}, but {last.records_received} users were received"
        raise _Inconsistent(problem, last.request_id)
    elif last.records_received >= PAGE_SIZE:
        raise _Inconsistent("a full page without totalRecords and without cursor", last.request_id)
