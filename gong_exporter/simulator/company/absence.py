"""When people do nothing: leave, illness, months away, and days at work without a trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from gong_exporter.simulator.company.chance import Chance
from gong_exporter.simulator.company.offices import DAYS_A_WEEK, Office

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
