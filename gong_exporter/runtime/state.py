"""The running exporter as its HTTP side sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gong_exporter import __version__
from gong_exporter.activity.budget import CallBudget
from gong_exporter.activity.snapshot import Snapshot
from gong_exporter.config.durations import format_duration
from gong_exporter.config.model import PollConfig
from gong_exporter.exposition.body import Body
from gong_exporter.exposition.exporter_status import ExporterStatus, Failure
from gong_exporter.gong.client import MAX_CLOCK_OFFSET
from gong_exporter.runtime.poll_runner import PollRunner
from gong_exporter.runtime.poller import Poller
from gong_exporter.runtime.published import Published
from gong_exporter.runtime.reload import Reloader
from gong_exporter.runtime.schedule import PollState
from gong_exporter.runtime.setup import search_share, unrecorded_warning
from gong_exporter.web.status import Health, Status, WindowStatus
from gong_exporter.web.watch import WebConfigFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterSite:
    """Implements ``web.status.Site`` over the parts of a running exporter; reads only.

    Attributes:
        runner: the data and its state.
        poller: the loop.
        started_at: Unix seconds at which the process started.
        reloader: reloads the configuration.
        web_config: the web configuration that is followed; None without one.
    """

    runner: PollRunner
    poller: Poller
    started_at: float
    reloader: Reloader
    web_config: WebConfigFile | None = None

    @property
    def _redact(self) -> Callable[[str], str]:
        return self.runner.parts.redactor.redact

    def metrics(self, accept: str, accept_encoding: str) -> Body:
        """See Site."""
        self.runner.current()  # drops data that is too old to serve
        return self.runner.parts.exposition.body(accept, accept_encoding)

    def healthy(self) -> Health:
        """See Site."""
        problem = self.poller.problem()
        return Health(problem is None, problem or "healthy: the poll loop is alive")

    def ready(self) -> Health:
        """See Site."""
        windows = self.runner.current().snapshot.windows
        if windows:
            return Health(True, "ready: serving " + ", ".join(data.window for data in windows))
        failure = self.runner.parts.metrics.status().last_failure
        why = f": {self._redact(failure.message)}" if failure else ", the first poll is not over"
        return Health(False, f"not ready: no data to serve{why}")

    def reload(self) -> Health:
        """See Site."""
        refused = self.reloader.reload()
        if refused is not None:
            return Health(False, self._redact(refused))
        return Health(True, "the configuration was read again and is in force")

    def status(self) -> Status:
        """See Site."""
        state, published = self.runner.poll_state, self.runner.current()
        now = self.runner.parts.clock.now()
        numbers, config = self.runner.parts.metrics.status(), state.setup.config
        return Status(
            version=__version__,
            now=now,
            started_at=self.started_at,
            time_zone=state.zone.key if state.zone else None,
            base_url=config.gong.base_url,
            schedule=schedule_text(config.poll),
            interval_seconds=state.budget.interval_in_effect,
            windows=tuple(
                _window(window.name, state, published.snapshot)
                for window in state.setup.plan.windows
            ),
            numbers=replace(numbers, last_failure=self._last_failure(numbers)),
            stretched=stretched_text(state.budget) if state.budget.stretched else None,
            standby=self.poller.standby,
            failure_over=state.failed == (),
            snapshot=published.snapshot,
            unknown_users=tuple(
                name if "@" not in name else published.label(name) or "(hidden)"
                for name in published.snapshot.unknown
            ),
            warnings=self._warnings(state, numbers, published),
        )

    def _last_failure(self, numbers: ExporterStatus) -> Failure | None:
        """The last failure, redacted again: a reload may hide what was shown at the time."""
        failure = numbers.last_failure
        if failure is None:
            return None
        request_id = self._redact(failure.request_id) if failure.request_id else None
        return replace(failure, message=self._redact(failure.message), request_id=request_id)

    def _warnings(
        self, state: PollState, status: ExporterStatus, published: Published
    ) -> tuple[str, ...]:
        found = list(state.setup.config.warnings)
        if published.roster_match.warning:
            found.append(f"Roster: {published.roster_match.warning}")
        if len(state.planned) < len(state.setup.plan.windows):
            found.append(
                f"One poll of all windows takes {state.budget.calls_per_poll} calls, more than"
                f" gong.requests_per_day ({state.budget.requests_per_day}): only the window"
                f" {', '.join(state.planned)} is polled, once a day"
            )
        if self.runner.roster.error:
            found.append(
                "Roster: it could not be fetched from Gong, and the last good one stays:"
                f" {self.runner.roster.error}"
            )
        if self.runner.drops.error:
            found.append(
                "Drops: the detector failed, so there are no scores, or those of an earlier day:"
                f" {self.runner.drops.error}"
            )
        if text := unrecorded_warning(state.setup, self.runner.company_state):
            found.append(text)
        if self.runner.parts.state.error:
            found.append(f"State file: {self.runner.parts.state.error}")
        offset = abs(status.clock_offset or 0.0)
        if offset > MAX_CLOCK_OFFSET:
            found.append(
                f"Clock: this machine's clock differs from Gong's by {offset:.0f} s; set it,"
                " because days, windows and stale data are computed from it"
            )
        if self.reloader.refused is not None:
            found.append(f"The last reload was refused: {self.reloader.refused}")
        if self.web_config is not None and self.web_config.error is not None:
            found.append(f"Web configuration: {self.web_config.error}")
        return tuple(map(self._redact, found))


def schedule_text(poll: PollConfig) -> str:
    """The schedule as configured."""
    if poll.cron is not None:
        return poll.cron.text
    return f"every {format_duration(poll.interval or 0)}"


def stretched_text(budget: CallBudget) -> str:
    """Why the interval in effect is not the configured one."""
    if budget.impossible:
        return (
            f"a poll takes {budget.calls_per_poll} calls and {budget.requests_per_day} a day are"
            f" allowed{search_share(budget)}: no interval fits"
        )
    return (
        f"stretched from {format_duration(budget.interval)}, since a poll takes"
        f" {budget.calls_per_poll} calls and {budget.requests_per_day} a day are allowed"
        f"{search_share(budget)}"
    )


def _window(name: str, state: PollState, snapshot: Snapshot) -> WindowStatus:
    held = next((data for data in state.windows if data.window == name), None)
    served = next((data for data in snapshot.windows if data.window == name), None)
    return WindowStatus(
        name,
        data=served,
        active=0 if served is None else snapshot.active(served),
        stale=name in (state.failed or ()),
        last_success=None if held is None else held.fetched_at,
    )
