"""Backfills for tests: the real parts against a simulated API, with time in the test's hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.exclusion import make_exclusion
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import WindowData
from gong_exporter.activity.users import ALL_USERS, ListedUser, Selection, UserLabels
from gong_exporter.activity.windows import parse_window
from gong_exporter.backfill.output import OutputPath, TextFormat
from gong_exporter.backfill.plan import DAY, PublicationDays
from gong_exporter.backfill.quota import BackfillQuota
from gong_exporter.backfill.request import BackfillDeps, BackfillRequest
from gong_exporter.backfill.run import Backfill, Summary
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.limits import Ledger
from gong_exporter.simulator.api.simulator import Simulator
from tests.activity.rig import client_of
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger
from tests.support.logs import LogRecorder

TODAY = date(2026, 3, 11)
"""The company's today at tests.support.clocks.NOW, in US/Pacific."""


def days_before(number: int, last: date = TODAY) -> PublicationDays:
    """So many days, of which this is the last."""
    return PublicationDays(last - timedelta(days=number - 1), last)


@dataclass
class Rig:
    """What one run of a backfill needs. A second run takes a second one.

    Attributes:
        simulator: the API.
        folder: where the output goes.
        clock: a fake one unless given.
        ledger: shared with others.
        windows, users: of the configuration; no users means all.
        zone: as configured; None to learn it.
        per_day: calls that the backfill may make of its own.
        total_per_day: calls that everybody may make.
        rate: calls a second.
        company_state, latest: what a state file holds.
        metrics, labels, text_format, step, output: what is asked for.
        on_day: called for each fetched day.
    """

    simulator: Simulator
    folder: Path
    clock: Clock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    windows: Sequence[str] = ("1d", "7d", "28d")
    users: Sequence[str] = ()
    zone: str | None = None
    per_day: int = 5000
    total_per_day: int = 5000
    rate: float = 3.0
    company_state: CompanyState | None = None
    latest: tuple[WindowData, ...] = ()
    metrics: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    text_format: TextFormat = TextFormat.OPENMETRICS
    step: int = DAY
    output: str = "out.om"
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    on_day: Callable[[date], None] = lambda _: None
    recorder: LogRecorder = field(init=False)
    excluded: tuple[str, ...] = ()
    quota: BackfillQuota = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = LogRecorder(self._after_event)
        self.quota = BackfillQuota(
            clock=self.clock,
            per_day=self.per_day,
            total_per_day=self.total_per_day,
            used=self.ledger.used,
            log=self.recorder.log,
        )

    def prepare(self, days: PublicationDays) -> Backfill:
        """A backfill that nothing was fetched of yet."""
        return Backfill(self.request(days), self.deps())

    def run(self, days: PublicationDays) -> Summary:
        """A whole backfill."""
        backfill = self.prepare(days)
        try:
            backfill.fetch()
            return backfill.write()
        finally:
            backfill.close()

    def request(self, days: PublicationDays) -> BackfillRequest:
        return BackfillRequest(
            plan=self.plan(),
            days=days,
            output=OutputPath(self.folder / self.output),
            text_format=self.text_format,
            step=self.step,
            labels=self.labels,
            metrics=self.metrics,
            user_labels=UserLabels(
                email_label=str,
                columns=tuple(sorted({name for row in self.columns.values() for name in row})),
                columns_of=lambda user_id, _: self.columns.get(user_id, {}),
            ),
        )

    def plan(self) -> PollPlan:
        selection = ALL_USERS
        if self.users:
            selection = Selection(listed=tuple(map(_listed, self.users)))
        selection = replace(selection, excluded=make_exclusion(self.excluded, {}))
        return PollPlan(
            host=self.simulator.url,
            windows=tuple(map(parse_window, self.windows)),
            selection=selection,
            zone=ZoneInfo(self.zone) if self.zone else None,
        )

    def deps(self) -> BackfillDeps:
        return BackfillDeps(
            source=self.client(),
            clock=self.clock,
            quota=self.quota,
            calls_per_second=self.rate,
            company_state=self.company_state or CompanyState(host=self.simulator.url),
            latest=self.latest,
            log=self.recorder.log,
        )

    def client(self) -> GongClient:
        """A real one over real sockets; only its waits may take no time."""
        return client_of(
            self.simulator,
            self.clock,
            ledger=self.ledger,
            per_second=self.rate,
            per_day=self.total_per_day,
            recorder=self.recorder,
            timeout=10.0,
            observer=self.quota,
        )

    @property
    def days_fetched(self) -> list[date]:
        """In their order."""
        return [date.fromisoformat(str(each["day"])) for each in self._logged("day fetched")]

    @property
    def days_left(self) -> object:
        """Days that were left when fetching began."""
        (fetching,) = self._logged("fetching")
        return fetching["days_left"]

    @property
    def waits(self) -> list[tuple[float, str]]:
        """Until when, and why."""
        return [
            (datetime.fromisoformat(str(each["until"])).timestamp(), str(each["reason"]))
            for each in self._logged("waiting")
        ]

    def _logged(self, message: str) -> list[dict[str, object]]:
        recorder = self.recorder
        events = zip(recorder.messages, recorder.values, strict=True)
        return [values for event, values in events if event == message]

    def _after_event(self, message: str, values: Mapping[str, object]) -> None:
        if message == "day fetched":
            self.on_day(date.fromisoformat(str(values["day"])))

    @property
    def path(self) -> Path:
        return self.folder / self.output

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of the requests that arrived."""
        return [entry.body for entry in self.simulator.journal.entries()]


def _listed(name: str) -> ListedUser:
    return ListedUser(email=name) if "@" in name else ListedUser(user_id=name)
