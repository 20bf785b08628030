"""When is the next poll? A pure function, and the APScheduler job that wakes the poller then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from gong_exporter.activity.budget import DAY, CallBudget
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.config.cron import CronSchedule
from gong_exporter.config.model import PollConfig
from gong_exporter.runtime.setup import Setup

AFTER_MIDNIGHT = 120.0
"""Seconds into the company's new day at which it is polled. Clocks differ a little, and Gong
refuses a date that the company has not reached."""

AFTER_WAIT = 1.0
"""Seconds between the end of a Retry-After, or of a wait for the quota, and the next poll."""

FIRST_RETRY = 60.0
"""Seconds to the next try while there is nothing to serve; doubled each time, up to the interval.

Gong or the network may be down for minutes when the machine starts, and an interval is an hour."""

SAME_MINUTE = 30.0
"""Seconds after a poll's start in which a time of the crontab line counts as served by it."""

_MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PollHistory:
    """What happened to this process's polls so far. Times are Unix seconds.

    Attributes:
        started: when the last poll began; None if there was none since the process started, the
            configuration changed or the clock was set.
        ended: when it ended; None likewise.
        retry_at: when Gong or the quota allows the next poll, if it ended the last one.
        failures_without_data: polls that failed in a row while nothing is served.
    """

    started: float | None = None
    ended: float | None = None
    retry_at: float | None = None
    failures_without_data: int = 0


@dataclass(frozen=True, slots=True)
class NextPoll:
    """The next poll.

    Attributes:
        at: Unix seconds; in the past if it is late.
        reason: for the log.
    """

    at: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PollInputs:
    """Everything that decides when the next poll is. Times are Unix seconds.

    Attributes:
        now: the time.
        poll: the schedule as configured.
        budget: the interval that fits the quota.
        zone: the company's; None if it is not known yet.
        history: of this process's polls.
        fresh_until: when the data that is there needs a poll; 0 if it needs one now.
        blocked_until: end of a Retry-After, or of a wait for the quota, by the ledger; 0 for none.
    """

    now: float
    poll: PollConfig
    budget: CallBudget
    zone: ZoneInfo | None = None
    history: PollHistory = PollHistory()
    fresh_until: float = 0.0
    blocked_until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """The state after the last poll, for the status page and the schedule.

    Attributes:
        setup: the configuration in force.
        budget: the calls that its schedule takes.
        zone: the company's; None if it is not known yet.
        planned: the names of the windows that polls fetch. Not all, if the quota is too small.
        windows: the newest data of each configured window, served or not.
        failed: the windows that the last poll left without new data; None before the first poll.
    """

    setup: Setup
    budget: CallBudget
    zone: ZoneInfo | None
    planned: tuple[str, ...]
    windows: tuple[WindowData, ...]
    failed: tuple[str, ...] | None

    def fresh_until(self, now: float) -> float:
        """Unix time until which the data needs no new poll; 0 if it needs one now.

        Every polled window has to be there, with today's range, and younger than the interval; and
        the last poll must not have failed.
        """
        if self.failed or self.zone is None:
            return 0.0
        held = {data.window: data for data in self.windows}
        today = company_today(now, self.zone)
        midnight = day_start(today, self.zone)
        fetched: list[float] = []
        for name in self.planned:
            data = held.get(name)
            if data is None or data.fetched_at > now or data.end != today:
                return 0.0
            if data.end_timestamp != midnight and not data.as_stated:
                return 0.0  # the same day in another time zone
            fetched.append(data.fetched_at)
        return min(fetched) + self.budget.interval_in_effect


def next_poll(inputs: PollInputs) -> NextPoll:
    """Decide when the next poll is. Pure.

    It is at the earliest of the schedule, the company's midnight and a retry, but never during a
    Retry-After or while the quota is used up.
    """
    if inputs.history.started is None and inputs.fresh_until <= inputs.now:
        earliest = NextPoll(inputs.now, "start")
    else:
        earliest = min(_candidates(inputs), key=lambda candidate: candidate.at)
    allowed = max(inputs.blocked_until, inputs.history.retry_at or 0.0) + AFTER_WAIT
    if allowed > max(inputs.now, earliest.at):
        return NextPoll(allowed, "retry")
    return earliest


def _candidates(inputs: PollInputs) -> Iterator[NextPoll]:
    history, budget, zone = inputs.history, inputs.budget, inputs.zone
    interval = budget.interval_in_effect
    begun = inputs.now if history.started is None else history.started
    ended = inputs.now if history.ended is None else history.ended
    if history.retry_at is not None:
        yield NextPoll(history.retry_at + AFTER_WAIT, "retry")
    if budget.impossible:
        # Counted from the end: only then are the last poll's calls out of the quota.
        due = inputs.fresh_until if history.ended is None else ended + DAY + AFTER_WAIT
        yield NextPoll(due, "schedule")
        return
    if inputs.poll.cron is None:
        due = inputs.fresh_until if history.started is None else begun + interval
        yield NextPoll(due, "schedule")
    else:
        # A crontab line knows nothing of the quota, so times that come too soon are left out.
        gap = interval - AFTER_WAIT if budget.stretched else SAME_MINUTE
        after = begun if history.started is None else begun + gap
        cron_time = next_cron_time(inputs.poll.cron, zone or UTC, after)
        if cron_time is not None:
            yield NextPoll(cron_time, "schedule")
    if zone is not None:
        # Counted from the poll's start: one that began before midnight knows nothing of today.
        today = company_today(begun - AFTER_MIDNIGHT, zone)
        midnight = day_start(today + timedelta(days=1), zone)
        yield NextPoll(midnight + AFTER_MIDNIGHT, "midnight")
    if history.failures_without_data and not budget.stretched:
        # Not with a stretched interval: it is stretched because the calls are spent.
        wait = FIRST_RETRY * 2.0 ** min(history.failures_without_data - 1, _MAX_DOUBLINGS)
        if wait < interval:
            yield NextPoll(ended + wait, "retry")


def next_cron_time(schedule: CronSchedule, zone: tzinfo, after: float) -> float | None:
    """The first time of a crontab line after a Unix time; None if there is none.

    Clock changes are as in cron(8): a time that the clocks skip comes right after them, and one
    that comes twice counts once, except in lines for every hour, which stay an hour apart.
    APScheduler's own cron trigger counts weekdays from Monday, and on the day after clocks went
    forward it leaves out the runs of the first hour.
    """
    # Compared as Unix times: a local time that comes twice is not a moment, and runs that the
    # clocks skip can come at the same moment as another one.
    runs = schedule.after(datetime.fromtimestamp(after, zone))
    return next((at for run in runs if (at := run.timestamp()) > after), None)


class PollTimer:
    """Wakes the poller at a moment, by APScheduler.

    The job runs in the scheduler's own thread. With the default executor, a machine that cannot
    start threads would lose the poll.
    """

    def __init__(self) -> None:
        self._wake: Callable[[], None] = lambda: None
        # A late run counts once (coalesce), however late it is (no misfire limit).
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            executors={"default": DebugExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to call ``wake``, in the scheduler's thread; it must return at once."""
        self._wake = wake
        self._scheduler.start()

    def set(self, at: float) -> None:
        """Wake at this Unix time, or now if that is over, instead of at the time set before."""
        trigger = DateTrigger(datetime.fromtimestamp(at, UTC), timezone=UTC)
        self._scheduler.add_job(self._wake, trigger, id="next poll", replace_existing=True)

    def stop(self) -> None:
        """Never wake again. Returns at once."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
