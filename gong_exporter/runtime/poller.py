"""The poll loop: one daemon thread that runs every poll, woken by the schedule.

Whatever asks for a poll (the schedule, the company's midnight, a reload, the end of a
Retry-After) only sets an event, so polls never overlap and a late one runs once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.runtime.polls import Polls
from gong_exporter.runtime.schedule import Schedule
from gong_exporter.runtime.setup import Setup, budget_fault

AFTER_MIDNIGHT = 120.0
"""Seconds into the company's new day at which it is polled: clocks differ a little, and a date
that the company has not reached is refused."""

TURN = 1.0
"""Seconds between two turns of the idle loop: lapsed data is gone within that."""

STANDBY_TURN = 10.0
"""Seconds between two tries to become the one that polls."""

SILENCE = 60.0
"""Seconds without a sign of life after which the loop counts as hung."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Whether this process is the one that polls.

    Attributes:
        acquire: tries to become it; True once it is.
        holder: who is, in words.
    """

    acquire: Callable[[], bool]
    holder: Callable[[], str]


class Heartbeat:
    """When the loop last gave a sign of life.

    Args:
        monotonic: seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """A sign of life; the clock gives one with every wait and exchange."""
        self._last = self._monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the last one."""
        return self._monotonic() - self._last


class Poller:
    """Runs polls until it is stopped.

    Args:
        polls: what a poll is; used by this thread alone once started.
        clock: time and waits.
        heartbeat: shared with the clock.
        duty: only one process polls with one state file.
        on_next_poll: is told the Unix time of the next poll, None when none is due.
        log: is told.
    """

    def __init__(
        self,
        *,
        polls: Polls,
        clock: Clock,
        heartbeat: Heartbeat,
        duty: Duty,
        on_next_poll: Callable[[float | None], None],
        log: FilteringBoundLogger,
    ) -> None:
        self._polls = polls
        self._clock = clock
        self._heartbeat = heartbeat
        self._duty = duty
        self._on_next_poll = on_next_poll
        self._log = log
        self._woken = threading.Event()
        self._reasons: set[str] = set()
        self._new_setup: Setup | None = None
        self._schedule = Schedule(self.wake)
        self._thread = threading.Thread(target=self._main, name="poller", daemon=True)
        self._polled_at: float | None = None
        self.standby: str | None = None

    def start(self) -> None:
        """Begin."""
        self._schedule.start()
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Wake it to the stop event, which is set already."""
        self._woken.set()
        self._schedule.stop()

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def wake(self, reason: str) -> None:
        """Poll as soon as the running poll is over. From any thread."""
        self._reasons.add(reason)
        self._woken.set()

    def use(self, setup: Setup) -> None:
        """Put a configuration in force between two polls. From any thread."""
        self._new_setup = setup
        self.wake("reload")

    @property
    def silent_for(self) -> float:
        """Seconds since the last sign of life; without end when the thread is gone."""
        return self._heartbeat.silent_for if self._thread.is_alive() else math.inf

    def _main(self) -> None:
        try:
            self._take_duty()
            self._begin()
            while True:
                self._turn()
        except Stopped:
            self._log.debug("the poll loop ends")
        except Exception:  # noqa: BLE001 - see below
            # Without this thread nothing is polled: /-/healthy says so, and whoever watches
            # it restarts the process.
            self._log.exception("the poll loop ended: a defect, please report it")

    def _take_duty(self) -> None:
        """Become the one that polls; until then serve what the other one saves."""
        while not self._duty.acquire():
            if self.standby is None:
                self.standby = self._duty.holder()
                self._log.warning("not polling", because=self.standby)
            self._clock.wait(STANDBY_TURN)
            self._polls.restore()
        if self.standby is not None:
            self._log.info("polling from now on: the other process is gone")
            self.standby = None
            self._polls.restore()
        self._polls.keep = True

    def _begin(self) -> None:
        """Poll at the start, unless the state file holds today's data, young enough."""
        fresh_until = self._polls.fresh_until()
        if fresh_until > self._clock.now():
            self._log.info("the saved data is fresh: no poll at the start")
            self._plan(first=fresh_until)
        else:
            self.wake("start")

    def _turn(self) -> None:
        self._clock.check()
        if not self._woken.wait(TURN):
            self._heartbeat.beat()
            self._polls.refresh()
            return
        self._woken.clear()
        self._clock.check()
        reasons, self._reasons = self._reasons, set()
        setup, self._new_setup = self._new_setup, None
        if setup is not None:
            self._polls.use(setup)
        if reasons == {"schedule"} and self._too_early():
            self._plan()
            return
        self._poll(",".join(sorted(reasons)))

    def _too_early(self) -> bool:
        """A cron line knows nothing of the quota: skip what would come sooner than fits it."""
        cost = self._polls.standing.forecast
        if not cost.stretched or self._polled_at is None:
            return False
        return self._clock.now() < self._polled_at + cost.effective_interval - TURN

    def _poll(self, reasons: str) -> None:
        self._log.debug("poll begins", because=reasons)
        self._polled_at = self._clock.now()
        result = self._polls.run()
        fault = budget_fault(self._polls.standing.setup, self._polls.standing.forecast)
        if fault:
            self._log.error(fault)
        self._plan()
        if result is not None and result.retry_at is not None:
            # Not a moment before Gong or the quota allows; the schedule may come first, and then
            # finds the limiter closed.
            self._schedule.once("retry", result.retry_at + TURN)
        else:
            self._schedule.forget("retry")
        self._on_next_poll(self._schedule.next())

    def _plan(self, first: float | None = None) -> None:
        """Set the schedule as the configuration, the quota and the company's zone now have it."""
        standing = self._polls.standing
        poll, cost = standing.setup.config.poll, standing.forecast
        zone = standing.zone
        now = self._clock.now()
        if poll.cron is not None:
            if zone is not None or standing.failed is not None:
                self._schedule.cron(poll.cron, zone or UTC)
        elif cost.impossible:
            self._schedule.every(86_400.0, first or now + 86_400.0)
        else:
            begun = self._polled_at if self._polled_at is not None else now
            self._schedule.every(
                cost.effective_interval, first or max(now, begun + cost.effective_interval)
            )
        if zone is not None:
            tomorrow = company_today(now - AFTER_MIDNIGHT, zone) + timedelta(days=1)
            self._schedule.once("midnight", day_start(tomorrow, zone) + AFTER_MIDNIGHT)
        self._on_next_poll(self._schedule.next())
