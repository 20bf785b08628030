"""What the listings of both endpoints share: the pages must agree, or the listing starts again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from hashlib import sha256
from typing import Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import PAGE_SIZE
from gong_exporter.gong.errors import InvalidResponse
from gong_exporter.gong.records import Page, UserT

MAX_STARTS = 3
"""How often a listing is fetched from its first page before it fails."""

ResultT = TypeVar("ResultT")
Steps = Generator[None, None, ResultT]
"""Fetches one page each time it is advanced, and returns the result."""


class Inconsistent(Exception):
    """The pages contradict each other; fetching them again from the first one may help."""

    def __init__(self, problem: str, request_id: str | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.request_id = request_id


def listing_starts(
    fetch_pages: Callable[[bool], Steps[ResultT]], warning: str, log: FilteringBoundLogger
) -> Steps[ResultT]:
    """Fetch a listing, and start again, up to MAX_STARTS times, if its pages disagree.

    ``fetch_pages`` gets True for the first start, and raises Inconsistent.

    Raises:
        InvalidResponse: no start gave a whole listing.
    """
    for start in range(1, MAX_STARTS + 1):
        try:
            return (yield from fetch_pages(start == 1))
        except Inconsistent as error:
            problem, request_id = error.problem, error.request_id
        if start < MAX_STARTS:
            log.warning(warning, reason=problem, request_id=request_id)
    raise InvalidResponse(
        f"{problem}; no whole listing in {MAX_STARTS} starts", request_id=request_id
    )


def run_steps(steps: Steps[ResultT]) -> ResultT:
    """Run all steps at once, and return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: ResultT = end.value
            return result


class PartialListing(Generic[UserT]):
    """The users received so far, and the checks that every page must pass.

    Args:
        max_users: more users are taken for an endless listing.
        merge: returns which of two records of a user to keep; None if they contradict each other.

    Attributes:
        users: by ID, in the order in which they were received.
        pages: how many were added.
    """

    def __init__(self, max_users: int, merge: Callable[[UserT, UserT], UserT | None]) -> None:
        self.users: dict[str, UserT] = {}
        self.pages = 0
        self._max_users = max_users
        self._merge = merge
        self._total: int | None = None
        self._cursors: set[bytes] = set()

    def add(self, page: Page[UserT], *, size: int | None = None) -> None:
        """Add the users of the next page.

        Args:
            page: as received.
            size: the number of its users that the page states, or None.

        Raises:
            Inconsistent: it contradicts the pages before, or ends a listing that is not whole.
            InvalidResponse: the listing is too large; a new start would be as large.
        """
        request_id = page.request_id
        if self.pages and page.total_records != self._total:
            raise Inconsistent("totalRecords changed from page to page", request_id)
        if len(page.users) != page.records_received:
            # The user without an id would be taken for one that Gong left out, and shown as 0.
            raise Inconsistent("a record has no userId", request_id)
        users_before = len(self.users)
        if users_before + len(page.users) > self._max_users:
            raise InvalidResponse(f"more than {self._max_users} users", request_id=request_id)
        for user in page.users:
            before = self.users.get(user.user_id)
            kept = user if before is None else self._merge(before, user)
            if kept is None:
                raise Inconsistent("a user is repeated with other numbers", request_id)
            self.users[user.user_id] = kept
        if page.cursor is None:
            self._check_complete(page, size)
        else:
            digest = sha256(page.cursor.encode(errors="surrogatepass")).digest()  # it may be long
            if digest in self._cursors:
                raise Inconsistent("the cursor of an earlier page is repeated", request_id)
            if len(self.users) == users_before:
                raise Inconsistent("a page with a cursor has no new user", request_id)
            self._cursors.add(digest)
        self._total = page.total_records
        self.pages += 1

    def _check_complete(self, last: Page[UserT], size: int | None) -> None:
        """Check that the last page ends a whole listing."""
        total, received = last.total_records, len(self.users)
        if total is not None:
            if total != received:
                problem = f"totalRecords is {total}, but {received} users were received"
                raise Inconsistent(problem, last.request_id)
        elif size is not None and size != last.records_received:
            problem = f"currentPageSize is {size}, but {last.records_received} users were received"
            raise Inconsistent(problem, last.request_id)
        elif last.records_received >= PAGE_SIZE:
            problem = "a full page without totalRecords and without cursor"
            raise Inconsistent(problem, last.request_id)
