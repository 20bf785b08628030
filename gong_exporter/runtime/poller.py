"""The poll loop: one daemon thread that runs every poll, woken by the schedule.

Whatever asks for a poll (the schedule, the company's midnight, a reload, the end of a
Retry-After) only rings a bell, so polls never overlap and a late one runs once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.runtime.heartbeat import Heartbeat
from gong_exporter.runtime.poll_requests import Order, PollRequests
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.schedule import Timetable
from gong_exporter.runtime.setup import Setup, budget_fault, interval_in_effect
from gong_exporter.runtime.signals import StopSignal

AFTER_MIDNIGHT = 120.0
"""Seconds into the company's new day at which it is polled: clocks differ a little, and a date
that the company has not reached is refused."""

TURN = 1.0
"""Seconds between two turns of the idle loop: lapsed data is gone within that."""

STANDBY_LOOK = 15.0
"""Seconds between two looks at what the process that polls has saved."""

CLOCK_JUMP = 10.0
"""Seconds by which the wall clock may drift from the monotonic one within a turn; more means
that somebody set it, or that the machine slept."""

NOTHING_YET = 60.0
"""Seconds to the next try while there is nothing to serve; doubled each time, up to the interval.

Gong or the network may be down for minutes when the machine starts, and an interval is an hour."""

SAME_MINUTE = 30.0
"""Seconds since the last poll's start within which a crontab line's moment is the same one."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Whether this process is the one that polls.

    Attributes:
        acquire: tries to become it; True once it is.
        holder: who is, in words.
    """

    acquire: Callable[[], bool]
    holder: Callable[[], str]


class Poller:
    """Runs polls until it is stopped.

    Args:
        polls: what a poll is; used by this thread alone once started.
        clock: time and waits; they end by ``interruption``.
        stop_signal: ends what is going on, for good or for a new configuration.
        heartbeat: shared with the clock.
        duty: only one process polls with one state file.
        timetable: rings when a poll is due.
        on_next_poll: is told the Unix time of the next poll, None when none is due.
        log: is told.
        turn: seconds that an idle turn waits for somebody to ask.

    Attributes:
        standby: why this process does not poll, in words; None when it does.
    """

    def __init__(
        self,
        *,
        polls: PollRunner,
        clock: Clock,
        stop_signal: StopSignal,
        heartbeat: Heartbeat,
        duty: Duty,
        timetable: Timetable,
        on_next_poll: Callable[[float | None], None],
        log: FilteringBoundLogger,
        turn: float = TURN,
    ) -> None:
        self._polls = polls
        self._clock = clock
        self._stop_signal = stop_signal
        self._heartbeat = heartbeat
        self._duty = duty
        self._timetable = timetable
        self._on_next_poll = on_next_poll
        self._log = log
        self._idle = turn
        self._bell = PollRequests()
        self._thread = threading.Thread(target=self._main, name="poller", daemon=True)
        self._on_duty = False
        self._looked_at = -math.inf
        self._polled_at: float | None = None
        self._in_vain = 0
        self._drift = clock.now() - clock.monotonic()
        self.standby: str | None = None

    def start(self) -> None:
        """Begin."""
        self._timetable.start(self._bell.ring)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Wake it to the stop_signal, which is for good already."""
        self._bell.wake()
        self._timetable.stop()

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def use(self, setup: Setup, *, at_once: bool) -> Order:
        """Put a configuration in force. From any thread.

        Args:
            setup: made from it.
            at_once: abandon a poll that is running; otherwise it ends first.
        """
        order = self._bell.hand_over(setup)
        if at_once:
            self._stop_signal.interrupt()
        return order

    @property
    def silent_for(self) -> float:
        """Seconds since the last sign of life; without end when the thread is gone."""
        ended = self._thread.ident is not None and not self._thread.is_alive()
        return math.inf if ended else self._heartbeat.silent_for

    def _main(self) -> None:
        try:
            while not self._stop_signal.stopping:
                try:
                    self._turn()
                except Stopped:
                    self._stop_signal.resume()
            self._log.debug("the poll loop ends")
        except Exception:  # noqa: BLE001 - see below
            # Without this thread nothing is polled: /-/healthy says so, and whoever watches
            # it restarts the process.
            self._log.exception("the poll loop ended: a defect, please report it")

    def _turn(self) -> None:
        """Wait a moment for somebody to ask; do what is asked, or what the time asks."""
        if self._on_duty or self.standby:
            self._bell.wait(self._idle)
        self._clock.check()
        asked = self._bell.take()
        if asked.order is not None:
            self._put_in_force(asked.order)
            for reason in asked.reasons:
                self._bell.ring(reason)  # with what the reload may ask for, they are one poll
            return
        if not self._on_duty:
            self._try_for_duty()
            return
        if self._clock_was_set():
            self._begin("clock")  # whatever was due by the clock as it was
            return
        reasons = asked.reasons
        if reasons == {"schedule"} and self._too_early():
            self._plan()
        elif reasons:
            self._poll(",".join(sorted(reasons)))
        else:
            self._polls.refresh()

    def _put_in_force(self, order: Order) -> None:
        # Before its polls begin: an interruption that comes later is not about this one.
        self._stop_signal.resume()
        self._polls.use(order.setup)
        order.in_force.set()
        if self._on_duty:
            self._begin("reload")

    def _try_for_duty(self) -> None:
        """Become the one that polls; until then serve what the other one saves."""
        if self._duty.acquire():
            if self.standby is not None:
                self._log.info("polling from now on: the other process is gone")
                self.standby = None
                self._polls.restore()
            self._on_duty = self._polls.keep = True
            self._begin("start")
            return
        now = self._clock.monotonic()
        if self.standby is None:
            self.standby = self._duty.holder()
            self._log.warning("not polling", because=self.standby)
        elif now - self._looked_at >= STANDBY_LOOK:
            self._polls.restore()
        else:
            self._polls.refresh()
            return
        self._looked_at = now

    def _begin(self, reason: str) -> None:
        """Poll at once, unless there is today's data, young enough, and nothing is amiss."""
        fresh_until = 0.0 if self._polls.poll_state.failed else self._polls.fresh_until()
        if fresh_until > self._clock.now():
            self._log.info("the data is fresh: no poll now", because=reason)
            self._plan(first=fresh_until)
        else:
            self._bell.ring(reason)

    def _clock_was_set(self) -> bool:
        drift = self._clock.now() - self._clock.monotonic()
        jump, self._drift = drift - self._drift, drift
        if abs(jump) < CLOCK_JUMP:
            return False
        self._polled_at = None
        self._log.warning("the machine's clock was set, or the machine slept", seconds=round(jump))
        return True

    def _too_early(self) -> bool:
        """Whether the poll that the schedule asks for has just been made.

        A poll for another reason may have come shortly before it; and a crontab line knows
        nothing of the quota, so that what would come sooner than fits it is left out.
        """
        if self._polled_at is None:
            return False
        standing = self._polls.poll_state
        by_line = standing.setup.config.poll.cron is not None and not standing.forecast.stretched
        apart = SAME_MINUTE if by_line else interval_in_effect(standing.forecast) - TURN
        return self._clock.now() < self._polled_at + apart

    def _poll(self, reasons: str) -> None:
        self._log.debug("poll begins", because=reasons)
        self._polled_at = self._clock.now()
        result = self._polls.run()
        standing = self._polls.poll_state
        fault = budget_fault(standing.setup, standing.forecast)
        if fault:
            self._log.error(fault)
        if result is not None and result.retry_at is not None:
            # Not a moment before Gong or the quota allows. The schedule may come first, and then
            # finds the limiter closed.
            self._timetable.once("retry", result.retry_at + TURN)
        elif (wait := self._wait_for_anything()) is not None:
            self._timetable.once("retry", self._clock.now() + wait)
        else:
            self._timetable.forget("retry")
        self._plan()

    def _wait_for_anything(self) -> float | None:
        """Seconds to a try before the next poll is due; None for no such try.

        Only while nothing is served, and not where the quota is short: what is there keeps for
        an interval, and a stretched interval is stretched because the calls are spent.
        """
        standing = self._polls.poll_state
        if not standing.failed or standing.snapshot.windows:
            self._in_vain = 0
            return None
        wait = NOTHING_YET * 2.0**self._in_vain
        if standing.forecast.stretched or wait >= interval_in_effect(standing.forecast):
            return None
        self._in_vain += 1
        return wait

    def _plan(self, first: float | None = None) -> None:
        """Set the timetable as the configuration, the quota and the company's zone have it now.

        Args:
            first: when the next poll by interval is due; an interval after the last one's start
                unless given.
        """
        standing = self._polls.poll_state
        poll = standing.setup.config.poll
        now = self._clock.now()
        begun = now if self._polled_at is None else self._polled_at
        if poll.cron is None:
            interval = interval_in_effect(standing.forecast)
            due = begun + interval if first is None else first
            if due <= now:
                self._bell.ring("schedule")
                due = now + interval
            self._timetable.every(interval, due)
        elif standing.zone is not None or standing.failed is not None:
            self._timetable.cron(poll.cron, standing.zone or UTC)
        if standing.zone is not None:
            # Counted from the poll's start: one that began before midnight knows nothing of today.
            today = company_today(begun - AFTER_MIDNIGHT, standing.zone)
            midnight = day_start(today + timedelta(days=1), standing.zone)
            self._timetable.once("midnight", midnight + AFTER_MIDNIGHT)
        self._on_next_poll(self._timetable.next())
