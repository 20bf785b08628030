"""What a backfill will ask and cost, before it starts. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import WindowSpec, day_start

DAY = 86_400.0

BYTES_PER_SAMPLE = 150
"""Of one line of either format, about: a name, four labels, a value, a timestamp."""


class BackfillError(Exception):
    """The backfill cannot be done as asked; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days of publication: on day D the windows that end as D begins.

    Attributes:
        first: ``--from``.
        last: ``--to``, included.
    """

    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def all(self) -> tuple[date, ...]:
        """Every day, in order."""
        return tuple(self.first + timedelta(days=n) for n in range(len(self)))

    def check(self, today: date) -> None:
        """Refuse what cannot be asked for.

        Args:
            today: the company's current day; its windows ended as it began, so it may be asked.

        Raises:
            BackfillError: the range is the wrong way round, or reaches past today.
        """
        if self.first > self.last:
            raise BackfillError(
                f"--from={self.first} is after --to={self.last}: the range is the wrong way round"
            )
        if self.last > today:
            raise BackfillError(
                f"--to={self.last} has not begun: the company's today is {today}, and the last day"
                " whose windows are over"
            )


def instants(day: date, zone: ZoneInfo, step: float) -> tuple[float, ...]:
    """Unix times of one day's samples: as its windows opened, then every ``step`` seconds.

    A day ends where the next one begins: it can have 23 or 25 hours, and then its number of
    samples differs too. A day that the zone skipped has none.
    """
    begin, end = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    count = max(0, math.ceil((end - begin) / step))
    return tuple(begin + n * step for n in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is left to do, and what will come of it.

    Attributes:
        days: days still to fetch.
        calls: pages still to ask for.
        seconds: time that takes by the limits, other users of the quota left aside.
        samples: lines of all output, about.
        size: bytes of all output, about.
    """

    days: int
    calls: int
    seconds: float
    samples: int
    size: int


def forecast(
    *,
    days_left: int,
    days_in_all: int,
    windows: tuple[WindowSpec, ...],
    pages: Mapping[str, int],
    users: int,
    metrics: int,
    step: float,
    calls_per_second: float,
    calls_per_day: int,
) -> Forecast:
    """Forecast from what the last polls saw.

    Args:
        days_left: days that the work file does not hold yet.
        days_in_all: days of the output.
        windows: asked for on each of them, each with its pages.
        pages: pages by window name; a window not in it counts as one page.
        users: people with series.
        metrics: series of each in each window.
        step: seconds between samples.
        calls_per_second: by the limiter.
        calls_per_day: the quota that the backfill may use.
    """
    calls = days_left * sum(pages.get(window.name, 1) for window in windows)
    by_rate = calls / calls_per_second
    whole_days = max(0, math.ceil(calls / calls_per_day) - 1) if calls_per_day else math.inf
    samples = int(
        days_in_all
        * max(1.0, DAY / step)
        * (users * (len(windows) * metrics + 1) + 3 * len(windows))
    )
    return Forecast(
        days=days_left,
        calls=calls,
        seconds=max(by_rate, whole_days * DAY),
        samples=samples,
        size=samples * BYTES_PER_SAMPLE,
    )
