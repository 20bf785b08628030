"""The listing behind a chain of pages, computed once, and the page cut from it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Generic, TypeVar

from gong_exporter.simulator.records import Company, UserActivity

KEPT_USERS = 50_000
"""Users of all kept windows together: some 1.5 kB each. The latest window is always kept."""


UserT = TypeVar("UserT")
"""A user as one of the endpoints shows it."""


@dataclass(frozen=True, slots=True)
class Page(Generic[UserT]):
    """One page of a listing.

    Attributes:
        users: at most ``page_size``.
        number: counted from 0.
        total: ``totalRecords``.
        follow: more pages follow.
    """

    users: Sequence[UserT]
    number: int
    total: int
    follow: bool


class Listings:
    """The company's latest windows, each computed once.

    ``Company.activity`` over thousands of users takes seconds and every page of a chain needs
    it; what happened on past days does not change.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self._windows: OrderedDict[tuple[date, date], Sequence[UserActivity]] = OrderedDict()

    def users(
        self, start: date, end: date, user_ids: frozenset[str] | None
    ) -> Sequence[UserActivity]:
        """The users with activity in ``[start, end)``, those in ``user_ids`` unless ``None``."""
        window = self._window(start, end)
        if user_ids is None:
            return window
        return [user for user in window if user.user_id in user_ids]

    def _window(self, start: date, end: date) -> Sequence[UserActivity]:
        key = (start, end)
        if key not in self._windows:
            self._windows[key] = self._company.activity(start, end)
            while len(self._windows) > 1 and self._kept_users() > KEPT_USERS:
                self._windows.popitem(last=False)
        self._windows.move_to_end(key)
        return self._windows[key]

    def _kept_users(self) -> int:
        # an empty window takes some memory too
        return sum(max(1, len(users)) for users in self._windows.values())


def more_active(user: UserActivity) -> UserActivity:
    """The same user with other numbers."""
    return replace(user, counters={name: count + 1 for name, count in user.counters.items()})


def cut_page(
    users: Sequence[UserT],
    number: int,
    size: int,
    active_faults: frozenset[str],
    change: Callable[[UserT], UserT],
) -> Page[UserT]:
    """Page ``number`` of a listing, with the active faults applied.

    Args:
        users: the whole listing.
        number: of the page, counted from 0.
        size: records per page.
        active_faults: names.
        change: makes another state of a user, for the fault that names one twice.
    """
    if number > 0 and users and "shifting" in active_faults:
        users = [users[0], *users]  # the first page was read already, so only the positions change
    if number > 0 and "shrinking" in active_faults:
        users = users[1:]
    begin = number * size
    page = list(users[begin : begin + size])
    total = len(users)
    if page and "duplicate-user" in active_faults:
        first = page[0]
        if len(page) > 1:
            page.pop()
        else:
            total += 1
        page.append(change(first))
    if "wrong-total" in active_faults:
        total += 1
    return Page(
        users=page,
        number=number,
        total=total,
        follow=begin + size < len(users) or "endless-pages" in active_faults,
    )
