"""Fetches the users of one window: all users, or the listed ones, whatever a 404 means.

The vendor's page says of 404 "User not found". Known is that Gong gives it when none of the
asked-for users has data; not known is whether one unknown id among good ones is enough, or
whether a range without any activity is a 404 as well. All of it is understood here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import overload

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.company_state import CompanyState, Resolved404
from gong_exporter.activity.fetch import Listing, PageSource, fetch_listing
from gong_exporter.activity.poll_plan import ENDS_THE_POLL, PollPlan, Warn
from gong_exporter.activity.users import reassign_addresses, record_users, resolve_emails
from gong_exporter.activity.windows import DayRange, WindowSpec
from gong_exporter.gong.errors import (
    GongError,
    NotSent,
    RateLimited,
    Redirected,
    Unauthorized,
    UserNotFound,
)
from gong_exporter.gong.records import ActivityFilter, Page

NOBODY = Listing(users=(), time_zone=None, pages=0)
"""WindowFetch of nobody: there was no call to make."""

BEFALLS_ANY_CALL = (Unauthorized, Redirected, RateLimited, NotSent)
"""To a poll's first call, they say nothing of what it asked for. A 403 may: it is for this one."""


@dataclass(frozen=True, slots=True)
class WindowFetch:
    """What asking brought.

    Attributes:
        listing: those of the selection whom Gong named.
        cost: the calls that the next poll will need for the same; None if this one tells nothing.
        covered: the ids that it is about: of others it tells nothing. None for everybody.
    """

    listing: Listing
    cost: int | None
    covered: frozenset[str] | None = None


class _Counted:
    """A source that counts the pages which came.

    Attributes:
        pages: how many, since somebody set it to 0.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self.pages = 0

    def page(self, wanted: ActivityFilter, cursor: str | None = None) -> Page:
        """See PageSource."""
        page = self._source.page(wanted, cursor)
        self.pages += 1
        return page


class WindowFetcher:
    """Asks for the windows of one poll, and keeps what is learned from the answers.

    Args:
        source: the client.
        plan: what the poll asks for.
        company_state: what earlier polls learned.
        warn: see Warn.

    Attributes:
        company_state: what is known now.
    """

    def __init__(
        self, source: PageSource, plan: PollPlan, company_state: CompanyState, warn: Warn
    ) -> None:
        self._source = _Counted(source)
        self._hopeless: GongError | None = None
        self._plan = plan
        self._warn = warn
        self.company_state = replace(
            company_state, ids_by_email=resolve_emails(company_state, plan.selection)
        )

    @property
    def came(self) -> int:
        """Pages of the last window that came, and that will have to come again if it failed."""
        return self._source.pages

    def filter(self, days: DayRange, user_ids: Iterable[str] | None = None) -> ActivityFilter:
        """The request's filter for a range of days."""
        return ActivityFilter(
            from_date=days.start,
            to_date=days.end,
            created_from=self._plan.created_from,
            created_to=self._plan.created_to,
            user_ids=None if user_ids is None else tuple(sorted(user_ids)),
        )

    def window(
        self, window: WindowSpec, days: DayRange, today: date, *, is_longest: bool
    ) -> WindowFetch:
        """One window of the selection, and its cost noted for the forecast.

        The longest comes first: what is learned from it is what the others are asked about.

        Raises:
            GongError: see fetch_listing.
            Stopped: the process is stopping.
        """
        self._source.pages = 0
        if days.empty:
            return WindowFetch(NOBODY, None, covered=None)  # 0 for everybody, whoever that will be
        if self._plan.selection.all_users:
            listing = self._everybody(days)
            return WindowFetch(listing, listing.pages)
        if is_longest:
            self._hopeless = None
            return self._longest(window, days, today)
        if self._hopeless is not None:
            raise self._hopeless
        return self._listed(window, days)

    def _longest(self, window: WindowSpec, days: DayRange, today: date) -> WindowFetch:
        """As window(), with a search where one is due and somebody is looked for."""
        if self.company_state.last_search_day == today:
            return self._listed(window, days)
        if self._plan.selection.unknown_users(self.company_state):
            return self._search(days, today) or self._listed(window, days)
        asked = self._listed(window, days, today)
        if self.company_state.last_search_day != today and self._lost_sight(asked):
            return self._search(days, today, asked)
        return asked

    def _lost_sight(self, asked: WindowFetch) -> bool:
        """Whether somebody listed by address has no record: the address may be another's now."""
        there = {user.user_id for user in asked.listing.users}
        return not there.issuperset(self._plan.selection.ids_by_email(self.company_state))

    @overload
    def _search(self, days: DayRange, today: date) -> WindowFetch | None: ...
    @overload
    def _search(self, days: DayRange, today: date, had: WindowFetch) -> WindowFetch: ...
    def _search(
        self, days: DayRange, today: date, had: WindowFetch | None = None
    ) -> WindowFetch | None:
        """The daily search for listed users in everybody's listing; it has their numbers, too.

        One that failed was that day's search: at Gong it may have cost as much as one that
        did not. Only where no user is known at all, every poll tries: there is nothing else to
        ask.

        Args:
            days: of the longest window.
            today: the company's current day.
            had: what is there already, and is kept if the search fails.

        Raises:
            GongError: what ends the poll, unless there is something to keep; anything, where
                no user is known.
        """
        before = self._source.pages
        try:
            found = self._sifted(days, today)
        except GongError as error:
            known, ends = bool(self._targets()), isinstance(error, ENDS_THE_POLL)
            begun = had is not None or self._source.pages > before
            if known and (begun or not isinstance(error, BEFALLS_ANY_CALL)):
                # Otherwise nothing was spent on the search, and what ended it was not the search.
                self.company_state = replace(self.company_state, last_search_day=today)
                self._source.pages = 0  # they are not asked for again today
            if ends or not known:
                self._hopeless = error
            if not known or (ends and had is None):
                raise
            self._warn(f"looking for unknown users: {error.message}", error.request_id)
            return had
        return replace(found, cost=pages_for(len(self._targets())))

    def _listed(self, window: WindowSpec, days: DayRange, today: date | None = None) -> WindowFetch:
        """The listed users whom Gong has named; on a 404, once a day, everybody's listing.

        Args:
            window: which one.
            days: its range.
            today: as for _sifted.
        """
        targets = self._targets()
        if not targets:
            return WindowFetch(NOBODY, None, targets)
        before = self._understood(window, days, targets)
        asked = before.active_ids if before is not None and before.active_ids else targets
        if before is not None and pages_for(len(self.company_state.known_users)) <= pages_for(
            len(asked)
        ):
            # WindowFetcher for the active ones alone would miss whoever gets activity in these days
            # later on; where it costs no more calls, everybody is listed again.
            return self._sifted(days, today)
        try:
            return WindowFetch(
                _only(self._fetch(days, asked), targets), pages_for(len(asked)), targets
            )
        except UserNotFound as error:
            if before is not None and not before.active_ids:
                # Once more none of them has data, as the listing of this very range had shown.
                nobody = replace(NOBODY, pages=1, request_id=error.request_id)
                return WindowFetch(nobody, 1, targets)
        sifted = self._sifted(days, today)
        active = targets.intersection(user.user_id for user in sifted.listing.users)
        understood = Resolved404(
            start=days.start, end=days.end, requested_ids=targets, active_ids=active
        )
        self.company_state = replace(
            self.company_state,
            resolved_404s={**self.company_state.resolved_404s, window.name: understood},
        )
        if before is not None:
            # A 404 for users whom Gong had named: unless it was one of them that left, the next
            # poll pays again.
            return replace(sifted, cost=1 + sifted.listing.pages)
        return replace(sifted, cost=pages_for(len(active)))

    def _understood(
        self, window: WindowSpec, days: DayRange, targets: frozenset[str]
    ) -> Resolved404 | None:
        """What a 404 to this very question meant; another range or list is another question."""
        before = self.company_state.resolved_404s.get(window.name)
        if before is None or DayRange(before.start, before.end) != days:
            return None
        return before if before.requested_ids == targets else None

    def _targets(self) -> frozenset[str]:
        return self._plan.selection.known_ids(self.company_state)

    def _sifted(self, days: DayRange, today: date | None = None) -> WindowFetch:
        """The listed users from everybody's listing, those whom it is the first to name too.

        Args:
            days: the range.
            today: the day whose search this is, whatever it was asked for; None if it is none,
                as for all windows but the longest.
        """
        listing = self._everybody(days)
        if today is not None:
            resolved = reassign_addresses(self.company_state, listing.users, self._plan.selection)
            self.company_state = replace(
                self.company_state, last_search_day=today, ids_by_email=resolved
            )
        targets = self._targets()
        return WindowFetch(_only(listing, targets), listing.pages, targets)

    def _everybody(self, days: DayRange) -> Listing:
        """Everybody with activity. A 404 is nobody, when it comes twice in a row.

        It turns everybody's numbers into zeros, so one such answer is not enough.
        """
        with contextlib.suppress(UserNotFound):
            return self._fetch(days, None)
        try:
            return self._fetch(days, None)
        except UserNotFound as error:
            return replace(NOBODY, pages=2, request_id=error.request_id)

    def _fetch(self, days: DayRange, user_ids: Iterable[str] | None) -> Listing:
        listing = fetch_listing(self._source, self.filter(days, user_ids), self._warn)
        named, resolved = record_users(self.company_state, listing.users, self._plan.selection)
        self.company_state = replace(self.company_state, known_users=named, ids_by_email=resolved)
        return listing


def _only(listing: Listing, targets: frozenset[str]) -> Listing:
    kept = tuple(user for user in listing.users if user.user_id in targets)
    return replace(listing, users=kept)
