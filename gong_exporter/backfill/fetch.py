"""Fetches the days into the work file: on each, the windows that a live exporter would request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import fetch_listing
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import record_users
from gong_exporter.activity.windows import DayRange, WindowSpec, longest
from gong_exporter.backfill.plan import BackfillError
from gong_exporter.backfill.request import BackfillDeps
from gong_exporter.backfill.workfile import RefusedWindow, WorkFile
from gong_exporter.gong.errors import BadRequest, UserNotFound

SHORTEST_SEARCH = 32
"""Days of a range that is not halved any more if Gong refuses it."""

LOG_INTERVAL = 10.0
"""Seconds between two log lines about the progress."""


class DayFetcher:
    """Fetches the days that the work file does not have yet.

    Attributes:
        company_state: what is known now.
    """

    def __init__(
        self, deps: BackfillDeps, *, plan: PollPlan, work: WorkFile, company_state: CompanyState
    ) -> None:
        self._deps = deps
        self._plan = plan
        self._work = work
        self._clock = deps.clock
        self._log = deps.log
        self.company_state = company_state

    def run(self, days: Sequence[date]) -> None:
        """Fetch all days.

        The last day comes first, because it is the least likely to be refused. If Gong refuses it,
        the request is wrong, and the other days are not requested.

        Raises:
            BackfillError: it cannot continue; fetched days are kept.
            Stopped: the process is stopping; fetched days are kept.
        """
        done = self._work.done(self._clock.now())
        left = [day for day in days if day not in done]
        self._log.info("fetching", days_left=len(left), days=len(days))
        if not left:
            return
        self._search(days)
        if left[-1] == days[-1]:
            left = [left[-1], *left[:-1]]
        began = logged = self._clock.monotonic()
        for number, day in enumerate(left, start=1):
            refused = self._fetch_day(day)
            if day == days[-1] and len(refused) == len(self._plan.windows) and not done:
                raise BackfillError(
                    f"Gong refuses even {day}, the last day, so the days before it were not asked"
                    f" for. {refused[0].message}\n  {BadRequest.advice}"
                )
            self._log.debug("day fetched", day=str(day))
            now = self._clock.monotonic()
            if now - logged >= LOG_INTERVAL or number == len(left):
                logged = now
                self._log_progress(day, number, len(left) - number, now - began)

    def _log_progress(self, day: date, fetched: int, left: int, seconds: float) -> None:
        rate = fetched / max(seconds, 0.001)
        self._log.info(
            "fetched",
            day=str(day),
            days_left=left,
            days_per_minute=round(rate * 60, 1),
            seconds_left=round(left / rate),
        )

    def _fetch_day(self, day: date) -> list[RefusedWindow]:
        stored = {data.window for data in self._work.windows(day)}
        windows: list[WindowData] = []
        refused: list[RefusedWindow] = []
        for window in self._plan.windows:
            if window.name in stored:
                continue
            try:
                windows.append(self._fetch_window(window, day))
            except BadRequest as error:
                message = error.describe().splitlines()[0]
                refused.append(RefusedWindow(day=day, window=window.name, message=message))
        self._work.finish(day, windows, refused, self.company_state, self._clock.now())
        return refused

    def _fetch_window(self, window: WindowSpec, day: date) -> WindowData:
        def attempt() -> WindowData:
            result = poll(
                self._deps.source,
                replace(self._plan, windows=(window,)),
                # The search for listed users is done once for all days, see _search().
                replace(self.company_state, last_search_day=day),
                self._clock,
                self._log,
                today=day,
            )
            self.company_state = result.company_state
            if result.failures:
                raise result.failures[0].error
            return result.windows[0]

        return self._deps.quota.call(attempt, self.company_state.pages.get(window.name, 1))

    def _search(self, days: Sequence[date]) -> None:
        """Search for the ids of listed users in a listing of all users over the whole range.

        If Gong refuses so long a range, its halves are searched.
        """
        if not self._plan.selection.unknown_users(self.company_state):
            return
        whole = DayRange(longest(self._plan.windows, days[0]).range_on(days[0]).start, days[-1])
        if whole.empty or self._work.searched(whole):
            return
        ranges, any_answer, refusal = [whole], False, ""
        while ranges:
            part = ranges.pop()
            try:
                self._search_range(part)
                any_answer = True
            except UserNotFound:
                any_answer = True  # no user has activity in it
            except BadRequest as error:
                refusal = refusal or error.describe()
                if (part.end - part.start).days > SHORTEST_SEARCH:
                    middle = part.start + (part.end - part.start) // 2
                    ranges += [DayRange(middle, part.end), DayRange(part.start, middle)]
        if not any_answer:
            raise BackfillError(
                f"Gong refuses {whole.start} to {whole.end}, and every part of it. {refusal}"
            )
        self._work.note_search(whole, self.company_state)

    def _search_range(self, days: DayRange) -> None:
        listing = self._deps.quota.call(
            lambda: fetch_listing(self._deps.source, self._plan.filter(days), self._log),
            pages_for(len(self.company_state.known_users)),
        )
        selection = self._plan.selection
        state, listing = selection.excluded.filter_listing(self.company_state, listing)
        self.company_state = record_users(state, listing.users, selection)
