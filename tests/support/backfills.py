"""Backfills for tests: the real parts against a simulated API, with time in the test's hands."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll_plan import PollPlan
from gong_exporter.activity.snapshot import User, WindowData
from gong_exporter.activity.users import ALL_USERS, ListedUser, Selection, fingerprint
from gong_exporter.activity.windows import parse_window
from gong_exporter.backfill.order import Means, Order
from gong_exporter.backfill.outputs import Template
from gong_exporter.backfill.plan import DAY, Days
from gong_exporter.backfill.quota import Counter, Quota
from gong_exporter.backfill.run import Backfill, Summary
from gong_exporter.backfill.style import Format
from gong_exporter.common.redact import Redactor
from gong_exporter.gong.client import GongClient
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.limits import CallLimits, Ledger, Limiter
from gong_exporter.gong.transport import Transport
from gong_exporter.simulator.options import SimulatorOptions
from gong_exporter.simulator.serve import Simulator
from tests.support.clocks import FakeClock
from tests.support.ledgers import MemoryLedger
from tests.support.logs import LogRecorder

TODAY = date(2026, 3, 11)
"""The company's today at tests.support.clocks.NOW, in US/Pacific."""


def days_before(number: int, last: date = TODAY) -> Days:
    """So many days, of which this is the last."""
    return Days(last - timedelta(days=number - 1), last)


@dataclass
class Told:
    """A Progress that remembers.

    Attributes:
        fetched_days: in their order.
        waits: until when, and why.
        left: days that were left when fetching began.
        on_day: called for each fetched day.
    """

    fetched_days: list[date] = field(default_factory=list)
    waits: list[tuple[float, str]] = field(default_factory=list)
    left: int | None = None
    on_day: Callable[[date], None] = lambda _: None

    def fetching(self, days_left: int, days: int) -> None:  # noqa: ARG002
        self.left = days_left

    def fetched(self, day: date) -> None:
        self.fetched_days.append(day)
        self.on_day(day)

    def waiting(self, until: float, why: str) -> None:
        self.waits.append((until, why))

    def going_on(self) -> None: ...

    def writing(self, path: Path, users: int) -> None: ...

    def wrote(self, users: int) -> None: ...


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
        together: calls that everybody may make.
        rate: calls a second.
        company_state, latest: what a state file holds.
        metrics, labels, form, step, output: what is asked for.
        created_from: of the configuration.
    """

    simulator: Simulator
    folder: Path
    clock: Clock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    windows: Sequence[str] = ("1d", "7d", "28d")
    users: Sequence[str] = ()
    zone: str | None = None
    per_day: int = 5000
    together: int = 5000
    rate: float = 3.0
    company_state: CompanyState | None = None
    latest: tuple[WindowData, ...] = ()
    metrics: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] = ()
    form: Format = Format.OPENMETRICS
    step: int = DAY
    output: str = "out.om"
    created_from: str | None = None
    secret: str | None = None
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    recorder: LogRecorder = field(default_factory=LogRecorder)
    counter: Counter = field(default_factory=Counter)

    def prepare(self, days: Days) -> Backfill:
        """A backfill that nothing was fetched of yet."""
        return Backfill(self.order(days), self.means())

    def run(self, days: Days) -> Summary:
        """A whole backfill."""
        backfill = self.prepare(days)
        try:
            backfill.fetch()
            return backfill.write()
        finally:
            backfill.close()

    def order(self, days: Days) -> Order:
        return Order(
            plan=self.plan(),
            days=days,
            template=Template(self.folder / self.output),
            form=self.form,
            step=self.step,
            labels=self.labels,
            metrics=self.metrics,
            portray=self.portray,
        )

    def plan(self) -> PollPlan:
        selection = ALL_USERS
        if self.users:
            selection = Selection(listed=tuple(map(_listed, self.users)))
        return PollPlan(
            host=self.simulator.url,
            windows=tuple(map(parse_window, self.windows)),
            selection=selection,
            zone=ZoneInfo(self.zone) if self.zone else None,
            fingerprint=fingerprint(self.simulator.url, selection, self.created_from, None),
            created_from=self.created_from,
        )

    def means(self) -> Means:
        return Means(
            source=self.client(),
            clock=self.clock,
            quota=Quota(
                clock=self.clock,
                counter=self.counter,
                per_day=self.per_day,
                together=self.together,
                used=self.ledger.used,
                progress=self.told,
            ),
            calls_per_second=self.rate,
            company_state=self.company_state,
            latest=self.latest,
            log=self.recorder.log,
            progress=self.told,
            shown=str,
        )

    def client(self) -> GongClient:
        """A real one over real sockets; only its waits may take no time."""
        options = SimulatorOptions()
        pair = f"{options.access_key}:{self.secret or options.access_key_secret}"
        header = "Basic " + base64.b64encode(pair.encode()).decode()
        return GongClient(
            transport=Transport(base_url=self.simulator.url, timeout=10.0, user_agent="test"),
            limiter=Limiter(
                clock=self.clock,
                ledger=self.ledger,
                limits=CallLimits(self.rate, self.together),
                observer=self.counter,
                timeout=10.0,
            ),
            observer=self.counter,
            clock=self.clock,
            authorization=lambda: header,
            redactor=Redactor(),
            log=self.recorder.log,
        )

    def portray(self, user_id: str, email: str) -> User:
        names = sorted({name for columns in self.columns.values() for name in columns})
        columns = self.columns.get(user_id, {})
        return User(
            user_id=user_id,
            email=email,
            labels=tuple((name, columns.get(name, "")) for name in names),
        )

    @property
    def path(self) -> Path:
        return self.folder / self.output

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of the requests that arrived."""
        return [entry.body for entry in self.simulator.journal.entries()]


def _listed(name: str) -> ListedUser:
    return ListedUser(email=name) if "@" in name else ListedUser(user_id=name)
