"""Fetches Gong's list of users: all of its pages, in agreement with each other, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.listing import (
    Inconsistent,
    PartialListing,
    Steps,
    listing_starts,
    run_steps,
)
from gong_exporter.gong.errors import BadRequest, UserNotFound
from gong_exporter.gong.gong_users import GongUser, UsersPage

MAX_USERS = 200_000
"""A longer list is taken to be endless; it has everybody who ever was a user."""


class UsersSource(Protocol):
    """The part of the client that fetches pages of users."""

    def users_page(self, cursor: str | None = None, *, new_connection: bool = False) -> UsersPage:
        """Fetch one page. Raises: GongError, Stopped."""
        ...


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
    return run_steps(
        listing_starts(
            lambda first_start: _fetch_pages(source, on_page, first_start=first_start),
            "fetching the list of users again",
            log,
        )
    )


def _fetch_pages(
    source: UsersSource, on_page: Callable[[int, int | None], None], *, first_start: bool
) -> Steps[tuple[GongUser, ...]]:
    received = PartialListing[GongUser](MAX_USERS, lambda _before, again: again)
    page = source.users_page(new_connection=not first_start)
    while True:
        received.add(page)
        on_page(len(received.users), page.total_records)
        if not received.users:
            raise Inconsistent("the list of users is empty", page.request_id)
        if page.cursor is None:
            return tuple(received.users.values())
        yield
        try:
            page = source.users_page(page.cursor)
        except (BadRequest, UserNotFound) as error:
            raise Inconsistent(f"{error.message} to a cursor", error.request_id) from error
