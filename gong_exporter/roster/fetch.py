"""Fetches Gong's list of users: all of its pages, in agreement with each other, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import PAGE_SIZE
from gong_exporter.gong.errors import BadRequest, InvalidResponse, UserNotFound
from gong_exporter.gong.users import GongUser, UsersPage

MAX_STARTS = 3
"""How often the list is fetched from its first page before it fails."""

MAX_USERS = 200_000
"""A longer list is taken to be endless; it has everybody who ever was a user."""


class UsersSource(Protocol):
    """The part of the client that fetches pages of users."""

    def users_page(self, cursor: str | None = None, *, new_connection: bool = False) -> UsersPage:
        """Fetch one page. Raises: GongError, Stopped."""
        ...


class _Inconsistent(Exception):
    """The pages contradict each other; fetching them again from the first one may help."""

    def __init__(self, problem: str, request_id: str | None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.request_id = request_id


def fetch_users(
    source: UsersSource,
    log: FilteringBoundLogger,
    on_page: Callable[[int, int | None], None] = lambda _received, _total: None,
) -> tuple[GongUser, ...]:
    """Fetch all pages, each user once.

    A page may shift because a user joins or leaves in between. Then the number of users changes
    or does not fit, and it starts again from the first page, up to MAX_STARTS times; so it does
    when a cursor expired. A user who is deactivated in between is as on the page that was
    received last.

    Args:
        source: the client.
        log: a warning is logged for every new start.
        on_page: called after each page with the users received, and Gong's total.

    Raises:
        InvalidResponse: no start gave a whole list, or the list is too long.
        GongError: whatever else ``source.users_page`` raises.
        Stopped: the process is stopping.
    """
    for start in range(1, MAX_STARTS + 1):
        try:
            return _fetch_pages(source, on_page, first_start=start == 1)
        except _Inconsistent as error:
            problem, request_id = error.problem, error.request_id
        if start < MAX_STARTS:
            log.warning("fetching the list of users again", reason=problem, request_id=request_id)
    raise InvalidResponse(
        f"the list of users: {problem}; no whole list in {MAX_STARTS} starts",
        request_id=request_id,
    )


def _fetch_pages(
    source: UsersSource, on_page: Callable[[int, int | None], None], *, first_start: bool
) -> tuple[GongUser, ...]:
    users: dict[str, GongUser] = {}
    cursors: set[str] = set()
    page = source.users_page(new_connection=not first_start)
    total = page.total_records
    while True:
        if page.total_records != total:
            raise _Inconsistent("totalRecords changed from page to page", page.request_id)
        if len(page.users) != page.records_received:
            # Taken for complete, the list would take a team away from its members.
            raise _Inconsistent("a user has no id", page.request_id)
        before = len(users)
        users.update((user.user_id, user) for user in page.users)
        on_page(len(users), total)
        if page.cursor is None:
            _check_complete(page, len(users))
            return tuple(users.values())
        if page.cursor in cursors:
            raise _Inconsistent("the cursor of an earlier page is repeated", page.request_id)
        if len(users) == before:
            raise _Inconsistent("a page with a cursor has no new user", page.request_id)
        if len(users) > MAX_USERS:
            raise InvalidResponse(f"more than {MAX_USERS} users", request_id=page.request_id)
        cursors.add(page.cursor)
        try:
            page = source.users_page(page.cursor)
        except (BadRequest, UserNotFound) as error:
            raise _Inconsistent(f"{error.message} to a cursor", error.request_id) from error


def _check_complete(last: UsersPage, received: int) -> None:
    if not received:
        raise _Inconsistent("it is empty", last.request_id)
    if last.total_records is not None:
        if last.total_records != received:
            problem = f"totalRecords is {last.total_records}, but {received} users were received"
            raise _Inconsistent(problem, last.request_id)
    elif last.records_received >= PAGE_SIZE:
        raise _Inconsistent("a full page without totalRecords and without cursor", last.request_id)
