"""When to poll: APScheduler's jobs, each of which only rings for the poll loop.

So the schedule, the poll after midnight and a retry cannot overlap, whatever they do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from gong_exporter.config.cron import CronSchedule
from gong_exporter.runtime.crontab_trigger import CrontabTrigger


class Timetable(Protocol):
    """What the poll loop asks of a schedule. Times are Unix seconds."""

    def start(self, ring: Callable[[str], None]) -> None:
        """Begin to ring, from any thread, with ``schedule`` or the reason given."""
        ...

    def stop(self) -> None:
        """Ring no more; waits for nothing."""
        ...

    def every(self, seconds: float, first: float) -> None:
        """Ring at an interval, with ``first`` the first time, in place of what was set before."""
        ...

    def cron(self, schedule: CronSchedule, zone: tzinfo) -> None:
        """Ring at the times of a crontab line, read in a time zone, likewise in its place."""
        ...

    def once(self, reason: str, at: float) -> None:
        """Ring at a moment, in place of an earlier one for the same reason."""
        ...

    def forget(self, reason: str) -> None:
        """Ring for this reason no more."""
        ...

    def next(self) -> float | None:
        """When it rings next; None for never."""
        ...


class Schedule:
    """A Timetable by APScheduler, which it owns, and the thread of it."""

    def __init__(self) -> None:
        self._ring: Callable[[str], None] = lambda _: None
        # Late or missed runs count once (coalesce), however late (no misfire limit).
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self, ring: Callable[[str], None]) -> None:
        """See Timetable."""
        self._ring = ring
        self._scheduler.start()

    def stop(self) -> None:
        """See Timetable."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, seconds: float, first: float) -> None:
        """See Timetable."""
        self._set(
            "schedule",
            IntervalTrigger(seconds=seconds, start_date=_moment(first), timezone=UTC),
        )

    def cron(self, schedule: CronSchedule, zone: tzinfo) -> None:
        """See Timetable."""
        self._set("schedule", CrontabTrigger(schedule, zone))

    def once(self, reason: str, at: float) -> None:
        """See Timetable."""
        self._set(reason, DateTrigger(_moment(at), timezone=UTC))

    def forget(self, reason: str) -> None:
        """See Timetable."""
        with contextlib.suppress(JobLookupError):
            self._scheduler.remove_job(reason)

    def next(self) -> float | None:
        """See Timetable."""
        times = [
            job.next_run_time.timestamp()
            for job in self._scheduler.get_jobs()
            if getattr(job, "next_run_time", None) is not None
        ]
        return min(times, default=None)

    def _set(self, reason: str, trigger: Any) -> None:
        self._scheduler.add_job(
            self._ring, trigger, args=(reason,), id=reason, name=reason, replace_existing=True
        )


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
