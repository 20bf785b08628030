"""Where the simulated company works: cities, their zones, countries, public holidays, and weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

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


DAYS_A_WEEK = 7
TUESDAY = 1


@dataclass(frozen=True, slots=True)
class Office:
    """A city with people of the company.

    Attributes:
        city: its name.
        region: the sales region it belongs to.
        country: two letters; its public holidays count.
        zone: its IANA time zone.
        leave_days: working days of leave a year.
    """

    city: str
    region: str
    country: str
    zone: str
    leave_days: int


OFFICES = (
    Office("New York", "Americas", "US", "America/New_York", 17),
    Office("San Francisco", "Americas", "US", "America/Los_Angeles", 17),
    Office("Chicago", "Americas", "US", "America/Chicago", 17),
    Office("São Paulo", "Americas", "BR", "America/Sao_Paulo", 22),
    Office("London", "EMEA", "GB", "Europe/London", 25),
    Office("Berlin", "EMEA", "DE", "Europe/Berlin", 28),
    Office("Sydney", "APAC", "AU", "Australia/Sydney", 20),
    Office("Melbourne", "APAC", "AU", "Australia/Melbourne", 20),
)


@dataclass(frozen=True, slots=True)
class OfficeWeek:
    """One office's week, seen from the company's calendar.

    Attributes:
        shift: the company's day during the office's working hours, less the office's own: in
            Sydney on Monday it is still Sunday in California.
        working: a bit for each day of the office's week, Monday first, on which it works.
        calls: for each of those days, how many levels more calls than usual.
        reviews: how many levels more reviews of calls than usual.
    """

    shift: int
    working: int
    calls: tuple[int, ...]
    reviews: int


@lru_cache(maxsize=8192)
def office_week(
    office: Office, company_zone: ZoneInfo, monday: date, *, quiet_year_end: bool = True
) -> OfficeWeek:
    """The week of an office that begins on ``monday``; see SimulatedCompany."""
    days = [monday + timedelta(days=n) for n in range(DAYS_A_WEEK)]
    working = sum(1 << n for n, day in enumerate(days) if _works(office, day))
    midweek = datetime.combine(days[2], time(13), ZoneInfo(office.zone))
    shift = (midweek.astimezone(company_zone).date() - days[2]).days
    ending = (_quarter_end(days[4]) - days[4]).days
    reviews = -3 if ending < DAYS_A_WEEK * 2 else 0
    if quiet_year_end and _between_the_years(days[2]):
        reviews -= 16
    calls = tuple(_mood(office, day, quiet_year_end=quiet_year_end) for day in days)
    return OfficeWeek(shift, working, calls, reviews)


def _works(office: Office, day: date) -> bool:
    return day.weekday() < SATURDAY and day not in holidays(office.country, day.year)


def _mood(office: Office, day: date, *, quiet_year_end: bool) -> int:
    """How many levels more calls than usual an office has on a day."""
    level = (-2, 1, 2, 1, -4, -12, -14)[day.weekday()]
    ending = (_quarter_end(day) - day).days
    beginning = (day - _quarter_start(day)).days
    if ending < 14:  # noqa: PLR2004 -- two weeks: everybody closes deals
        level += 3
    elif ending < 21:  # noqa: PLR2004 -- three weeks
        level += 1
    elif beginning < 10:  # noqa: PLR2004 -- and then takes breath
        level -= 3
    season = _season(office, day, quiet_year_end=quiet_year_end)
    return level + season + _bridge(office, day) + _kick_off(day)


def _season(office: Office, day: date, *, quiet_year_end: bool) -> int:
    """The quiet weeks; of several reasons the strongest."""
    here = (day.month, day.day)
    from_easter = (day - easter(day.year)).days
    reasons = (
        (-24, quiet_year_end and _between_the_years(day)),
        (-10, quiet_year_end and (here >= (12, 19) or here <= (1, 6))),
        (-3, office.region == "EMEA" and (7, 25) <= here <= (8, 31)),
        (-2, office.country in {"AU", "BR"} and day.month == 1),
        (-4, office.country != "US" and -DAYS_A_WEEK < from_easter < DAYS_A_WEEK),
        (-12, office.country == "BR" and -49 < from_easter <= -46),  # noqa: PLR2004 -- carnival
    )
    return min((levels for levels, applies in reasons if applies), default=0)


def _bridge(office: Office, day: date) -> int:
    """Working days beside a holiday: people leave early, or take the day between."""
    tomorrow, yesterday = day + timedelta(days=1), day - timedelta(days=1)
    closed = [each for each in (tomorrow, yesterday) if each in holidays(office.country, each.year)]
    if not closed:
        return 0
    bridges = (closed[0] == yesterday and day.weekday() == THURSDAY + 1) or (
        closed[0] == tomorrow and day.weekday() == 0
    )
    return -10 if bridges else -4


def _kick_off(day: date) -> int:
    """The yearly meeting of the whole of sales, three days late in January."""
    monday = day - timedelta(days=day.weekday())
    meets = monday.month == 1 and 18 <= monday.day <= 24  # noqa: PLR2004 -- the last full week but one
    return -14 if meets and TUESDAY <= day.weekday() <= THURSDAY else 0


def _between_the_years(day: date) -> bool:
    return (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1)


def _quarter_start(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def _quarter_end(day: date) -> date:
    """The last day of the quarter."""
    in_the_next = _quarter_start(day) + timedelta(days=100)
    return _quarter_start(in_the_next) - timedelta(days=1)
