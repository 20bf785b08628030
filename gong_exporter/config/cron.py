"""Schedules as crontab(5) reads them, on the package cronsim; no clock and no time zone here.

cronsim also accepts six fields, ``L``, ``LW``, ``#`` and steps without a range, and it has no
nicknames such as ``@daily``. So a line is checked here first, and mistakes are explained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

from cronsim import CronSim, CronSimError

from gong_exporter.common.problems import hint, quoted


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When to poll, in the company's time zone.

    Attributes:
        text: as configured.
        fields: the five fields, as cronsim reads them.
        minutes: of the day, sorted; every day with a run has runs at all of them, apart from days
            on which clocks change.
    """

    text: str
    fields: str
    minutes: tuple[int, ...]

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The runs after a moment, in the moment's time zone and with its clock changes."""
        return CronSim(self.fields, moment)


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

_A_MINUTE = timedelta(minutes=1)
_CYCLE = (datetime(2060, 1, 1), datetime(2113, 1, 1))  # noqa: DTZ001 - plain calendar
"""The usual cycle of 28 years, and the years around 2100, which has no leap day."""
_WEEKS = (datetime(2060, 1, 1), datetime(2060, 2, 1))  # noqa: DTZ001 - same
"""Enough for schedules by weekday alone; the years above would take a third of a second."""


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
    checked = " ".join(_checked(*pair) for pair in zip(fields, _FIELDS, strict=True))
    if fields[_DAY_OF_MONTH] != "*" and fields[_DAY_OF_WEEK] != "*":
        raise ValueError(
            "day of month and day of week are both restricted: crontab(5) takes days that match"
            " either one, most people expect both; leave one of them '*'"
        )
    try:
        runs = CronSim(checked, _CYCLE[0] - _A_MINUTE)
    except CronSimError:
        raise ValueError("there is no such day in these months, ever") from None
    first = next(runs)
    day = [first, *takewhile(lambda run: run.date() == first.date(), runs)]
    return CronSchedule(text, checked, tuple(run.hour * 60 + run.minute for run in day))


def longest_gap(schedule: CronSchedule) -> timedelta:
    """The longest time between two runs, by a calendar without clock changes."""
    minutes = schedule.minutes
    within = max((later - sooner for sooner, later in pairwise(minutes)), default=0)
    overnight = _longest_day_gap(schedule) * 24 * 60 - (minutes[-1] - minutes[0])
    return timedelta(minutes=max(within, overnight))


def _longest_day_gap(schedule: CronSchedule) -> int:
    day, month, weekday = schedule.fields.split()[_DAY_OF_MONTH:]
    start, end = _WEEKS if day == month == "*" else _CYCLE
    days = CronSim(f"0 0 {day} {month} {weekday}", start - _A_MINUTE)
    found = takewhile(lambda run: run < end, days)
    return max((later - sooner).days for sooner, later in pairwise(found))


def _expand(text: str) -> str:
    plain = text.strip().lower()
    if not plain.startswith("@"):
        return plain
    if plain == "@reboot":
        raise ValueError("@reboot is not a time; the exporter polls at its start anyway")
    if plain not in _NICKNAMES:
        raise ValueError(f"unknown nickname {quoted(text.strip())}; {hint(plain, _NICKNAMES)}")
    return _NICKNAMES[plain]


def _checked(text: str, field: _Field) -> str:
    """One field as cronsim reads it. Raises: ValueError, if it is not crontab(5)'s."""
    return ",".join(_part(part, field) for part in text.split(","))


def _part(part: str, field: _Field) -> str:
    match = _PART.fullmatch(part)
    if match is None:
        raise _wrong(field, part, "is not '*', a number, a range a-b, or one of them with a /step")
    star, first, last, step = match.groups()
    if star:
        return f"*/{_step(step, field, part)}" if step is not None else "*"
    low = _number(first, field, part)
    high = low if last is None else _number(last, field, part)
    if last == "sun" and low > 0:
        high = _SUNDAY
    if step is not None and last is None:
        raise _wrong(field, part, f"has a step without a range; write {low}-{field.high}/{step}")
    if low > high:
        raise _wrong(field, part, "is a range that runs backwards")
    every = 1 if step is None else _step(step, field, part)
    # cronsim would read 5-5/2 as 5-59/2.
    return str(low) if low == high else f"{low}-{high}/{every}"


def _step(text: str, field: _Field, part: str) -> int:
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
