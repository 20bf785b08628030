"""Polls and what becomes of them: kept in the state file, shown in the exposition, counted.

No thread and no schedule in here: ``--once`` uses it as it is, the poller calls it from its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.fetch import PageSource
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan, PollResult
from gong_exporter.activity.snapshot import EMPTY, WindowData
from gong_exporter.activity.users import UserLabels, build_snapshot
from gong_exporter.activity.windows import company_today, day_start
from gong_exporter.activity.zones import load_zone
from gong_exporter.common.redact import Redactor
from gong_exporter.exposition.body import Exposition
from gong_exporter.exposition.metrics import ExporterMetrics
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.clock import Clock, Stopped
from gong_exporter.runtime.addresses import hidden, labels_now
from gong_exporter.runtime.client import make_client
from gong_exporter.runtime.poll_state import PollState
from gong_exporter.runtime.setup import (
    Setup,
    forecast_calls,
    interval_in_effect,
    redaction_policy,
)
from gong_exporter.runtime.teller import Teller
from gong_exporter.store import StateFile

Ask = Callable[[PageSource, PollPlan, CompanyState, Clock, FilteringBoundLogger], PollResult]
"""What asks Gong for a plan's windows."""


class PollRunner:
    """Runs polls, one at a time, in the thread of whoever calls.

    Args:
        setup: the configuration in force.
        clock: time and waits.
        state: the state file, or memory.
        metrics: counts.
        exposition: is given each new snapshot.
        log: is told.
        redactor: redacts by the configuration in force.
        keep: write what polls bring to the state file; not while another process does.
        ask: asks Gong.
    """

    def __init__(
        self,
        *,
        setup: Setup,
        clock: Clock,
        state: StateFile,
        metrics: ExporterMetrics,
        exposition: Exposition,
        log: FilteringBoundLogger,
        redactor: Redactor,
        keep: bool = True,
        ask: Ask = poll,
    ) -> None:
        self._clock = clock
        self._state = state
        self._metrics = metrics
        self._exposition = exposition
        self._log = log
        self._redactor = redactor
        self._ask = ask
        self.keep = keep
        self._setup = setup
        self._knowledge = CompanyState(host=setup.plan.host)
        self._windows: dict[str, WindowData] = {}
        self._loaded: frozenset[str] = frozenset()
        self._teller = Teller(log=log, metrics=metrics, clock=clock)
        self._client: GongClient | None = None
        self._served: tuple[WindowData, ...] | None = None
        self._stretched = False
        self._failed: tuple[str, ...] | None = None
        self._snapshot = EMPTY
        self._label: Callable[[str], str] = hidden
        self.poll_state = PollState(setup=setup, forecast=forecast_calls(setup, None), zone=None)

    @property
    def knowledge(self) -> CompanyState:
        """What is known of the company."""
        return self._knowledge

    @property
    def zone(self) -> ZoneInfo | None:
        """The company's time zone, as far as it is known."""
        return self._setup.plan.zone or load_zone(self._knowledge.time_zone or "")

    def restore(self) -> None:
        """Serve what the state file holds, with its true timestamps."""
        self._load(self._setup.plan)
        self.use(self._setup)

    def use(self, setup: Setup) -> None:
        """Put a configuration in force; the data that fits it goes on being served."""
        if self._client is not None:
            self._client.close()
        self._setup = setup
        self._redactor.use(redaction_policy(setup.config))
        self._client = self._new_client()
        self._hold(setup.plan)
        self._metrics.keep_windows(window.name for window in setup.plan.windows)
        for data in self._matching():
            self._metrics.window_succeeded(data.window, data.fetched_at)
        self._metrics.set_quota_limit(setup.limits.requests_per_day)
        self._served = None
        self.refresh()
        self._budget()

    def fresh_until(self) -> float:
        """Unix time until which the data needs no new poll: 0 when it needs one now.

        Every window has to be there, of today's range, and younger than the interval.
        """
        matching = {data.window: data for data in self._matching()}
        now, zone = self._clock.now(), self.zone
        if zone is None:
            return 0.0
        today = company_today(now, zone)
        for window in self._setup.plan.windows:
            data = matching.get(window.name)
            if data is None or data.fetched_at > now:
                return 0.0
            if data.end_timestamp != day_start(today, zone):
                return 0.0
        oldest = min(data.fetched_at for data in matching.values())
        return oldest + interval_in_effect(self.poll_state.forecast)

    def run(self) -> PollResult | None:
        """One poll, from the first call to the published snapshot; None if it broke down.

        Raises:
            Stopped: the process is stopping.
        """
        if self._client is None:
            self._client = self._new_client()
        began = self._clock.monotonic()
        self._metrics.poll_started(self._clock.now())
        try:
            result = self._ask(
                self._client, self._setup.plan, self._knowledge, self._clock, self._log
            )
            self._learn(result)
        except Stopped:
            self._metrics.poll_abandoned()
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A defect of ours must not end the loop: it is counted, told and tried again.
            self._teller.defect(error)
            self._ended(began, tuple(window.name for window in self._setup.plan.windows))
            return None
        failed = tuple(name for failure in result.failures for name in failure.windows)
        self._ended(began, failed)
        self._budget()
        self._log.info(
            "poll ended",
            seconds=round(self._clock.monotonic() - began, 3),
            windows=",".join(data.window for data in result.windows) or "none",
            failed=",".join(failed) or "none",
            users=len(self.poll_state.snapshot.users),
            unknown=len(self.poll_state.snapshot.unknown),
        )
        self._teller.unknown(self._snapshot.unknown)
        return result

    def refresh(self) -> None:
        """Publish what is young enough to serve, if that is not what is served already."""
        now = self._clock.now()
        stale_after = self._setup.config.poll.stale_after
        served = tuple(d for d in self._matching() if now - d.fetched_at <= stale_after)
        if served != self._served:
            gone = {data.window for data in self._served or ()} - {data.window for data in served}
            if gone:
                self._log.warning("data too old to serve", windows=",".join(sorted(gone)))
            self._served = served  # first: what cannot be shown is not tried again every second
            self._publish(served)
        self._stand()

    def lapse(self) -> None:
        """Serve no longer what has grown too old; cheap, so that long polls can do it too."""
        oldest = min((data.fetched_at for data in self._served or ()), default=math.inf)
        if self._clock.now() - oldest > self._setup.config.poll.stale_after:
            self.refresh()

    def close(self) -> None:
        """Drop connections to Gong."""
        if self._client is not None:
            self._client.close()

    def _load(self, plan: PollPlan) -> None:
        self._loaded = frozenset(window.name for window in plan.windows)
        saved = self._state.load(plan.host, self._loaded)
        self._knowledge = saved.company_state or CompanyState(host=plan.host)
        self._windows = {data.window: data for data in saved.windows}

    def _hold(self, plan: PollPlan) -> None:
        """Have in memory what the plan asks for and no more, as far as it is known."""
        knowledge, held = self._knowledge, self._windows
        if knowledge.host != plan.host:
            self._load(plan)
        elif {window.name for window in plan.windows} != self._loaded:
            self._load(plan)
            # The file may have less: it cannot be written, say, or is not ours to write.
            self._knowledge = knowledge
            self._windows |= {name: held[name] for name in self._loaded & held.keys()}

    def _learn(self, result: PollResult) -> None:
        self._knowledge = result.company_state
        for data in result.windows:
            self._windows[data.window] = data
            self._metrics.window_succeeded(data.window, data.fetched_at)
        self._teller.failures(result.failures)
        if self.keep:
            self._state.save(result.company_state, result.windows)
        self.refresh()

    def _publish(self, served: tuple[WindowData, ...]) -> None:
        activity = self._setup.config.activity
        self._label = labels_now(self._setup.config, self._log)
        self._snapshot = (
            build_snapshot(
                windows=served,
                company_state=self._knowledge,
                selection=self._setup.plan.selection,
                metrics=activity.metrics,
                user_labels=UserLabels(
                    email_label=self._label,
                    columns=activity.roster.columns,
                    columns_of=activity.roster.of,
                ),
            )
            if served
            else EMPTY
        )
        self._exposition.publish(self._snapshot)

    def _matching(self) -> Iterable[WindowData]:
        """The data that answers this configuration's questions, in its order."""
        plan = self._setup.plan
        held = (self._windows.get(window.name) for window in plan.windows)
        return [data for data in held if data and data.fingerprint == plan.fingerprint]

    def _budget(self) -> None:
        cost = self.poll_state.forecast
        self._metrics.set_interval(interval_in_effect(cost))
        if cost.stretched and not self._stretched:
            self._log.warning(
                "polling less often than configured, to keep gong.requests_per_day",
                interval=round(cost.interval),
                effective_interval=round(interval_in_effect(cost)),
                calls_per_poll=cost.calls_per_poll,
                requests_per_day=cost.requests_per_day,
            )
        self._stretched = cost.stretched

    def _ended(self, began: float, failed: tuple[str, ...]) -> None:
        seconds = self._clock.monotonic() - began
        self._failed = failed
        self._metrics.poll_finished(duration=seconds, failed=bool(failed))
        self._stand()

    def _stand(self) -> None:
        self.poll_state = PollState(
            setup=self._setup,
            forecast=forecast_calls(self._setup, self._knowledge),
            zone=self.zone,
            snapshot=self._snapshot,
            windows=tuple(self._matching()),
            failed=self._failed,
            label=self._label,
        )

    def _new_client(self) -> GongClient:
        return make_client(
            self._setup,
            clock=self._clock,
            ledger=self._state.ledger,
            observer=self._metrics,
            redactor=self._redactor,
            log=self._log,
        )
