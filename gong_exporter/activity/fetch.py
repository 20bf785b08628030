"""One whole window: all of its pages, in agreement with each other, or none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.records import ActivityFilter, Page, UserActivity

STARTS = 3
"""How often a window is begun before it is given up until the next poll."""

MAX_PAGES = 5_000
"""Pages after which a listing is taken for endless: half a million users."""


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


class _Disagreement(Exception):
    """Two pages do not belong to the same listing."""

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
        InvalidResponse: the pages still disagreed at the last start.
        GongError: a page could not be had; whatever ``source.page`` raises.
        Stopped: the process is stopping.
    """
    start = 1
    while True:
        try:
            return _walk(source, wanted)
        except _Disagreement as problem:
            if start == STARTS:
                raise InvalidResponse(
                    f"{problem.what}, {STARTS} times over", request_id=problem.request_id
                ) from None
            warn(f"{problem.what}; fetching the window again", problem.request_id)
        except _CursorRefused as problem:
            if start == STARTS:
                raise problem.error from None
            warn("the cursor was refused; fetching the window again", problem.error.request_id)
        start += 1


class _CursorRefused(Exception):
    def __init__(self, error: BadRequest | UserNotFound) -> None:
        super().__init__(error.message)
        self.error = error


def _walk(source: PageSource, wanted: ActivityFilter) -> Listing:
    users: dict[str, UserActivity] = {}
    nameless = 0
    cursors: set[str] = set()
    cursor: str | None = None
    total: int | None = None
    for number in range(1, MAX_PAGES + 1):
        page = _page(source, wanted, cursor)
        if number == 1:
            total = page.total_records
        elif page.total_records != total:
            raise _Disagreement("totalRecords changed from page to page", page.request_id)
        nameless += page.records_received - len(page.users)
        for user in page.users:
            _add(users, user, page.request_id)
        cursor = page.cursor
        if cursor is None:
            _check_total(page, total, len(users) + nameless)
            return Listing(
                users=tuple(users.values()),
                time_zone=page.time_zone,
                pages=number,
                request_id=page.request_id,
            )
        if cursor in cursors:
            raise _Disagreement("the cursor of an earlier page came again", page.request_id)
        cursors.add(cursor)
    raise _Disagreement(f"more than {MAX_PAGES} pages", None)


def _page(source: PageSource, wanted: ActivityFilter, cursor: str | None) -> Page:
    try:
        return source.page(wanted, cursor)
    except (BadRequest, UserNotFound) as error:
        if cursor is None:
            raise
        raise _CursorRefused(error) from error


def _add(users: dict[str, UserActivity], user: UserActivity, request_id: str | None) -> None:
    before = users.get(user.user_id)
    if before is None:
        users[user.user_id] = user
    elif before.counters != user.counters:
        raise _Disagreement("a user came twice with different numbers", request_id)
    elif before.email is None:
        users[user.user_id] = user


def _check_total(page: Page, total: int | None, received: int) -> None:
    if total is not None and total != received:
        raise _Disagreement(f"totalRecords is {total}, but {received} users came", page.request_id)
    size = page.current_page_size
    if total is None and size is not None and size > page.records_received:
        raise _Disagreement(
            f"currentPageSize is {size}, but {page.records_received} users came", page.request_id
        )
