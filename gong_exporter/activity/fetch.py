"""One whole window: all of its pages, in agreement with each other, or none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from gong_exporter.activity.budget import PAGE_SIZE
from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page, UserActivity

STARTS = 3
"""How often a window is begun before it is given up until the next poll."""

MAX_PAGES = 1_000
"""Pages after which a listing is taken for endless."""

MAX_USERS = 100_000
"""Users past which it is, too: so many are on as many pages as may be. Pages may be larger."""

MAX_COUNTERS = 20 * MAX_USERS
"""Counters of all its users together: the 15 documented ones of so many, and some to spare."""


class PageSource(Protocol):
    """What a listing needs of the client."""

    def page(self, wanted: ActivityFilter, cursor: str | None = None) -> Page:
        """One page. Raises: GongError, Stopped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Everybody Gong named for one filter, at one moment as far as anybody can tell.

    Attributes:
        users: each once.
        time_zone: ``timeZone`` of the answers.
        pages: answers it took, without those of abandoned starts.
        request_id: of the last page.
    """

    users: tuple[UserActivity, ...]
    time_zone: str | None
    pages: int
    request_id: str | None = None


class _Abandoned(Exception):
    """This start of the listing came to nothing; another one may not."""

    def __init__(self, what: str, request_id: str | None) -> None:
        super().__init__(what)
        self.what = what
        self.request_id = request_id


def fetch_listing(
    source: PageSource, wanted: ActivityFilter, warn: Callable[[str, str | None], None]
) -> Listing:
    """Fetch all pages for a filter; begin again, up to STARTS times, when they disagree.

    A cursor that Gong no longer takes (400 or 404 past the first page: it expired, perhaps
    during a Retry-After) begins the listing again as well.

    Args:
        source: the client.
        wanted: the filter, repeated with every cursor.
        warn: is told why a listing was begun again.

    Raises:
        UserNotFound: a 404 to the first page of the first start: nobody, or nobody known.
        InvalidResponse: no start came to a whole listing.
        GongError: a page could not be had; whatever ``source.page`` raises.
        Stopped: the process is stopping.
    """
    for start in range(1, STARTS + 1):
        try:
            return _walk(source, wanted, again=start > 1)
        except _Abandoned as problem:
            what, request_id = problem.what, problem.request_id
        if start < STARTS:
            warn(f"{what}; fetching the window again", request_id)
    raise InvalidResponse(f"{what}; no whole listing in {STARTS} starts", request_id=request_id)


def _walk(source: PageSource, wanted: ActivityFilter, *, again: bool) -> Listing:
    users: dict[str, UserActivity] = {}
    counters = 0
    cursors: set[bytes] = set()
    page = _first(source, wanted, again=again)
    total, time_zone, pages = page.total_records, None, 1
    while True:
        if page.total_records != total:
            raise _Abandoned("totalRecords changed from page to page", page.request_id)
        if len(page.users) != page.records_received:
            # Whoever it is would be taken for somebody whom Gong left out, and shown with 0.
            raise _Abandoned("a record names nobody", page.request_id)
        counters += sum(len(user.counters) for user in page.users)
        _check_weight(len(users) + len(page.users), counters, page.request_id)
        known = len(users)
        for user in page.users:
            _add(users, user, page.request_id)
        time_zone = page.time_zone or time_zone
        cursor = page.cursor
        if cursor is None:
            _check_whole(page, len(users))
            return Listing(
                users=tuple(users.values()),
                time_zone=time_zone,
                pages=pages,
                request_id=page.request_id,
            )
        mark = sha256(cursor.encode(errors="surrogatepass")).digest()  # a cursor may be long
        if mark in cursors:
            raise _Abandoned("the cursor of an earlier page came again", page.request_id)
        if len(users) == known:
            raise _Abandoned("a page with a cursor brought nobody new", page.request_id)
        if pages == MAX_PAGES:
            # To begin again would cost as much, for nothing.
            raise InvalidResponse(f"more than {MAX_PAGES} pages", request_id=page.request_id)
        cursors.add(mark)
        page = _next(source, wanted, cursor)
        pages += 1


def _check_weight(users: int, counters: int, request_id: str | None) -> None:
    """Whether memory can hold them. Not _Abandoned: to begin again would weigh as much."""
    if users > MAX_USERS:
        raise InvalidResponse(f"more than {MAX_USERS} users", request_id=request_id)
    if counters > MAX_COUNTERS:
        raise InvalidResponse(f"more than {MAX_COUNTERS} counters", request_id=request_id)


def _first(source: PageSource, wanted: ActivityFilter, *, again: bool) -> Page:
    try:
        return source.page(wanted)
    except UserNotFound as error:
        if not again:
            raise
        # The start before named people: what was true then is true for the same days now.
        raise _Abandoned("404 to a listing that had users before", error.request_id) from error


def _next(source: PageSource, wanted: ActivityFilter, cursor: str) -> Page:
    try:
        return source.page(wanted, cursor)
    except (BadRequest, UserNotFound) as error:
        raise _Abandoned(f"{error.message} to a cursor", error.request_id) from error


def _add(users: dict[str, UserActivity], user: UserActivity, request_id: str | None) -> None:
    before = users.get(user.user_id)
    if before is None:
        users[user.user_id] = user
    elif before.counters != user.counters:
        raise _Abandoned("a user came twice with different numbers", request_id)
    elif before.email is None:
        users[user.user_id] = user


def _check_whole(last: Page, received: int) -> None:
    """Whether the last page ends a whole listing of ``received`` different users."""
    total, size = last.total_records, last.current_page_size
    if total is not None:
        if total != received:
            problem = f"totalRecords is {total}, but {received} users came"
            raise _Abandoned(problem, last.request_id)
    elif size is not None and size != last.records_received:
        problem = f"currentPageSize is {size}, but {last.records_received} users came"
        raise _Abandoned(problem, last.request_id)
    elif last.records_received >= PAGE_SIZE:
        raise _Abandoned("neither totalRecords nor a cursor with a full page", last.request_id)
