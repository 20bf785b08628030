"""When to poll: APScheduler's jobs, each of which only wakes the poll loop.

So the schedule, the poll after midnight and a retry cannot overlap, whatever they do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from gong_exporter.config.crontab import CronSchedule

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""crontab(5) counts from Sunday, APScheduler from Monday; names mean the same to both."""


class Schedule:
    """Owns the scheduler's thread.

    Args:
        wake: called, from that thread, with the reason to poll: ``schedule``, ``midnight``
            or ``retry``. Must return at once.
    """

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        # Late or missed runs count once (coalesce), however late (no misfire limit).
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Begin to wake."""
        self._scheduler.start()

    def stop(self) -> None:
        """Wake no more; waits for nothing."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, seconds: float, first: float) -> None:
        """Poll at an interval, from Unix time ``first`` on."""
        self._set(
            "schedule",
            IntervalTrigger(seconds=seconds, start_date=_moment(first), timezone=UTC),
        )

    def cron(self, schedule: CronSchedule, zone: tzinfo) -> None:
        """Poll at the times of a crontab line, read in the company's zone."""
        self._set("schedule", cron_trigger(schedule, zone))

    def once(self, reason: str, at: float) -> None:
        """Poll at Unix time ``at``, in place of an earlier ``once`` for the same reason."""
        self._set(reason, DateTrigger(_moment(at), timezone=UTC))

    def forget(self, reason: str) -> None:
        """No poll for this reason any more."""
        if self._scheduler.get_job(reason):
            self._scheduler.remove_job(reason)

    def next(self) -> float | None:
        """Unix time of the next poll; None when none is due."""
        times = [
            job.next_run_time.timestamp()
            for job in self._scheduler.get_jobs()
            if getattr(job, "next_run_time", None) is not None
        ]
        return min(times, default=None)

    def _set(self, reason: str, trigger: Any) -> None:
        self._scheduler.add_job(
            self._wake, trigger, args=(reason,), id=reason, name=reason, replace_existing=True
        )


def cron_trigger(schedule: CronSchedule, zone: tzinfo) -> CronTrigger:
    """A crontab line as APScheduler's trigger, every field spelled out.

    APScheduler combines day-of-month and day-of-week by AND; that is harmless here, since the
    configuration refuses a line that restricts both.
    """
    return CronTrigger(
        minute=_list(schedule.minutes),
        hour=_list(schedule.hours),
        day=_list(schedule.days),
        month=_list(schedule.months),
        day_of_week=",".join(_WEEKDAYS[day] for day in schedule.weekdays),
        timezone=zone,
    )


def _list(numbers: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in numbers)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
