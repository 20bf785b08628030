"""Fetches the days into the work file: on each, the windows that a live exporter would ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.budget import pages_for
from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import PageSource, fetch_listing
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import record_users
from gong_exporter.activity.windows import DayRange, WindowSpec, longest
from gong_exporter.backfill.ask import Asker
from gong_exporter.backfill.errors import BackfillError
from gong_exporter.backfill.progress import Progress
from gong_exporter.backfill.workfile import Refusal, WorkFile
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import BadRequest, UserNotFound
from gong_exporter.gong.records import ActivityFilter

SHORT = 32
"""Days of a range that is not cut in halves any more when Gong refuses it."""


class Fetch:
    """Fetches what the work file does not hold yet.

    Args:
        source: the client.
        asker: repeats and waits.
        plan: what a live exporter asks for.
        zone: the company's time zone.
        work: keeps what comes.
        company_state: what polls and earlier runs learned; it is not changed for them.
        clock: time.
        log: for warnings.
        progress: is told of days.
    """

    def __init__(
        self,
        *,
        source: PageSource,
        asker: Asker,
        plan: PollPlan,
        zone: ZoneInfo,
        work: WorkFile,
        company_state: CompanyState,
        clock: Clock,
        log: FilteringBoundLogger,
        progress: Progress,
    ) -> None:
        self._source = source
        self._asker = asker
        self._plan = replace(plan, zone=zone)
        self._work = work
        self._clock = clock
        self._log = log
        self._progress = progress
        self._company_state = company_state

    @property
    def company_state(self) -> CompanyState:
        """What is known now."""
        return self._company_state

    def run(self, days: Sequence[date]) -> None:
        """Fetch them all.

        The last day comes first: it is the least likely to be refused, so when it is, the
        question is wrong, and the days before it need not be asked.

        Raises:
            BackfillError: it cannot go on; what was fetched is kept.
            Stopped: likewise.
        """
        done = self._work.done(self._clock.now())
        left = [day for day in days if day not in done]
        self._progress.fetching(len(left), len(days))
        if not left:
            return
        self._search(days)
        if left[-1] == days[-1]:
            left = [left[-1], *left[:-1]]
        for day in left:
            refused = self._day(day)
            if day == days[-1] and len(refused) == len(self._plan.windows) and not done:
                raise BackfillError(
                    f"Gong refuses even {day}, the last day, so the days before it were not asked"
                    f" for. {refused[0].said}\n  {BadRequest.advice}"
                )
            self._progress.fetched(day)

    def _day(self, day: date) -> list[Refusal]:
        held = {data.window for data in self._work.windows(day)}
        windows: list[WindowData] = []
        refused: list[Refusal] = []
        for window in self._plan.windows:
            if window.name in held:
                continue
            try:
                windows.append(self._window(window, day))
            except BadRequest as error:
                said = self._asker.words(error).splitlines()[0]
                refused.append(Refusal(day=day, window=window.name, said=said))
        self._work.finish(day, windows, refused, self._company_state, self._clock.now())
        return refused

    def _window(self, window: WindowSpec, day: date) -> WindowData:
        def ask() -> WindowData:
            result = poll(
                self._source,
                replace(self._plan, windows=(window,)),
                # Listed users are looked for once, for all days together.
                replace(self._company_state, last_search_day=day),
                self._clock,
                self._log,
                today=day,
            )
            self._company_state = result.company_state
            if result.failures:
                raise result.failures[0].error
            return result.windows[0]

        return self._asker.insist(ask, self._company_state.pages.get(window.name, 1))

    def _search(self, days: Sequence[date]) -> None:
        """Find the ids of listed users: everybody active in the whole range is among them."""
        if not self._plan.selection.unknown_users(self._company_state):
            return
        reach = DayRange(longest(self._plan.windows, days[0]).range_on(days[0]).start, days[-1])
        if reach.empty or self._work.searched(reach):
            return
        refusals: list[BadRequest] = []
        if not self._look_through(reach, refusals):
            raise BackfillError(
                f"Gong refuses {reach.start} to {reach.end}, and every part of it."
                f" {self._asker.words(refusals[0])}"
            )
        self._work.note_search(reach, self._company_state)

    def _look_through(self, reach: DayRange, refusals: list[BadRequest]) -> bool:
        """One unfiltered listing, or two of the halves where Gong refuses so long a range.

        Whether any of it was answered; refusals are added to the list.
        """
        wanted = ActivityFilter(
            from_date=reach.start,
            to_date=reach.end,
            created_from=self._plan.created_from,
            created_to=self._plan.created_to,
        )
        pages = pages_for(len(self._company_state.known_users))
        try:
            listing = self._asker.insist(
                lambda: fetch_listing(self._source, wanted, self._log), pages
            )
        except UserNotFound:
            return True  # nobody did anything
        except BadRequest as error:
            refusals.append(error)
            if (reach.end - reach.start).days <= SHORT:
                return False
            half = reach.start + (reach.end - reach.start) // 2
            before = self._look_through(DayRange(reach.start, half), refusals)
            return self._look_through(DayRange(half, reach.end), refusals) or before
        self._company_state = record_users(self._company_state, listing.users, self._plan.selection)
        return True
