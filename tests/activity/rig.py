"""What the tests of polls share: a client of the simulator, and small sources of pages."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from structlog.typing import FilteringBoundLogger

from gong_exporter.activity.company_state import CompanyState
from gong_exporter.activity.poll import poll
from gong_exporter.activity.poll_plan import PollPlan, PollResult
from gong_exporter.activity.snapshot import Snapshot, Values, WindowData
from gong_exporter.activity.users import ALL_USERS, ListedUser, Selection
from gong_exporter.activity.windows import parse_window
from gong_exporter.common.redact import Redactor
from gong_exporter.gong.client import GongClient, RetryPolicy
from gong_exporter.gong.clock import Clock
from gong_exporter.gong.errors import GongError
from gong_exporter.gong.limits import CallLimits, Ledger, Limiter
from gong_exporter.gong.records import (
    COUNTERS,
    ActivityFilter,
    ActivityPage,
    Observer,
    UserActivity,
)
from gong_exporter.gong.transport import Transport
from gong_exporter.simulator.api.simulator import Simulator
from gong_exporter.simulator.api.simulator_options import SimulatorOptions
from tests.support.clocks import FakeClock
from tests.support.companies import FixtureCompany, window_counters
from tests.support.ledgers import MemoryLedger, SilentObserver
from tests.support.logs import LogRecorder, no_log


def client_of(
    simulator: Simulator,
    clock: Clock,
    *,
    ledger: Ledger | None = None,
    per_second: float = 1000.0,
    per_day: int = 1_000_000,
    retry: RetryPolicy | None = None,
    recorder: LogRecorder | None = None,
    secret: str | None = None,
    timeout: float = 5.0,
    observer: Observer | None = None,
) -> GongClient:
    """A real client over real sockets; only its waits take no time."""
    options = SimulatorOptions()
    pair = f"{options.access_key}:{secret or options.access_key_secret}"
    authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    observer = observer or SilentObserver()
    return GongClient(
        transport=Transport(base_url=simulator.url, timeout=timeout),
        limiter=Limiter(
            clock=clock,
            ledger=ledger or MemoryLedger(),
            limits=CallLimits(per_second, per_day),
            observer=observer,
            timeout=timeout,
        ),
        observer=observer,
        clock=clock,
        authorization=lambda: authorization,
        redactor=Redactor(),
        retry=retry,
        log=recorder.log if recorder else no_log(),
    )


def asked(simulator: Simulator) -> list[dict[str, Any]]:
    """The bodies of the requests that arrived."""
    return [entry.body for entry in simulator.journal.entries()]


def truth(
    company: FixtureCompany,
    start: date,
    end: date,
    only: Iterable[str] | None = None,
    silent: Collection[int] = (),
) -> dict[str, tuple[int, ...]]:
    """The counters of all users over ``[start, end)``, computed without the simulator."""
    wanted = None if only is None else set(only)
    users = {}
    for index, name in enumerate(company.user_ids):
        counters = window_counters(index, start, end)
        values = tuple(counters[counter] for counter in COUNTERS)
        if index not in silent and any(values) and (wanted is None or name in wanted):
            users[name] = values
    return users


def activity(name: str, value: int = 1, address: str | None = "") -> UserActivity:
    """A user with the same number in every counter."""
    return UserActivity(
        user_id=name,
        email=f"u{name}@acme.example" if address == "" else address,
        counters=dict.fromkeys(COUNTERS, value),
    )


def page_of(
    users: Sequence[UserActivity],
    *,
    total: int | None = -1,
    cursor: str | None = None,
    size: int | None = -1,
    received: int | None = None,
    time_zone: str | None = "UTC",
) -> ActivityPage:
    """A page with these users, consistent unless arguments say otherwise."""
    return ActivityPage(
        request_id="r1",
        total_records=len(users) if total == -1 else total,
        current_page_size=len(users) if size == -1 else size,
        cursor=cursor,
        users=tuple(users),
        records_received=len(users) if received is None else received,
        time_zone=time_zone,
        from_date_time=None,
        to_date_time=None,
    )


def listed(*entries: str) -> Selection:
    """``activity.users`` as a list of ids and addresses."""
    return Selection(
        listed=tuple(
            ListedUser(email=entry) if "@" in entry else ListedUser(user_id=entry)
            for entry in entries
        )
    )


def plan_of(
    *windows: str,
    host: str = "http://gong.test",
    selection: Selection = ALL_USERS,
    zone: str | None = None,
    **more: Any,
) -> PollPlan:
    """A plan; ``1d``, ``7d`` and ``28d`` by default."""
    return PollPlan(
        host=host,
        windows=tuple(parse_window(name) for name in windows or ("1d", "7d", "28d")),
        selection=selection,
        zone=ZoneInfo(zone) if zone else None,
        **more,
    )


def poll_simulator(
    simulator: Simulator,
    clock: FakeClock,
    *windows: str,
    known_zone: str | None = None,
    log: FilteringBoundLogger | None = None,
    **plan: Any,
) -> PollResult:
    """One poll of the simulated API over real sockets; of the company only a zone is known."""
    return poll(
        client_of(simulator, clock),
        plan_of(*windows, host=simulator.url, **plan),
        CompanyState(host=simulator.url, time_zone=known_zone),
        clock,
        log or no_log(),
    )


def window_of(result: PollResult, name: str) -> WindowData:
    """The one of that name."""
    (found,) = (window for window in result.windows if window.window == name)
    return found


def rows(snapshot: Snapshot, window: WindowData) -> dict[str, Values]:
    """The values of each known user by id; 0 if Gong left the user out."""
    zeros: Values = (0,) * len(window.metrics)
    return {user.user_id: window.users.get(user.user_id, zeros) for user in snapshot.users}


def ranges(calls: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The days that request bodies asked for."""
    return [(body["filter"]["fromDate"], body["filter"]["toDate"]) for body in calls]


Reply = ActivityPage | Exception


@dataclass
class Answering:
    """A PageSource that is a function."""

    answer: Callable[[ActivityFilter, str | None], ActivityPage]
    calls: list[tuple[ActivityFilter, str | None]] = field(default_factory=list)

    def page(
        self,
        wanted: ActivityFilter,
        cursor: str | None = None,
        *,
        new_connection: bool = False,  # noqa: ARG002 - it has no connections
    ) -> ActivityPage:
        self.calls.append((wanted, cursor))
        return self.answer(wanted, cursor)

    @property
    def cursors(self) -> list[str | None]:
        return [cursor for _, cursor in self.calls]


class Script(Answering):
    """A PageSource that gives these replies in turn; the last one repeats."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__(self._next_reply)
        self._replies = replies

    def _next_reply(self, _wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


def fail_after(
    calls: int, error: GongError
) -> Callable[[ActivityFilter, str | None], ActivityPage]:
    """Good pages, and after so many of them this error."""
    made = 0

    def answer(_wanted: ActivityFilter, _cursor: str | None) -> ActivityPage:
        nonlocal made
        made += 1
        if made > calls:
            raise error
        return page_of([activity("1")])

    return answer
