"""Fetches the users of one window: all users, or the listed ones, whatever a 404 means.

Gong documents 404 as "User not found". It also answers 404 when none of the requested users has
data. Two things are not known: whether one unknown id among good ones is enough for a 404, and
whether a range without any activity is a 404 too. This module gives correct numbers in each case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.fetch import EMPTY_LISTING, Listing, everybody_steps, fetch_listing
from gong_exporter.activity.listing import run_steps
from gong_exporter.activity.pages import PageSource
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.users import reassign_addresses, record_users, resolve_emails
from gong_exporter.activity.windows import DayRange, WindowSpec
from gong_exporter.gong.errors import (
    Forbidden,
    GongError,
    NotSent,
    RateLimited,
    Redirected,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.records import ActivityFilter, ActivityPage

NOT_SPECIFIC_TO_REQUEST = (Unauthorized, Redirected, RateLimited, NotSent)
"""These errors would hit any request, so on the first call of a poll they say nothing about the
filter. A 403 can be specific to the request."""

ENDS_POLL = (*NOT_SPECIFIC_TO_REQUEST, Forbidden)
"""These errors would hit the next window too, so it is not requested."""


@dataclass(frozen=True, slots=True)
class WindowFetch:
    """The listing of one window.

    Attributes:
        listing: the users of the selection that Gong returned.
        cost: calls that the next poll needs for this window; None if that is not known.
        covered: the ids that the listing is about: it says nothing about others. None for all.
    """

    listing: Listing
    cost: int | None
    covered: frozenset[str] | None = None


class _CountingSource:
    """A PageSource that counts the pages it returned.

    Attributes:
        pages: how many, since the caller last set it to 0.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self.pages = 0

    def page(
        self, wanted: ActivityFilter, cursor: str | None = None, *, new_connection: bool = False
    ) -> ActivityPage:
        """See PageSource."""
        page = self._source.page(wanted, cursor, new_connection=new_connection)
        self.pages += 1
        return page


class WindowFetcher:
    """Fetches the windows of one poll, and updates what is known about the company.

    Attributes:
        company_state: what is known now.
    """

    def __init__(
        self,
        source: PageSource,
        plan: PollPlan,
        company_state: CompanyState,
        log: FilteringBoundLogger,
    ) -> None:
        self._source = _CountingSource(source)
        self._plan = plan
        self._selection = plan.selection
        self._log = log
        self._fatal_error: GongError | None = None
        self.company_state = resolve_emails(company_state, plan.selection)

    @property
    def pages_received(self) -> int:
        """Pages of the last window; if the window failed, the next poll needs them again."""
        return self._source.pages

    def fetch(
        self, window: WindowSpec, days: DayRange, today: date, *, is_longest: bool
    ) -> WindowFetch:
        """Fetch one window of the selection.

        The longest window has to be first, because the others use what is learned from it.

        Raises:
            GongError: see fetch_listing.
            Stopped: the process is stopping.
        """
        self._source.pages = 0
        if days.empty:
            return WindowFetch(EMPTY_LISTING, None)  # 0 for all users, also for later ones
        if self._selection.all_users:
            listing = self._fetch_all_users(days)
            return WindowFetch(listing, listing.pages)
        if is_longest:
            self._fatal_error = None
            return self._fetch_longest(window, days, today)
        if self._fatal_error is not None:
            raise self._fatal_error
        return self._fetch_listed(window, days)

    def _fetch_longest(self, window: WindowSpec, days: DayRange, today: date) -> WindowFetch:
        """Fetch the longest window, with a search if one is due and a listed user is missing."""
        if self.company_state.last_search_day == today:
            return self._fetch_listed(window, days)
        if self._selection.unknown_users(self.company_state):
            return self._search(days, today, None) or self._fetch_listed(window, days)
        fetched = self._fetch_listed(window, days, search_day=today)
        returned = {user.user_id for user in fetched.listing.users}
        searched = self.company_state.last_search_day == today
        if searched or returned >= self._selection.ids_of_emails(self.company_state):
            return fetched
        # A user listed by address has no record: the address may belong to another user now.
        return self._search(days, today, fetched) or fetched

    def _search(
        self, days: DayRange, today: date, fetched: WindowFetch | None
    ) -> WindowFetch | None:
        """The daily search for listed users in the listing of all users.

        A search that failed counts as the day's search, because it may have cost as many calls as
        one that succeeded. If no listed user is known yet, every poll tries again, because there
        is nothing else to request.

        ``fetched`` is what is known of the longest window without the search.

        Returns:
            The window, or None if the search failed and other requests may succeed.

        Raises:
            GongError: the error ends the poll and ``fetched`` is None, or no listed user is known.
        """
        pages_before = self._source.pages
        try:
            found = self._filter_all_users(days, search_day=today)
        except GongError as error:
            any_known, ends_poll = bool(self._known_ids()), isinstance(error, ENDS_POLL)
            begun = fetched is not None or self._source.pages > pages_before
            if any_known and (begun or not isinstance(error, NOT_SPECIFIC_TO_REQUEST)):
                # Otherwise the search cost no call, and was not the reason for the error.
                self.company_state = replace(self.company_state, last_search_day=today)
                self._source.pages = 0  # these pages are not requested again today
            if ends_poll or not any_known:
                self._fatal_error = error
            if not any_known or (ends_poll and fetched is None):
                raise
            self._log.warning(
                "the search for listed users failed",
                error=error.message,
                request_id=error.request_id,
            )
            return None
        return replace(found, cost=pages_for(len(self._known_ids())))

    def _fetch_listed(
        self, window: WindowSpec, days: DayRange, *, search_day: date | None = None
    ) -> WindowFetch:
        """Fetch the known listed users; after a 404, once a day, the listing of all users."""
        ids = self._known_ids()
        if not ids:
            return WindowFetch(EMPTY_LISTING, None, ids)
        before = self._resolved_404(window, days, ids)
        requested = before.active_ids if before is not None and before.active_ids else ids
        if before is not None and pages_for(len(self.company_state.known_users)) <= pages_for(
            len(requested)
        ):
            # A request for the active users alone misses users who get activity in these days
            # later. So all users are listed again where that costs no more calls.
            return self._filter_all_users(days, search_day=search_day)
        try:
            listing = self._fetch(days, requested)
        except UserNotFound as error:
            if before is not None and not before.active_ids:
                # None of them has data, as the listing of all users for this range has shown.
                empty = replace(EMPTY_LISTING, pages=1, request_id=error.request_id)
                return WindowFetch(empty, 1, ids)
        else:
            cost = max(listing.pages, pages_for(len(requested)))
            return WindowFetch(_only(listing, ids), cost, ids)
        fetched = self._filter_all_users(days, search_day=search_day)
        active_ids = ids.intersection(user.user_id for user in fetched.listing.users)
        resolved = Resolved404(
            start=days.start, end=days.end, requested_ids=ids, active_ids=active_ids
        )
        self.company_state = replace(
            self.company_state,
            resolved_404s={**self.company_state.resolved_404s, window.name: resolved},
        )
        if before is not None:
            # A 404 for users that Gong returned before. The next poll may get it again.
            return replace(fetched, cost=1 + fetched.listing.pages)
        return replace(fetched, cost=pages_for(len(active_ids)))

    def _resolved_404(
        self, window: WindowSpec, days: DayRange, ids: frozenset[str]
    ) -> Resolved404 | None:
        """The reason for the last 404, if it was for the same range and the same ids."""
        before = self.company_state.resolved_404s.get(window.name)
        if before is None or DayRange(before.start, before.end) != days:
            return None
        return before if before.requested_ids == ids else None

    def _known_ids(self) -> frozenset[str]:
        return self._selection.known_ids(self.company_state)

    def _filter_all_users(self, days: DayRange, *, search_day: date | None) -> WindowFetch:
        """The listed users in the listing of all users, also those it names for the first time.

        ``search_day`` is today if the listing counts as the day's search, whatever its purpose.
        Only a listing of the longest window does; it is None for the others.
        """
        listing = self._fetch_all_users(days)
        if search_day is not None:
            self.company_state = replace(
                reassign_addresses(self.company_state, listing.users, self._selection),
                last_search_day=search_day,
            )
        ids = self._known_ids()
        return WindowFetch(_only(listing, ids), listing.pages, ids)

    def _fetch_all_users(self, days: DayRange) -> Listing:
        wanted = self._plan.filter(days)
        return self._record(run_steps(everybody_steps(self._source, wanted, self._log)))

    def _fetch(self, days: DayRange, user_ids: frozenset[str]) -> Listing:
        wanted = self._plan.filter(days, user_ids)
        return self._record(fetch_listing(self._source, wanted, self._log))

    def _record(self, listing: Listing) -> Listing:
        """Record the users of a listing, and return it without those who are excluded."""
        self.company_state, listing = self._selection.excluded.filter_listing(
            self.company_state, listing
        )
        self.company_state = record_users(self.company_state, listing.users, self._selection)
        return listing


def _only(listing: Listing, ids: frozenset[str]) -> Listing:
    return replace(listing, users=tuple(user for user in listing.users if user.user_id in ids))
