"""What a team does with the calls of one week: hosts, joins, listens, asks, reviews, shares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gong_exporter.simulator.company.attendance import Attendances
from gong_exporter.simulator.company.chance import LEVELS, OCTAVE, choice_table
from gong_exporter.simulator.company.layout import Role, Team
from gong_exporter.simulator.company.offices import DAYS_A_WEEK
from gong_exporter.simulator.company.people import Staff
from gong_exporter.simulator.company.workers import (
    Draws,
    Worker,
    action_draws,
    day_counts,
    find_workers,
    hosting_level,
    week_count,
)
from gong_exporter.simulator.records import (
    COMMENTS_GIVEN,
    COMMENTS_RECEIVED,
    GAVE_FEEDBACK,
    LISTENED_OTHERS,
    LISTENED_OWN,
    MARKED_GIVEN,
    MARKED_RECEIVED,
    RECEIVED_FEEDBACK,
    REQUESTED_FEEDBACK,
    SCORECARDS_FILLED,
    SCORECARDS_RECEIVED,
    SHARED_EXTERNALLY,
    SHARED_INTERNALLY,
    WIDTH,
)

_KEPT_ACTIONS = tuple(round(256 * 2 ** (-levels / OCTAVE)) for levels in range(LEVELS))
"""Of 256 actions, those kept in a slump of so many levels: as many as of the calls."""

_SECOND_DAY = 38
"""Of 256 comments and pieces of feedback, those that go on on a second day."""

_WEEKEND = 3
"""Days for which a review may wait without having been put off."""

_LAGS = choice_table((0.28, 0.3, 0.16, 0.1, 0.06, 0.04, 0.03, 0.03))
"""Days from a call to its review; the next working day counts."""

_SOON = choice_table((0.55, 0.3, 0.15))
"""Days from a call to asking for feedback or sharing it, and from there to the answer."""


class TeamWeek:
    """One team's calls of one week, and all that became of them.

    Attributes:
        workers: who took part.
        hosts: for each call, the worker who hosted it, by number.
        days: for each call, its day (an offset from the Sunday before the week).
        joined: for each worker and day on which calls of others were joined, how many.
        marks: for each ``(call * workers + worker) * WIDTH + counter``, a bit for each day on which
            that was done to the call.
    """

    def __init__(self, team: Team, monday: date, staff: Staff, attendances: Attendances) -> None:
        self.workers = tuple(find_workers(team, monday, staff, attendances))
        self.hosts: list[int] = []
        self.days: list[int] = []
        self.joined: dict[tuple[int, int], int] = {}
        self.marks: dict[int, int] = {}
        self._own = [self._host(number, team) for number in range(len(self.workers))]
        self._join()
        chances = [action_draws(worker.attendance) for worker in self.workers]
        for number, chance in enumerate(chances):
            self._relisten(number)
            self._ask_about(number, chance)
        for number, chance in enumerate(chances):
            self._act(number, self.workers[number], chance)

    def _host(self, number: int, team: Team) -> tuple[int, int]:
        """Add the calls that a worker hosts; returns the range of their indexes."""
        worker = self.workers[number]
        week = worker.attendance
        first = len(self.hosts)
        if not worker.guest:
            level = hosting_level(week.hire.seat.role, team.segment)
            for day, count in day_counts(week, level, week.hosting_slump, 3, high=True):
                self.hosts.extend([number] * count)
                self.days.extend([day] * count)
        return first, len(self.hosts)

    def _join(self) -> None:
        """Join calls of others in the team: never more than they hosted that day."""
        hosted: dict[int, int] = {}
        for day in self.days:
            hosted[day] = hosted.get(day, 0) + 1
        for number, worker in enumerate(self.workers):
            own = self.days[slice(*self._own[number])]
            week = worker.attendance
            for day, count in day_counts(week, worker.duties.joins, week.slump, 3, high=False):
                joined = self.joined.get((number, day), 0)
                others = hosted.get(day, 0) - own.count(day) - joined
                if min(count, others) > 0:
                    self.joined[number, day] = joined + min(count, others)

    def _relisten(self, number: int) -> None:
        """Listen to one's own calls, the latest first; to some of them again the next day."""
        worker = self.workers[number]
        first, end = self._own[number]
        waiting: list[int] = []
        call = first
        week = worker.attendance
        level = worker.duties.own + week.hire.habits.own
        for day, count in day_counts(week, level, week.slump, 10, high=True):
            while call < end and self.days[call] <= day:
                waiting.append(call)
                call += 1
            for turn in range(min(count, len(waiting))):
                chosen = waiting.pop()
                self._mark(chosen, number, LISTENED_OWN, day)
                if week.draws[10 + turn % DAYS_A_WEEK] & 0xFF < _SECOND_DAY:
                    self._mark(chosen, number, LISTENED_OWN, self._day(number, number, day + 1))

    def _ask_about(self, number: int, chance: Iterator[Draws]) -> None:
        """Ask for feedback on some of the week's own calls, before they are reviewed."""
        week = self.workers[number].attendance
        first, end = self._own[number]
        level = self.workers[number].duties.asks + week.hire.habits.asks + week.rest
        asks = min(week_count(level, week.draws[17] & 0xFF), end - first)
        for _, draws in zip(range(asks), chance, strict=False):
            self._ask(number, first + (draws[0] * (end - first) >> 16), draws)

    def _act(self, number: int, worker: Worker, chance: Iterator[Draws]) -> None:
        """Share calls, inside and outside, and review others', as much as this week has."""
        week, duties = worker.attendance, worker.duties
        first, end = self._own[number]
        calls, own = len(self.hosts), end - first
        start, shareable = first, own
        if week.hire.seat.role is Role.MANAGER:
            start, shareable = 0, calls
        habit = week.hire.habits.shares + week.rest
        shares = week_count(duties.shares + habit, week.draws[18] >> 8)
        shares_out = week_count(duties.shares_out + habit, week.draws[18] & 0xFF)
        reviews = week_count(duties.reviews + week.reviews, week.draws[17] >> 8)
        for _, draws in zip(range(min(shares, shareable)), chance, strict=False):
            self._share(number, start + (draws[0] * shareable >> 16), draws)
        for _, draws in zip(range(min(shares_out, own)), chance, strict=False):
            call = first + (draws[0] * own >> 16)
            day = self._day(number, number, self.days[call] + _SOON[draws[1] & 0xFF])
            if self._keeps(number, day, draws[0]):
                self._mark(call, number, SHARED_EXTERNALLY, day)
        for _, draws in zip(range(min(reviews, calls - own)), chance, strict=False):
            call = draws[0] * (calls - own) >> 16
            self._review(number, call + own if call >= first else call, draws)

    def _ask(self, number: int, call: int, draws: Draws) -> None:
        """Ask for feedback on a call of one's own; most get it, from the manager or a colleague."""
        _, when, who, what = draws
        asked = self._day(number, number, self.days[call] + _SOON[when & 0xFF])
        if not self._keeps(number, asked, draws[0]):
            return
        self._mark(call, number, REQUESTED_FEEDBACK, asked)
        if what & 0xFF < _SECOND_DAY >> 1:  # asks again
            self._mark(call, number, REQUESTED_FEEDBACK, self._day(number, number, asked + 2))
        helper = self._helper(number, who)
        if helper == number or when >> 8 > 200:  # noqa: PLR2004 -- one in five is never answered
            return
        day = self._day(helper, number, asked + _SOON[who & 0xFF])
        if not self._keeps(helper, day, what):
            return
        self._mark(call, helper, LISTENED_OTHERS, day)
        self._give(call, helper, GAVE_FEEDBACK, day, again=what >> 8 < _SECOND_DAY)
        if what & 0xFF > 100:  # noqa: PLR2004 -- three of five come with a comment in the call
            self._give(call, helper, COMMENTS_GIVEN, day, again=False)
        if what & 0xFF > 150:  # noqa: PLR2004 -- two of five are marked as reviewed
            self._give(call, helper, MARKED_GIVEN, day, again=False)

    def _share(self, number: int, call: int, draws: Draws) -> None:
        """Share a call inside the company: a colleague listens to it, then or later."""
        day = self._day(number, number, self.days[call] + _SOON[draws[1] & 0xFF])
        if not self._keeps(number, day, draws[0]):
            return
        self._mark(call, number, SHARED_INTERNALLY, day)
        host, others = self.hosts[call], len(self.workers)
        wanted = 1 + (draws[2] & 1) + (draws[2] >> 1 & 1)
        for step in range(others):
            other = ((draws[3] * others >> 16) + step) % others
            if other in {number, host} or self.workers[other].guest:
                continue
            heard = self._day(other, other, day)
            if not self._keeps(other, heard, draws[2] >> 8):
                continue
            self._mark(call, other, LISTENED_OTHERS, heard)
            wanted -= 1
            if not wanted:
                return

    def _review(self, number: int, call: int, draws: Draws) -> None:
        """Listen to a colleague's call, and perhaps comment on it."""
        _, when, one, other = draws
        duties = self.workers[number].duties
        earliest = max(self.days[call] + _LAGS[when & 0xFF], self._asked(call))
        day = self._day(number, self.hosts[call], earliest)
        if (
            day > earliest + _WEEKEND
        ):  # was away: half is too late now, the rest has to wait its turn
            day = self._day(number, self.hosts[call], day + (one & 3)) if one & 4 else -1
        if not self._keeps(number, day, draws[0]):
            return
        again = when >> 8 < _SECOND_DAY
        self._mark(call, number, LISTENED_OTHERS, day)
        if one & 0xFF < duties.comments:
            self._give(call, number, COMMENTS_GIVEN, day, again=again)
        if one >> 8 < duties.scorecards and not self._scored(call):
            self._give(call, number, SCORECARDS_FILLED, day, again=False)
        if other & 0xFF < duties.feedback:
            self._give(call, number, GAVE_FEEDBACK, day, again=again)
        if other >> 8 < duties.marks:
            self._give(call, number, MARKED_GIVEN, day, again=False)

    def _give(self, call: int, giver: int, counter: int, day: int, *, again: bool) -> None:
        """Do something to a call that its host receives, maybe once more on a later day."""
        host = self.hosts[call]
        for each in (day, self._day(giver, host, day + 1) if again else -1):
            self._mark(call, giver, counter, each)
            self._mark(call, host, _RECEIVED[counter], each)

    def _mark(self, call: int, worker: int, counter: int, day: int) -> None:
        if day >= 0:
            key = (call * len(self.workers) + worker) * WIDTH + counter
            self.marks[key] = self.marks.get(key, 0) | 1 << day

    def _scored(self, call: int) -> bool:
        """Whether a call has a scorecard; it gets only one."""
        host = self.hosts[call]
        return (call * len(self.workers) + host) * WIDTH + SCORECARDS_RECEIVED in self.marks

    def _asked(self, call: int) -> int:
        """The first day on which feedback on a call was asked for, or -1."""
        host = self.hosts[call]
        days = self.marks.get((call * len(self.workers) + host) * WIDTH + REQUESTED_FEEDBACK, 0)
        return (days & -days).bit_length() - 1

    def _helper(self, asker: int, draw: int) -> int:
        """Who answers a request: two of three times the manager."""
        if draw >> 8 < 170:  # noqa: PLR2004 -- two of three
            for number, worker in enumerate(self.workers):
                if worker.attendance.hire.seat.role is Role.MANAGER and number != asker:
                    return number
        return draw * len(self.workers) >> 16

    def _day(self, actor: int, host: int, earliest: int) -> int:
        """The first day from ``earliest`` on that suits both, or -1."""
        if earliest < 0:
            return -1
        can = self.workers[actor].attendance.can_act & self.workers[host].attendance.can_receive
        later = can >> earliest
        return earliest + (later & -later).bit_length() - 1 if later else -1

    def _keeps(self, number: int, day: int, draw: int) -> bool:
        """Whether something is done after all: three of four things are not, in a deep slump."""
        if day < 0:
            return False
        return draw & 0xFF < _KEPT_ACTIONS[self.workers[number].attendance.slump[day]]


_RECEIVED = {
    GAVE_FEEDBACK: RECEIVED_FEEDBACK,
    SCORECARDS_FILLED: SCORECARDS_RECEIVED,
    COMMENTS_GIVEN: COMMENTS_RECEIVED,
    MARKED_GIVEN: MARKED_RECEIVED,
}
