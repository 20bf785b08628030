"""Schedules as crontab(5) reads them, on the package cronsim; no clock and no time zone here.

cronsim also accepts six fields, ``L``, ``LW``, ``#`` and steps without a range, and it has no
nicknames such as ``@daily``. So a line is checked here first.
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


_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_VALUE = "(?:[0-9]{1,3}|[a-z]{3})"
_PART = re.compile(rf"(?:\*|{_VALUE}-{_VALUE})(?:/[0-9]{{1,2}})?|{_VALUE}", re.ASCII)
_ONE = re.compile(rf"\b({_VALUE})-\1(/[0-9]+)?\b", re.ASCII)
"""A range of a single value."""

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
    for name, field in zip(_FIELDS, fields, strict=True):
        for part in field.split(","):
            if not _PART.fullmatch(part):
                raise ValueError(
                    f"{name} {quoted(part)} is not '*', a number, a name or a range a-b; '*' and"
                    " ranges may have a /step"
                )
    # Sunday comes last in a range. cronsim would read 5-5/2 as 5-59/2.
    checked = _ONE.sub(r"\1", " ".join(fields)).replace("-sun", "-7")
    if fields[_DAY_OF_MONTH] != "*" and fields[_DAY_OF_WEEK] != "*":
        raise ValueError(
            "day of month and day of week are both restricted: crontab(5) takes days that match"
            " either one, most people expect both; leave one of them '*'"
        )
    try:
        runs = CronSim(checked, _CYCLE[0] - _A_MINUTE)
    except CronSimError as error:
        what = str(error).replace("Bad", "bad")
        raise ValueError(f"{quoted(text)} is not a schedule: {what}") from None
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
    if plain not in _NICKNAMES:
        raise ValueError(f"unknown nickname {quoted(text.strip())}; {hint(plain, _NICKNAMES)}")
    return _NICKNAMES[plain]
