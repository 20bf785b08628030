"""Windows: ``7d`` or ``mtd`` as a range of whole company days that are over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

MAX_DAYS = 400
"""The longest trailing window: a year and some, so that this month compares with last year's."""

_TRAILING = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)

_LAST_ON_EARTH = timezone(timedelta(hours=-12))
"""Where a date begins last; a day that is over there is over everywhere."""


@dataclass(frozen=True, slots=True)
class DayRange:
    """Company days from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: date
    end: date

    @property
    def empty(self) -> bool:
        """No day in it: nothing to ask Gong, and everybody's counters are 0."""
        return self.start >= self.end


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A window as configured.

    Attributes:
        name: ``7d``, ``wtd``, ...: the label value.
        days: the length of a trailing window; 0 for the ones that start with a period.
    """

    name: str
    days: int = 0

    def on(self, today: date) -> DayRange:
        """The days the window covers while ``today`` is the company's current day.

        It ends as today begins: today is not over, and Gong refuses to count it.
        """
        if self.days:
            return DayRange(_back(today, self.days), today)
        match self.name:
            case "wtd":
                start = _back(today, today.weekday())
            case "mtd":
                start = today.replace(day=1)
            case "qtd":
                start = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
            case _:
                start = today.replace(month=1, day=1)
        return DayRange(start, today)


PERIODS = ("wtd", "mtd", "qtd", "ytd")
"""Week (from Monday), month, quarter and year to date."""


def parse_window(text: str) -> WindowSpec:
    """Read a window's name. Raises: ValueError, saying what is allowed."""
    if text in PERIODS:
        return WindowSpec(text)
    match = _TRAILING.fullmatch(text)
    if match and int(match[1]) <= MAX_DAYS:
        return WindowSpec(text, int(match[1]))
    raise ValueError(
        f"{text!r} is not a window: trailing days from 1d to {MAX_DAYS}d, or wtd, mtd, qtd, ytd"
    )


def company_today(now: float, zone: tzinfo) -> date:
    """The company's current day at Unix time ``now``."""
    return datetime.fromtimestamp(now, zone).date()


def today_everywhere(now: float) -> date:
    """The latest date that has begun in every time zone: a range that ends there is over."""
    return datetime.fromtimestamp(now, _LAST_ON_EARTH).date()


def day_start(day: date, zone: tzinfo) -> float:
    """Unix time at which a company day begins: its midnight, or what comes first after it.

    Where clocks skip midnight, fold 0 takes the offset before the gap, which names the very
    moment of the change; where midnight comes twice, it takes the first.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC).timestamp()


def longest(windows: Iterable[WindowSpec], today: date) -> WindowSpec:
    """The window that starts first; as all end together, it contains every other."""
    return min(windows, key=lambda window: window.on(today).start)


def _back(day: date, days: int) -> date:
    return day - timedelta(days=days)
