"""Schedules as crontab(5) reads them, as explicit numbers; pure, no zones, no clock.

APScheduler's own cron reader counts weekdays from Monday and joins the two day fields by AND,
so a schedule is read here, and a trigger of ours goes by the numbers.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from gong_exporter.common.nearest import hint, quoted


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When to poll, in the company's time zone: every combination of the fields.

    Attributes:
        text: as configured.
        minutes: 0 to 59; like all of them sorted, without repeats, at least one.
        hours: 0 to 23.
        days: of the month, 1 to 31.
        months: 1 to 12.
        weekdays: 0 to 6, 0 being Sunday.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _WEEKDAYS),
)
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4
_SUNDAY = 7
"""Sunday's other number: it comes last in a range such as ``5-7`` or ``fri-sun``."""

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\w+))?", re.ASCII)

_YEARS = range(2000, 2400)
"""One whole cycle of the calendar: 400 years are a whole number of weeks."""


def parse_cron(text: str) -> CronSchedule:
    """Read five fields or a nickname such as ``@daily``.

    Raises: ValueError, naming the field and what is wrong with it.
    Source: crontab(5).
    """
    fields = _expand(text).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"a schedule has five fields (minute, hour, day of month, month, day of week),"
            f" this has {len(fields)}"
        )
    numbers = [_numbers(part, field) for part, field in zip(fields, _FIELDS, strict=True)]
    if fields[_DAY_OF_MONTH] != "*" and fields[_DAY_OF_WEEK] != "*":
        raise ValueError(
            "day of month and day of week are both restricted: crontab(5) takes days that match"
            " either one, most people expect both; leave one of them '*'"
        )
    minutes, hours, days, months, weekdays = numbers
    weekdays = tuple(sorted({day % _SUNDAY for day in weekdays}))
    schedule = CronSchedule(text, minutes, hours, days, months, weekdays)
    if min(days) > max(monthrange(2000, month)[1] for month in months):
        raise ValueError("there is no such day in these months, ever")
    return schedule


def runs_per_day_max(schedule: CronSchedule) -> int:
    """The most runs that a single day has (a day on which clocks change aside)."""
    return len(schedule.minutes) * len(schedule.hours)


def longest_gap(schedule: CronSchedule) -> timedelta:
    """The longest time between two runs, by a calendar without clock changes."""
    times = sorted(hour * 60 + minute for hour in schedule.hours for minute in schedule.minutes)
    within = max((later - sooner for sooner, later in pairwise(times)), default=0)
    over_night = _longest_day_gap(schedule) * 24 * 60 - (times[-1] - times[0])
    return timedelta(minutes=max(within, over_night))


def _longest_day_gap(schedule: CronSchedule) -> int:
    if (len(schedule.days), len(schedule.months), len(schedule.weekdays)) == (31, 12, 7):
        return 1
    weekdays = {(day - 1) % 7 for day in schedule.weekdays}  # as date.weekday() counts: 0 is Monday
    longest = 0
    first = last = None
    for year in _YEARS:
        for month in schedule.months:
            length = monthrange(year, month)[1]
            start = date(year, month, 1).toordinal()
            for day in schedule.days:
                ordinal = start + day - 1
                # Ordinal 1 is a Monday.
                if day > length or (ordinal - 1) % 7 not in weekdays:
                    continue
                if last is None:
                    first = ordinal
                else:
                    longest = max(longest, ordinal - last)
                last = ordinal
    if first is None or last is None:
        return 0
    cycle = date(_YEARS.stop, 1, 1).toordinal() - date(_YEARS.start, 1, 1).toordinal()
    return max(longest, first + cycle - last)


def _expand(text: str) -> str:
    plain = text.strip().lower()
    if not plain.startswith("@"):
        return plain
    if plain == "@reboot":
        raise ValueError("@reboot is not a time; the exporter polls at its start anyway")
    if plain not in _NICKNAMES:
        raise ValueError(f"unknown nickname {quoted(text.strip())}; {hint(plain, _NICKNAMES)}")
    return _NICKNAMES[plain]


def _numbers(text: str, field: _Field) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_range(part, field))
    return tuple(sorted(found))


def _range(part: str, field: _Field) -> range:
    match = _PART.fullmatch(part)
    if match is None:
        raise _wrong(field, part, "is not '*', a number, a range a-b, or one of them with a /step")
    star, first, last, step = match.groups()
    low, high = field.low, field.high
    if not star:
        low = _number(first, field, part)
        high = low if last is None else _number(last, field, part)
        if last == "sun" and low > 0:
            high = _SUNDAY
    if step is not None and not star and last is None:
        raise _wrong(field, part, f"has a step without a range; write {low}-{field.high}/{step}")
    if low > high:
        raise _wrong(field, part, "is a range that runs backwards")
    return range(low, high + 1, _step(step, field, part))


def _step(text: str | None, field: _Field, part: str) -> int:
    if text is None:
        return 1
    if not text.isdigit() or not text.strip("0"):
        raise _wrong(field, part, "has a step that is not a number above 0")
    if len(text) > 2 or int(text) > field.high:  # noqa: PLR2004 - no field has more than two digits
        raise _wrong(field, part, f"has a step that is larger than the field ({field.high})")
    return int(text)


def _number(text: str, field: _Field, part: str) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    if not text.isdigit():
        names = f"; names are {', '.join(field.names)}" if field.names else ""
        raise _wrong(field, part, f"is not a number{names}")
    if len(text) > 3 or not field.low <= int(text) <= field.high:  # noqa: PLR2004 - 007 is 7; longer is a slip
        raise _wrong(field, part, f"is out of range; {field.low} to {field.high} are allowed")
    return int(text)


def _wrong(field: _Field, part: str, what: str) -> ValueError:
    return ValueError(f"{field.name} {quoted(part)} {what}")
