"""A crontab line as a trigger for APScheduler, whose own one is not used.

APScheduler's counts weekdays from Monday, and on the day after clocks went forward it leaves out
what is due in the first hour, so that a daily poll at midnight would come two days after the last.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler.triggers.base import BaseTrigger

from gong_exporter.config.cron import CronSchedule

_CATCH_UP = timedelta(days=1)
"""Runs that were missed longer ago than this are skipped: they would be one run anyway."""


class CrontabTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 ships no types
    """Fires at the times of a crontab line, with clock changes as in cron(8).

    A time that the clocks skip comes right after them, and one that comes twice counts once, except
    in lines for every hour, which stay an hour apart.

    Args:
        schedule: the line.
        zone: in which it is read.
    """

    def __init__(self, schedule: CronSchedule, zone: tzinfo) -> None:
        self._schedule = schedule
        self._zone = zone

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """See BaseTrigger: the first time after the previous one, or from now on."""
        if previous_fire_time is None:
            return self._first(now - timedelta(microseconds=1))
        return self._first(max(previous_fire_time, now - _CATCH_UP))

    def _first(self, after: datetime) -> datetime | None:
        # In UTC: a local time that comes twice equals no other, and runs that the clocks skip can
        # come at the same moment as another one.
        moment = after.astimezone(UTC)
        runs = (run.astimezone(UTC) for run in self._schedule.after(after.astimezone(self._zone)))
        return next((run for run in runs if run > moment), None)
