"""The days of a backfill, the timestamps of their samples, and the errors that end it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import day_start


class BackfillError(Exception):
    """The backfill cannot continue; the message says what happened and what to do."""


class InvalidRequest(BackfillError):
    """The backfill cannot be done as requested: bad usage, found before any day is fetched."""


DAY = 86_400

EARLIEST = date(2010, 1, 1)
"""The first day that can be requested; Gong is younger."""

SHORTEST_STEP = 60


@dataclass(frozen=True, slots=True)
class PublicationDays:
    """The days of a backfill. On day D, the windows that end when D begins are published.

    Attributes:
        first: ``--from``.
        last: ``--to``, included.
    """

    first: date
    last: date

    def in_zone(self, zone: ZoneInfo) -> tuple[date, ...]:
        """Every day in order, without days that the zone skipped (Samoa's 2011-12-30)."""
        days = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        return tuple(day for day in days if begins(day, zone) < begins(_next(day), zone))

    def check(self) -> None:
        """Check what does not depend on today's date. Raises: InvalidRequest."""
        if self.first > self.last:
            raise InvalidRequest(
                f"--from={self.first} is after --to={self.last}: the range is the wrong way round"
            )
        if self.first < EARLIEST:
            raise InvalidRequest(
                f"--from={self.first} is too early: nothing is older than {EARLIEST}"
            )

    def check_begun(self, today: date, zone: ZoneInfo) -> None:
        """Check that the last day has begun. Raises: InvalidRequest.

        Args:
            today: the company's current day. Its windows ended when it began, so it is allowed.
            zone: the company's.
        """
        if self.last > today:
            raise InvalidRequest(
                f"--to={self.last} has not begun: in {zone.key}, the company's time zone, today is"
                f" {today}, which is the last day that can be asked for"
            )


def begins(day: date, zone: ZoneInfo) -> int:
    """Unix time at which a company day begins; UTC offsets are whole seconds."""
    return int(day_start(day, zone))


def check_step(step: float) -> int:
    """The step in whole seconds. Raises: InvalidRequest, if it does not divide a day."""
    if not SHORTEST_STEP <= step <= DAY or DAY % step:
        raise InvalidRequest(
            "--step must be from 1m to 1d, and divide a day: 1m, 5m, 15m, 1h, 6h, 1d ..."
        )
    return int(step)


def sample_times(day: date, zone: ZoneInfo, step: int, now: float) -> range:
    """Unix times of one day's samples: when the day begins, then every ``step`` seconds.

    A day ends when the next one begins, so a day of 23 or 25 hours has fewer or more samples. With
    a step of a day, each day has one.

    Args:
        day: the company day.
        zone: the company's.
        step: seconds.
        now: Unix seconds; there are no samples after it.
    """
    begin, end = begins(day, zone), begins(_next(day), zone)
    if step == DAY:
        end = min(end, begin + 1)
    return range(begin, min(end, math.floor(now) + 1), step)


def _next(day: date) -> date:
    return day + timedelta(days=1)
