"""Which days a backfill is of, at which moments its samples are, and what it will cost. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gong_exporter.activity.windows import WindowSpec, day_start
from gong_exporter.backfill.errors import Refused

DAY = 86_400

EARLIEST = date(2010, 1, 1)
"""The first day that can be asked for; there is no Gong before it."""

SHORTEST_STEP = 60

_EXCHANGE = 0.3
"""Seconds that an exchange with Gong takes, about."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days of publication: on day D the windows that end as D begins.

    Attributes:
        first: ``--from``.
        last: ``--to``, included.
    """

    first: date
    last: date

    def of(self, zone: ZoneInfo) -> tuple[date, ...]:
        """Every day in order, without those that the zone skipped (Samoa's 2011-12-30)."""
        days = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        return tuple(day for day in days if begins(day, zone) < begins(_after(day), zone))

    def check(self) -> None:
        """Refuse what is no range, whatever today is. Raises: Refused."""
        if self.first > self.last:
            raise Refused(
                f"--from={self.first} is after --to={self.last}: the range is the wrong way round"
            )
        if self.first < EARLIEST:
            raise Refused(f"--from={self.first} is too early: nothing is older than {EARLIEST}")

    def check_over(self, today: date, zone: ZoneInfo) -> None:
        """Refuse a day whose windows are not over.

        Args:
            today: the company's current day; its windows ended as it began, so it may be asked.
            zone: the company's.

        Raises:
            Refused: the range reaches past today.
        """
        if self.last > today:
            raise Refused(
                f"--to={self.last} has not begun: in {zone.key}, the company's time zone, today is"
                f" {today}, which is the last day that can be asked for"
            )


def begins(day: date, zone: ZoneInfo) -> int:
    """Unix time at which a company day begins; offsets are whole seconds."""
    return int(day_start(day, zone))


def check_step(step: float) -> int:
    """The step in whole seconds. Raises: Refused, when days would not look alike."""
    if not SHORTEST_STEP <= step <= DAY or DAY % step:
        raise Refused("--step must be from 1m to 1d, and divide a day: 1m, 5m, 15m, 1h, 6h, 1d ...")
    return int(step)


def instants(day: date, zone: ZoneInfo, step: int, until: float) -> range:
    """Unix times of one day's samples: as its windows opened, then every ``step`` seconds.

    A day ends where the next one begins: with 23 or 25 hours it has fewer or more samples, but
    always one at a step of a day.

    Args:
        day: the company day.
        zone: the company's.
        step: seconds; DAY is one sample.
        until: the present; no sample is of the future.
    """
    begin, end = begins(day, zone), begins(_after(day), zone)
    if step == DAY:
        end = min(end, begin + 1)
    return range(begin, min(end, math.floor(until) + 1), step)


def _after(day: date) -> date:
    return day + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The calls that a backfill may make.

    Attributes:
        calls_per_second: of the limiter.
        calls_per_day: in any 24 hours, of its own: what the exporter's schedule leaves.
        room: of those, still to be made in the running 24 hours.
    """

    calls_per_second: float
    calls_per_day: int
    room: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is left to do, and what will come of it.

    Attributes:
        days_left: days still to fetch.
        days: days of the output.
        calls: pages still to ask for.
        seconds: time that they take by the limits.
        by_quota: whether the day's quota is what they take it for.
        samples: of all output.
        size: bytes of all output.
    """

    days_left: int
    days: int
    calls: int
    seconds: float
    by_quota: bool
    samples: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How much there is to write on one day, as far as it is known before.

    Attributes:
        users: people with series.
        metrics: series of each in each window.
        activity_bytes: of a line of gong_user_activity, about.
        other_bytes: of any other line.
    """

    users: int
    metrics: int
    activity_bytes: int
    other_bytes: int


def forecast(
    *,
    days_left: int,
    days: int,
    windows: tuple[WindowSpec, ...],
    pages: Mapping[str, int],
    search: int,
    crowd: Crowd,
    step: int,
    share: Share,
) -> Forecast:
    """Forecast from what polls saw last: a company was smaller before, so it tends to be more.

    Args:
        days_left: days that the work file does not hold yet.
        days: days of the output.
        windows: asked for on each of them.
        pages: pages by window name; a window not in it counts as one page.
        search: calls of the search for listed users.
        crowd: people and lines.
        step: seconds between samples.
        share: the calls that may be made.
    """
    calls = days_left * sum(pages.get(window.name, 1) for window in windows)
    calls += search if days_left else 0
    by_rate = calls * max(_EXCHANGE, (1 + _EXCHANGE) / max(1.0, share.calls_per_second))
    by_rate = max(by_rate, calls / share.calls_per_second)
    over = max(0, calls - share.room)
    by_quota = float(DAY * math.ceil(over / share.calls_per_day)) if over else 0.0
    moments = days * (DAY // step)
    activity = moments * crowd.users * len(windows) * crowd.metrics
    others = moments * (crowd.users + 6 * len(windows))
    return Forecast(
        days_left=days_left,
        days=days,
        calls=calls,
        seconds=max(by_rate, by_quota),
        by_quota=by_quota > by_rate,
        samples=activity + others,
        size=activity * crowd.activity_bytes + others * crowd.other_bytes,
    )
