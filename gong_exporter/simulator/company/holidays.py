"""Public holidays of the countries where the simulated company has offices."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

MONDAY, THURSDAY = 0, 3
SATURDAY = 5

_FIXED: dict[str, tuple[tuple[int, int], ...]] = {
    "US": ((1, 1), (6, 19), (7, 4), (12, 25)),
    "GB": ((1, 1), (12, 25), (12, 26)),
    "DE": ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
    "AU": ((1, 1), (1, 26), (4, 25), (12, 25), (12, 26)),
    "BR": ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)),
}
_FROM_EASTER: dict[str, tuple[int, ...]] = {
    "US": (),
    "GB": (-2, 1),
    "DE": (-2, 1, 39, 50),
    "AU": (-2, 1),
    "BR": (-48, -47, -2, 60),
}
_NTH_MONDAY: dict[str, tuple[tuple[int, int], ...]] = {  # (month, which one; -1 is the last)
    "US": ((1, 3), (2, 3), (5, -1), (9, 1)),
    "GB": ((5, 1), (5, -1), (8, -1)),
    "DE": (),
    "AU": ((6, 2),),
    "BR": (),
}
_MOVED_ON = {"GB", "AU"}
"""Where a holiday at the weekend is kept on the next working day."""


@cache
def holidays(country: str, year: int) -> frozenset[date]:
    """The days of a year on which offices of a country are closed.

    Raises:
        KeyError: there is no office in that country.
    """
    days = {easter(year) + timedelta(days=gap) for gap in _FROM_EASTER[country]}
    days.update(_nth(year, month, which, MONDAY) for month, which in _NTH_MONDAY[country])
    if country == "US":
        thanksgiving = _nth(year, 11, 4, THURSDAY)
        days.update((thanksgiving, thanksgiving + timedelta(days=1)))
    for month, number in _FIXED[country]:
        day = date(year, month, number)
        while country in _MOVED_ON and (day.weekday() >= SATURDAY or day in days):
            day += timedelta(days=1)
        if country == "US":  # Saturday's is kept on the Friday, Sunday's on the Monday
            day += timedelta(days={SATURDAY: -1, SATURDAY + 1: 1}.get(day.weekday(), 0))
        days.add(day)
    return frozenset(days)


@cache
def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar: the Sunday after the first full moon of spring.

    The full moon is the church's, by the golden number, with the corrections for the skipped
    leap days and for the Moon's drift.
    """
    golden = year % 19 + 1
    century = year // 100 + 1
    skipped = 3 * century // 4 - 12
    drift = (8 * century + 5) // 25 - 5
    epact = (11 * golden + 20 + drift - skipped) % 30
    if epact == 24 or (epact == 25 and golden > 11):  # noqa: PLR2004 -- the two corrected epacts
        epact += 1
    moon = 44 - epact
    if moon < 21:  # noqa: PLR2004 -- before the equinox: the next one
        moon += 30
    full = date(year, 3, 1) + timedelta(days=moon - 1)
    return full + timedelta(days=6 - full.weekday() or 7)


def _nth(year: int, month: int, which: int, weekday: int) -> date:
    if which < 0:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
