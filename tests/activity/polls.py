"""Polls of one simulated company, again and again, with every call counted at the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollResult
from gong_exporter.activity.snapshot import Snapshot, WindowData
from gong_exporter.activity.users import Selection, UserLabels, build_snapshot
from gong_exporter.gong.records import ActivityFilter, ActivityPage
from gong_exporter.simulator.api.faults import Fault
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.records import ApiCompany
from tests.activity.rig import (
    Answering,
    asked,
    client_of,
    listed,
    plan_of,
    ranges,
    truth,
)
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, user_id
from tests.support.logs import LogRecorder
from tests.support.simulator import running_simulator

HOUR, DAY = 3600.0, 86_400.0
WINDOWS = ("1d", "7d", "28d")

MILD: frozenset[str]
MILD, STRICT = frozenset(), frozenset({"unknown-id-fails"})
"""The two readings of "User not found"."""

MANY = FixtureCompany(263)
"""Three pages when all users are listed."""

FEW = FixtureCompany(30)
"""One page."""


@dataclass
class Polls:
    """Polls one simulated company again and again, with one company_state.

    Attributes:
        broken: faults that strike the requests for everybody, and no others.
        broken_from: the page from which on they do, the first being 1.
    """

    simulator: Simulator
    selection: Selection
    clock: FakeClock
    company_state: CompanyState
    recorder: LogRecorder = field(default_factory=LogRecorder)
    broken: tuple[str, ...] = ()
    broken_from: int = 1

    def poll(self, after: float = 0.0) -> PollResult:
        """Poll once, ``after`` seconds from now; ``calls`` are those of this poll alone."""
        self.clock.advance(after)
        self.simulator.journal.clear()
        plan = plan_of(*WINDOWS, host=self.simulator.url, selection=self.selection)
        client = client_of(self.simulator, self.clock, recorder=self.recorder)
        pages = 0

        def ask(wanted: ActivityFilter, cursor: str | None) -> ActivityPage:
            nonlocal pages
            pages = pages + 1 if cursor else 1
            struck = wanted.user_ids is None and pages >= self.broken_from
            self.simulator.set_faults(*(self.broken if struck else ()))
            return client.page(wanted, cursor)

        source = Answering(ask) if self.broken else client
        result = poll(source, plan, self.company_state, self.clock, self.recorder.log)
        if self.broken:
            self.simulator.set_faults()
        self.company_state = result.company_state
        return result

    @property
    def calls(self) -> int:
        return len(asked(self.simulator))

    @property
    def refusals(self) -> int:
        return sum(entry.status == 404 for entry in self.simulator.journal.entries())

    @property
    def listings(self) -> Counter[tuple[str, str]]:
        """How often a listing of all users was started, by its range."""
        bodies = asked(self.simulator)
        return Counter(
            ranges(b for b in bodies if "userIds" not in b["filter"] and "cursor" not in b)
        )


@contextmanager
def polls(
    company: FixtureCompany | ApiCompany,
    *entries: str,
    reading: frozenset[str] = MILD,
    gone: tuple[str, ...] = (),
    now: datetime = datetime(2026, 3, 11, 18, tzinfo=UTC),
) -> Iterator[Polls]:
    """A company; the users in ``gone`` are known, and were deleted."""
    clock = FakeClock(now)
    with running_simulator(
        company, now=clock.datetime, faults=tuple(map(Fault, reading))
    ) as simulator:
        company_state = CompanyState(
            host=simulator.url,
            time_zone=company.time_zone.key,
            known_users=dict.fromkeys(gone, "gone@acme.example"),
        )
        yield Polls(simulator, listed(*entries), clock, company_state)


def ghosts(count: int) -> tuple[str, ...]:
    return tuple(str(555_000 + number) for number in range(count))


def mixed(count: int, unknown: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids to configure: those of the company, and unknown ones."""
    strangers = ghosts(unknown)
    return tuple(user_id(n) for n in range(count - unknown)), strangers


def assert_true(result: PollResult, company: FixtureCompany, known: tuple[str, ...]) -> None:
    assert not result.failures
    for window in result.windows:
        assert window.users == truth(company, window.start, window.end, known), window.window


def snapshot_of(result: PollResult, selection: Selection, *older: WindowData) -> Snapshot:
    fresh = {window.window: window for window in (*older, *result.windows)}
    return build_snapshot(
        windows=fresh.values(),
        company_state=result.company_state,
        selection=selection,
        metrics=None,
        user_labels=UserLabels(email_label=str),
    )
