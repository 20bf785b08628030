"""The poller: one daemon thread that runs every poll.

Everything that may cause a poll (the schedule, the company's midnight, a reload, the end of a
Retry-After) only changes when the next one is due, so polls never overlap and a late one runs once.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace

from gong_exporter.gong.clock import Stopped
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.schedule import NextPoll, PollHistory, PollInputs, PollTimer, next_poll
from gong_exporter.runtime.setup import Setup
from gong_exporter.runtime.signals import StopSignal

IDLE_INTERVAL = 1.0
"""Seconds between two checks of the clock, of the data's age and, as a standby, of the lock."""

STANDBY_RELOAD_INTERVAL = 15.0
"""Seconds after which a standby reads again what the polling process has saved."""

CLOCK_JUMP = 10.0
"""Seconds by which the wall clock may drift from the monotonic one between two checks. More means
that it was set, or that the machine slept."""

OVERDUE = 300.0
"""Seconds by which a poll may be late before the exporter is unhealthy."""


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A configuration to put in force.

    Attributes:
        setup: made from it.
        poll: whether a poll may be needed for it.
        in_force: set once it is in force.
    """

    setup: Setup
    poll: bool = True
    in_force: threading.Event = field(default_factory=threading.Event)


class Poller:
    """Runs polls until it is stopped.

    Attributes:
        standby: why this process does not poll; None if it does.
    """

    def __init__(
        self,
        *,
        runner: PollRunner,
        stop_signal: StopSignal,
        timer: PollTimer,
        idle_interval: float = IDLE_INTERVAL,
    ) -> None:
        self._runner = runner
        self._clock = clock = runner.parts.clock
        self._stop_signal = stop_signal
        self._lock = runner.parts.state.poller_lock
        self._timer = timer
        self._log = runner.parts.log
        self._idle_interval = idle_interval
        self._thread = threading.Thread(target=self._main, name="poller", daemon=True)
        self._wake = threading.Event()
        self._change_lock = threading.Lock()
        self._change: ConfigChange | None = None
        self._standby_read_at = -math.inf
        self._roster_at_start = True
        self._history = PollHistory()
        self._next: NextPoll | None = None
        self._polling = False
        self._history_goes_on = False
        self._due = math.inf  # on the monotonic clock, which cannot be set
        self._drift = clock.now() - clock.monotonic()
        self.standby: str | None = None

    def start(self) -> None:
        """Start the thread and the timer."""
        self._due = self._clock.monotonic()
        self._timer.start(self._wake.set)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Wake the thread, after the stop signal was set for good."""
        self._wake.set()
        self._timer.stop()

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def use(self, setup: Setup, *, interrupt: bool, poll: bool = True) -> ConfigChange:
        """Put a configuration in force, in place of one that still waits. From any thread.

        Args:
            setup: made from it.
            interrupt: abandon a poll that is running; otherwise it ends first.
            poll: poll at once, unless the data is fresh; otherwise the schedule stays as it is.
        """
        with self._change_lock:
            waiting = self._change is not None and self._change.poll
            self._change = change = ConfigChange(setup, poll or waiting)
        self._wake.set()
        if interrupt:
            self._stop_signal.interrupt()
        return change

    def problem(self) -> str | None:
        """Why no poll will come, or why a due one does not begin; None if all is well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the poll loop has ended; the log says why"
        late = self._clock.monotonic() - self._due
        if self.standby is None and not self._polling and late > OVERDUE:
            return f"a poll has been due for {late:.0f} s and has not begun"
        return None

    def _main(self) -> None:
        try:
            while not self._stop_signal.stopping:
                try:
                    self._turn()
                except Stopped:
                    self._stop_signal.resume()
            self._log.debug("the poll loop ends")
        except Exception:  # noqa: BLE001 - see below
            # Without this thread nothing is polled. /-/healthy returns 503, so that the process
            # is restarted.
            self._log.exception("the poll loop ended: a defect, please report it")

    def _turn(self) -> None:
        """Wait until there may be something to do, and do it."""
        if (self._lock.acquired or self.standby) and not self._history_goes_on:
            self._wake.wait(self._idle_interval)
        self._history_goes_on = False
        self._wake.clear()
        self._clock.check()
        change = self._pop_change()
        if change is not None:
            self._put_in_force(change)
        elif not self._lock.acquired:
            self._try_to_lead()
        elif self._clock_was_set():
            self._begin("clock")  # whatever was due by the clock as it was
        elif self._refresh_roster():
            self._wake.set()
        elif self._next is None or self._next.at <= self._clock.now():
            self._poll()
        else:
            self._runner.current()  # drops data that became too old, also if nothing scrapes
            self._history_goes_on = self._runner.advance_history()

    def _refresh_roster(self) -> bool:
        """Fetch the roster if that is due: before a poll, so that what it publishes has teams."""
        self._polling = True
        try:
            refreshed = self._runner.refresh_roster(at_start=self._roster_at_start)
        finally:
            self._polling = False
        self._roster_at_start = False
        return refreshed

    def _pop_change(self) -> ConfigChange | None:
        with self._change_lock:
            change, self._change = self._change, None
        return change

    def _put_in_force(self, change: ConfigChange) -> None:
        # Before its polls begin: an interruption that comes later is not about this one.
        self._stop_signal.resume()
        self._runner.use(change.setup)
        change.in_force.set()
        if self._lock.acquired and change.poll:
            self._runner.roster.retry_failure()
            self._begin("reload")

    def _try_to_lead(self) -> None:
        """Become the process that polls; until then serve what that process saves."""
        if self._lock.acquire():
            if self.standby is not None:
                self._log.info("polling from now on: the other process is gone")
                self._runner.restore()
            self._runner.purge_file()
            self._begin("start")
            self.standby = None
            return
        now = self._clock.monotonic()
        if self.standby is None:
            self.standby = _standby_reason(self._lock.owner)
            self._log.warning("not polling", because=self.standby)
        elif now - self._standby_read_at >= STANDBY_RELOAD_INTERVAL:
            self._runner.restore()
        else:
            self._runner.current()
            self._runner.drops.look()
            return
        self._standby_read_at = now

    def _begin(self, reason: str) -> None:
        """Start again: poll now, unless there is today's data, young enough, and no failure.

        A wait for the quota goes on as long as the quota is spent; a Retry-After is in the ledger.
        """
        keep_wait = reason == "reload" and self._runner.quota_is_spent()
        self._history = PollHistory(retry_at=self._history.retry_at if keep_wait else None)
        planned = self._plan()
        if self._runner.poll_state.fresh_until(self._clock.now()) > self._clock.now():
            self._log.info("the data is fresh: no poll now", because=reason)
        elif planned.at > self._clock.now():
            self._log_wait(planned)

    def _clock_was_set(self) -> bool:
        drift = self._clock.now() - self._clock.monotonic()
        jump, self._drift = drift - self._drift, drift
        if abs(jump) < CLOCK_JUMP:
            return False
        self._log.warning("the machine's clock was set, or the machine slept", seconds=round(jump))
        return True

    def _poll(self) -> None:
        planned = self._plan()
        if planned.at > self._clock.now():
            self._log_wait(planned)  # another process used up the quota, or got a Retry-After
            return
        self._log.debug("poll begins", because=planned.reason)
        started = self._clock.now()
        self._polling = True
        try:
            result = self._runner.run()
        finally:
            self._polling = False
        in_vain = self._runner.poll_state.failed and not self._runner.current().snapshot.windows
        self._history = PollHistory(
            started=started,
            ended=self._clock.now(),
            retry_at=None if result is None else result.retry_at,
            failures_without_data=self._history.failures_without_data + 1 if in_vain else 0,
        )
        self._plan()

    def _log_wait(self, planned: NextPoll) -> None:
        self._log.warning(
            "no poll yet: a Retry-After of Gong is in force, or the quota is used up",
            seconds=round(planned.at - self._clock.now()),
        )

    def _plan(self) -> NextPoll:
        """Set the timer as the configuration, the quota and the company's zone require it now."""
        state, now = self._runner.poll_state, self._clock.now()
        planned = next_poll(
            PollInputs(
                now=now,
                poll=state.setup.config.poll,
                budget=state.budget,
                zone=state.zone,
                history=self._history,
                fresh_until=state.fresh_until(now),
                blocked_until=self._runner.blocked_until(),
            )
        )
        self._next = planned = replace(planned, at=max(planned.at, now))
        self._due = self._clock.monotonic() + planned.at - now
        self._timer.set(planned.at)
        if planned.at <= now:
            self._wake.set()
        self._runner.parts.metrics.set_next_poll(planned.at)
        return planned


def _standby_reason(owner: int | None) -> str:
    process = "another process" if owner is None else f"the process {owner}"
    return (
        f"{process} polls with this state file, and this one serves what it saves; an exporter for"
        " another company needs a state.file of its own"
    )
