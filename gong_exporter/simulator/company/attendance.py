"""Who is at work when, and in what form; leave, illness, and days at work without a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gong_exporter.simulator.company.chance import NORMAL, Chance
from gong_exporter.simulator.company.events import EventKind, PlantedEvent
from gong_exporter.simulator.company.offices import DAYS_A_WEEK, Office, office_week
from gong_exporter.simulator.company.people import Hire, Staff

KEPT_YEARS = 65_536
"""Years of one person that are remembered: some 120 bytes each."""

_SUMMERS = {"US": (24, 35), "BR": (51, 56), "GB": (28, 35), "DE": (27, 36), "AU": (51, 57)}
"""The weeks of the year in which the long leave begins, as first and last; past 52 is January."""

_ILL_WEEKS = bytes((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 17, 21, 25, 31, 36, 40, 41))
_ILL_WEEKS_LATE = bytes((42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 2, 5))
_LONG_ABSENCE_SHARE = 0.015
_WEEKS = 53
_QUIET_ONCE, _QUIET_TWICE = 72, 36
"""Of 256 weeks, those with one or two days (of these, those with two) at work without a trace."""


class Absences:
    """The days on which a person does nothing, of working days or not."""

    def __init__(self, seed: int, *, quiet_year_end: bool = True) -> None:
        self._chance = Chance(seed, "absences")
        self._quiet_year_end = quiet_year_end
        self._year = lru_cache(maxsize=KEPT_YEARS)(self._draw_year)

    def week(self, person: int, office: Office, monday: date) -> int:
        """A bit for each day of the week that begins on ``monday``, Monday first."""
        week = (monday.timetuple().tm_yday - 1) // DAYS_A_WEEK
        away = self._year(person, office.country, office.leave_days, monday.year)
        return away >> DAYS_A_WEEK * week & 0x7F

    def _draw_year(self, person: int, country: str, leave_days: int, year: int) -> int:
        """A bit for each day from the first Monday of a year on, 53 weeks."""
        away = 0
        chance = self._chance.draws((person, year), 40 + _WEEKS)
        draws = iter(chance[:40])
        for start, length in (
            *_leave(draws, country, leave_days, quiet_year_end=self._quiet_year_end),
            *_illness(draws),
            *_long_absence(draws),
            *_quiet_days(chance[40:]),
        ):
            away |= (1 << length) - 1 << start
        return away


def _leave(
    draws: Iterator[int], country: str, leave_days: int, *, quiet_year_end: bool
) -> Iterator[tuple[int, int]]:
    """A year's leave: the long one, Christmas for most, a week or two, and single days."""
    first, last = _SUMMERS[country]
    long_weeks = 2 if leave_days < 25 or next(draws) % 3 else 3  # noqa: PLR2004 -- the generous countries
    start = (first + next(draws) % (last - first)) % 52
    yield start * DAYS_A_WEEK, long_weeks * DAYS_A_WEEK
    left = leave_days - 5 * long_weeks
    if next(draws) % 10 < 6:  # noqa: PLR2004 -- six of ten stay away from Christmas to New Year
        if quiet_year_end:
            yield 50 * DAYS_A_WEEK + 2, 12
        left -= 5  # also without: the rest of the year is the same
    while left > 5:  # noqa: PLR2004 -- whole weeks first
        yield next(draws) % 52 * DAYS_A_WEEK, DAYS_A_WEEK
        left -= 5
    while left > 0:
        week, which = next(draws) % 52, next(draws)
        days = 1 + which % 2  # a Friday, or a Thursday and a Friday; or from Monday on
        yield week * DAYS_A_WEEK + (5 - days if which & 4 else 0), days
        left -= days


def _illness(draws: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Some days in bed, more of them in the cold months."""
    for _ in range(next(draws) % 5):
        when, length = next(draws), next(draws)
        weeks = _ILL_WEEKS if when & 1 else _ILL_WEEKS_LATE
        week = weeks[when % len(weeks)]
        yield week * DAYS_A_WEEK + length % 5, (1, 1, 2, 2, 3, 5)[length % 6]


def _long_absence(draws: Iterator[int]) -> Iterator[tuple[int, int]]:
    """A child, a sabbatical, an operation: weeks to months, for a few."""
    happens, start, length = next(draws), next(draws), next(draws)
    if happens < _LONG_ABSENCE_SHARE * 65536:
        yield start % 38 * DAYS_A_WEEK, (6 + length % 9) * DAYS_A_WEEK


def _quiet_days(draws: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Days of training, travel and meetings without recorded calls: one or two in some weeks."""
    for week, draw in enumerate(draws):
        day = (draw >> 8) % 5
        if draw & 0xFF < _QUIET_ONCE:
            yield week * DAYS_A_WEEK + day, 1
        if draw & 0xFF < _QUIET_TWICE:
            yield week * DAYS_A_WEEK + (day + 2) % 5, 1


SPAN = 14
"""A team's week reaches from the company's Sunday before it (when Sydney's Monday has begun) to
the Saturday after the next week: its calls get their feedback within that time. In offsets: the
Sunday is 0, the Monday 1, the last day 13."""

_RAMP = (-99, -99, -22, -18, -15, -13, -11, -9, -7, -6, -5, -4, -3, -2)
"""Levels below usual in each week of a new hire."""

_NOTICE = (-20, -10, -6)
"""Levels below usual in the last week, the week before, and the one before that."""

_NO_SLUMP = (0,) * SPAN


@dataclass(frozen=True, slots=True)
class Attendance:
    """One person's week; bits and offsets are company days from the Sunday before it.

    Attributes:
        hire: who it is.
        days: this week's days at work: the office's day (Monday is 0), its offset, and how many
            levels more calls than usual it has, slumps aside.
        can_act: a bit for each offset on which the person works.
        can_receive: a bit for each offset on which others may do something for the person.
        slump: for each offset, how many levels below usual everything is.
        hosting_slump: the same for hosting.
        rest: levels above usual for what is counted by the week: less for who is away.
        reviews: the same for reviews of this week's calls.
        draws: the person's chance of this week.
    """

    hire: Hire
    days: Sequence[tuple[int, int, int]]
    can_act: int
    can_receive: int
    slump: Sequence[int]
    hosting_slump: Sequence[int]
    rest: int
    reviews: int
    draws: Sequence[int]


class Attendances:
    """Everybody's weeks."""

    def __init__(
        self,
        staff: Staff,
        seed: int,
        time_zone: ZoneInfo,
        events: Mapping[int, Sequence[PlantedEvent]],
        *,
        quiet_year_end: bool,
    ) -> None:
        self._staff = staff
        self._time_zone = time_zone
        self._events = events
        self._quiet_year_end = quiet_year_end
        self._absences = Absences(seed, quiet_year_end=quiet_year_end)
        self._chance = Chance(seed, "work")
        self._salt = self._chance.draws((), 1)[0]

    def week(self, place: int, team: int, monday: date, draws: int) -> Attendance:
        """The week from ``monday`` of the person at ``place``, for a team's calls."""
        hire = self._staff.hires[place]
        office = hire.seat.office
        following = monday + timedelta(days=DAYS_A_WEEK)
        this, then = (
            office_week(office, self._time_zone, day, quiet_year_end=self._quiet_year_end)
            for day in (monday, following)
        )
        first = monday.toordinal()
        chance = self._chance.draws((place, team, first), draws)
        working = this.working & ~self._absences.week(place, office, monday)
        if chance[0] & 0xFF < 8:  # noqa: PLR2004 -- three in a hundred do something at the weekend
            working |= 1 << 5 + (chance[1] & 1)
        later = then.working & ~self._absences.week(place, office, following)
        employed = _days(hire.hired.toordinal() - first, hire.left.toordinal() - first)
        events = self._events.get(place, ())
        silent = 0
        for event in events:
            if not event.keeps:
                silent |= _days(event.start.toordinal() - first, event.end.toordinal() - first)
        there = employed & ~silent
        form = self._form(place, team, monday, chance[2] & 0xFF)
        calls = form + _settling(hire, first) + hire.habits.calls
        present = (working & 0x1F).bit_count()
        rest = form + (2 * (present - 5) if present else -16)
        return Attendance(
            hire=hire,
            days=[
                (day, offset, calls + level)
                for day, level in enumerate(this.calls)
                if working >> day & 1 and there >> (offset := day + 1 + this.shift) & 1
            ],
            can_act=(working << 1 + this.shift | later << 8 + then.shift) & there,
            can_receive=there,
            slump=_slump(
                [one for one in events if one.event.kind is not EventKind.HOSTING_SLUMP], first
            ),
            hosting_slump=_slump(events, first),
            rest=rest,
            reviews=rest + this.reviews + hire.habits.reviews,
            draws=chance,
        )

    def level(self, place: int, team: int, monday: date) -> int:
        """Levels above a person's usual calls in the week from ``monday``, events aside."""
        first = monday.toordinal()
        draw = self._chance.draws((place, team, first), 3)[2] & 0xFF
        return self._form(place, team, monday, draw) + _settling(self._staff.hires[place], first)

    def _form(self, place: int, team: int, monday: date, draw: int) -> int:
        """Good and bad weeks, months and quarters, and the team's.

        Most of it changes from week to week: the counts of neighboring weeks of real people hardly
        correlate (0.07).
        """
        month = monday.year * 12 + monday.month
        return round(
            2.8 * NORMAL[draw]
            + 1.7 * NORMAL[self._mixed(place, month)]
            + 2.0 * NORMAL[self._mixed(place, -(month - 1) // 3)]
            + 0.8 * NORMAL[self._mixed(-team, monday.toordinal())]
        )

    def _mixed(self, one: int, other: int) -> int:
        """A byte that depends on both, and on the seed."""
        mixed = (one * 0x9E3779B1 ^ other * 0x85EBCA6B ^ self._salt * 0xC2B2AE35) & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
        mixed = (mixed ^ mixed >> 12) * 0x297A2D39 & 0xFFFFFFFF
        return mixed >> 16 & 0xFF


def _settling(hire: Hire, monday: int) -> int:
    """Levels below usual of new hires and of leavers, in the week from a Monday's ordinal."""
    weeks = (monday - hire.hired.toordinal()) // DAYS_A_WEEK
    notice = (hire.left.toordinal() - monday) // DAYS_A_WEEK
    return (_RAMP[max(weeks, 0)] if weeks < len(_RAMP) else 0) + (
        _NOTICE[max(notice, 0)] if notice < len(_NOTICE) else 0
    )


def _slump(events: Sequence[PlantedEvent], monday: int) -> Sequence[int]:
    """For each offset, how many levels below usual the deepest of some slumps is."""
    slumps = [event for event in events if event.keeps]
    if not slumps:
        return _NO_SLUMP
    return [max(one.levels(monday - 1 + offset) for one in slumps) for offset in range(SPAN)]


def _days(start: int, end: int) -> int:
    """A bit for each offset of ``[start, end)``, given in days from the Monday."""
    begin, stop = min(max(start + 1, 0), SPAN), min(max(end + 1, 0), SPAN)
    return (1 << stop) - (1 << begin) if begin < stop else 0
