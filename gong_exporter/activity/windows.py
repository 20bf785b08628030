"""Windows (``7d``, ``mtd``) as ranges of whole company days, and the time zones of these days."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from gong_exporter.common.problems import quoted

_NAME = re.compile(r"[A-Za-z]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,3}")
"""What names of time zones look like."""


def load_zone(name: str) -> ZoneInfo | None:
    """The time zone of this name, also an alias such as ``US/Pacific``; None if unknown."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # absolute paths, folders, odd characters, unknown
        return None


def same_days(one: ZoneInfo, other: ZoneInfo, days: DayRange) -> bool:
    """True if a range begins and ends at the same moments in both zones."""
    return all(day_start(day, one) == day_start(day, other) for day in (days.start, days.end))


def describe_zone(name: str) -> str:
    """A zone's name for a message.

    Text that does not look like a name is not shown, because it may be a secret: a server in
    Gong's place may repeat there what it received.
    """
    return repr(name) if _NAME.fullmatch(name) else "(not the name of a time zone)"


MAX_DAYS = 400
"""The longest trailing window: more than a year, to compare a month with last year's."""

_TRAILING = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)

_LAST_ON_EARTH = timezone(timedelta(hours=-12))
"""The time zone where a date begins last. A day that has ended there has ended everywhere."""


@dataclass(frozen=True, slots=True)
class DayRange:
    """Company days from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: date
    end: date

    @property
    def empty(self) -> bool:
        """True if it has no day: nothing is requested, and all counters are 0."""
        return self.start >= self.end


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A window as configured.

    Attributes:
        name: the label value, such as ``7d`` or ``wtd``.
        days: the length of a trailing window; 0 for windows that start with a period.
    """

    name: str
    days: int = 0

    def range_on(self, today: date) -> DayRange:
        """The days that the window covers while ``today`` is the company's current day.

        It ends when today begins, because Gong refuses ranges that have not ended.
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
    """Parse a name in ``activity.windows``. Raises: ValueError, which lists what is allowed."""
    if text in PERIODS:
        return WindowSpec(text)
    match = _TRAILING.fullmatch(text)
    if match and int(match[1]) <= MAX_DAYS:
        return WindowSpec(text, int(match[1]))
    raise ValueError(
        f"{quoted(text)} is not a window; write trailing days, 1d to {MAX_DAYS}d,"
        f" or {', '.join(PERIODS)}"
    )


def company_today(now: float, zone: tzinfo) -> date:
    """The company's current day at Unix time ``now``."""
    return datetime.fromtimestamp(now, zone).date()


def today_everywhere(now: float) -> date:
    """The latest date that has begun in every time zone; a range up to it has ended everywhere."""
    return datetime.fromtimestamp(now, _LAST_ON_EARTH).date()


def day_start(day: date, zone: tzinfo) -> float:
    """Unix time at which a company day begins: its midnight, or the first moment after it.

    If clocks skip midnight, fold 0 takes the offset before the gap, which is exactly the moment
    of the change. If midnight occurs twice, fold 0 takes the first.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC).timestamp()


def longest(windows: Iterable[WindowSpec], today: date) -> WindowSpec:
    """The window that starts first. It contains the others, because all end at the same time."""
    return min(windows, key=lambda window: window.range_on(today).start)


def longest_range(windows: Iterable[WindowSpec], today: date) -> DayRange:
    """The range of the longest window; the day before ``today`` if all ranges are empty."""
    days = longest(windows, today).range_on(today)
    return WindowSpec("1d", 1).range_on(today) if days.empty else days


def _back(day: date, days: int) -> date:
    return day - timedelta(days=days)
