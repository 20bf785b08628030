"""A crontab line as a trigger for APScheduler, whose own one is not used.

That one counts weekdays from Monday, and on the day after clocks went forward it leaves out what
is due in the first hour, so that a daily poll at midnight would come two days after the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from apscheduler.triggers.base import BaseTrigger

from gong_exporter.config.crontab import CronSchedule

_ALL_HOURS = 24
_HORIZON = 366 * 41
"""Days to look ahead: 29 February on a given weekday comes once in 28 years, around 2100 in 40."""

_CATCH_UP = timedelta(days=1)
"""Runs that were missed longer ago than this are not looked at: they would be one run anyway."""


class CrontabTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 ships no types
    """Fires at the times of a crontab line.

    As in cron(8), a time that the clocks skip comes later by as much as they skip, and one that
    comes twice counts once, except in lines for every hour, which stay an hour apart.

    Args:
        schedule: the line.
        zone: in which it is read.
    """

    def __init__(self, schedule: CronSchedule, zone: tzinfo) -> None:
        self._schedule = schedule
        self._zone = zone
        hours = schedule.hours
        self._folds = (0, 1) if len(hours) == _ALL_HOURS else (0,)
        self._times = [time(hour, minute) for hour in hours for minute in schedule.minutes]

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """See BaseTrigger: the first time after the previous one, or from now on."""
        if previous_fire_time is None:
            return self._first(now - timedelta(microseconds=1))
        return self._first(max(previous_fire_time, now - _CATCH_UP))

    def _first(self, after: datetime) -> datetime | None:
        moment = after.astimezone(UTC)
        # From the day before: what its clocks skipped may come after its midnight.
        start = moment.astimezone(self._zone).date() - timedelta(days=1)
        for ahead in range(_HORIZON):
            day = start + timedelta(days=ahead)
            if self._on(day):
                later = [at for at in self._moments(day) if at > moment]
                if later:
                    return min(later)  # in UTC: a local time that comes twice equals no other
        return None

    def _on(self, day: date) -> bool:
        line = self._schedule
        return (
            day.month in line.months
            and day.day in line.days
            and day.isoweekday() % 7 in line.weekdays
        )

    def _moments(self, day: date) -> Iterator[datetime]:
        for at in self._times:
            for fold in self._folds:
                local = datetime.combine(day, at, self._zone).replace(fold=fold)
                moment = local.astimezone(UTC)
                back = moment.astimezone(self._zone)
                if fold == 0 or back.replace(tzinfo=None, fold=0) == datetime.combine(day, at):
                    yield moment
