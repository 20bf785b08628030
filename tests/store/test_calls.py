"""The ledger in SQLite decides like a plain model, with several processes and clock jumps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_exporter.gong.clock import Stopped
from gong_exporter.gong.limits import (
    DAY,
    Allowed,
    CallLimits,
    Cause,
    Ledger,
    Wait,
    check_limits,
)
from gong_exporter.store.calls import SKEW, CallLedger, CallRow, Entries
from gong_exporter.store.schema import open_file, open_in_memory
from tests.support.store_samples import NOON, UNLIMITED

TIMEOUT = 30.0
ONE_A_SECOND = CallLimits(requests_per_second=1, requests_per_day=100)


@dataclass(frozen=True)
class Step:
    """One thing that happens to a ledger; ``kind`` says which of the numbers count."""

    kind: str
    seconds: float = 0.0
    which: int = 0
    rate: float = 2.0
    quota: int = 100


def steps(kinds: tuple[str, ...], seconds: st.SearchStrategy[float]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        seconds=seconds,
        which=st.integers(min_value=0, max_value=5),
        rate=st.sampled_from([0.2, 0.5, 1, 1.5, 2, 3, 10]),
        quota=st.sampled_from([1, 2, 4, 100]),
    )


@dataclass
class Player:
    """Plays steps to a ledger and notes its answers, with calls numbered as they come."""

    ledger: Ledger
    now: float = NOON
    calls: list[int] = field(default_factory=list)

    def play(self, step: Step) -> object:
        """What the ledger answered; None where it has nothing to say."""
        match step.kind:
            case "wait" | "jump":
                self.now += step.seconds
            case "limit":
                self.ledger.limit(self.now, self.now + abs(step.seconds))
            case "finish" if step.which < len(self.calls):
                self.ledger.finish(self.calls[step.which], self.now)
            case "limited_until":
                return self.ledger.limited_until(self.now)
            case "shift":
                self.ledger.shift(abs(step.seconds))
            case "used":
                return self.ledger.used(self.now)
            case "reserve" | "whole call":
                return self._call(step)
        return None

    def _call(self, step: Step) -> object:
        limits = CallLimits(step.rate, step.quota)
        answer = self.ledger.reserve(self.now, limits, self.now + TIMEOUT)
        if isinstance(answer, Wait):
            return answer
        self.calls.append(answer.call)
        if step.kind == "whole call":
            self.now += abs(step.seconds)
            self.ledger.finish(answer.call, self.now)
        return "granted"


@dataclass(frozen=True)
class CallRecord:
    started: float
    ended: float | None
    expires: float


class Plain:
    """What a ledger has to do, as plainly as can be: a list, and every rule in a line."""

    def __init__(self) -> None:
        self.rows: list[CallRecord] = []
        self.said: tuple[float, float] | None = None

    def reserve(self, now: float, limits: CallLimits, expires: float) -> Allowed | Wait:
        used = self.used(now)
        rows = [row for row in self.rows if row.started > now - DAY]
        busy = check_limits(
            now=now,
            limits=limits,
            ends=[row.expires if row.ended is None else row.ended for row in rows],
            used=used,
            oldest=min((row.started for row in rows), default=None),
            limited_until=self.limited_until(now),
        )
        if busy:
            return busy
        self.rows.append(CallRecord(now, None, expires))
        return Allowed(len(self.rows) - 1)

    def finish(self, call: int, now: float) -> None:
        self.rows[call] = replace(self.rows[call], ended=now)

    def limit(self, now: float, until: float) -> None:
        self.said = (now, max(until, self.limited_until(now)))

    def limited_until(self, now: float) -> float:
        if self.said is None:
            return 0.0
        said_at, until = self.said
        if said_at > now:
            self.said = said_at, until = now, until - (said_at - now)
        return until if until > now else 0.0

    def shift(self, seconds: float) -> None:
        self.rows = [
            CallRecord(
                row.started + seconds,
                None if row.ended is None else row.ended + seconds,
                row.expires + seconds,
            )
            for row in self.rows
        ]
        if self.said is not None:
            self.said = self.said[0] + seconds, self.said[1] + seconds

    def used(self, now: float) -> int:
        self.rows = [self._settled(row, now) for row in self.rows]
        return sum(row.started > now - DAY for row in self.rows)

    def quota_wait(self, now: float, requests_per_day: int, calls: int) -> float:
        if self.used(now) < requests_per_day:
            return 0.0
        started = sorted(row.started for row in self.rows if row.started > now - DAY)
        return started[-max(1, requests_per_day - calls + 1)] + DAY

    @staticmethod
    def _settled(row: CallRecord, now: float) -> CallRecord:
        if row.started <= now - DAY:  # forgotten for good, even if the clock is set back
            return replace(row, started=float("-inf"), ended=float("-inf"))
        if row.started > now:
            row = replace(row, started=now, expires=now + (row.expires - row.started))
        return row if row.ended is None else replace(row, ended=min(row.ended, now))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[CallLedger]:
    made = CallLedger(open_file(tmp_path / "state.db"))
    yield made
    made.close()


ALL = ("shift", "reserve", "finish", "whole call", "limit", "limited_until", "used", "wait", "jump")


@settings(deadline=None)  # a busy machine proves nothing wrong
@given(st.lists(steps(ALL, st.floats(min_value=-300, max_value=90_000)), max_size=25))
def test_any_sequence_from_any_processes_is_answered_by_the_rules(script: list[Step]) -> None:
    ours = Player(CallLedger(open_in_memory(), skew=0))
    theirs = Player(Plain())
    for step in script:
        assert ours.play(step) == theirs.play(step), step
    ours.ledger.close()  # type: ignore[attr-defined]  # ours is a CallLedger


def test_a_killed_process_holds_its_slot_until_its_timeout(ledger: CallLedger) -> None:
    assert isinstance(ledger.reserve(NOON, ONE_A_SECOND, NOON + 30), Allowed)
    assert ledger.reserve(NOON + 10, ONE_A_SECOND, NOON + 40) == Wait(NOON + 31, Cause.RATE)
    assert isinstance(ledger.reserve(NOON + 31, ONE_A_SECOND, NOON + 61), Allowed)


def test_a_call_that_never_ends_holds_its_slot_while_others_come_and_go(
    ledger: CallLedger,
) -> None:
    two = CallLimits(requests_per_second=2, requests_per_day=100)
    assert isinstance(ledger.reserve(NOON, two, NOON + 30), Allowed)  # hangs
    for second in range(0, 20, 2):
        granted = ledger.reserve(NOON + second, two, NOON + second + 30)
        assert isinstance(granted, Allowed)
        ledger.finish(granted.call, NOON + second + 0.5)
        assert ledger.reserve(NOON + second + 1.4, two, NOON + 99) == Wait(
            NOON + second + 1.5, Cause.RATE
        )


def test_a_late_reader_of_the_clock_frees_no_slot_early(ledger: CallLedger) -> None:
    """Its ``now`` is older than rows of a process that had its turn first."""
    granted = ledger.reserve(NOON + 0.3, ONE_A_SECOND, NOON + 30)
    assert isinstance(granted, Allowed)
    ledger.finish(granted.call, NOON + 0.6)
    assert ledger.reserve(NOON, ONE_A_SECOND, NOON + 30) == Wait(NOON + 1.6, Cause.RATE)
    assert ledger.reserve(NOON + 1.2, ONE_A_SECOND, NOON + 30) == Wait(NOON + 1.6, Cause.RATE)


def test_a_late_reader_of_the_clock_shortens_no_retry_after(ledger: CallLedger) -> None:
    ledger.limit(NOON + 4, NOON + 64)
    assert ledger.limited_until(NOON) == NOON + 64
    ledger.limit(NOON, NOON + 10)
    assert ledger.limited_until(NOON + 1) == NOON + 64


def test_a_clock_set_back_leaves_retry_after_its_length(ledger: CallLedger) -> None:
    ledger.limit(NOON, NOON + 600)
    assert ledger.limited_until(NOON - 3600) == NOON - 3600 + 600
    assert ledger.limited_until(NOON - 3600 + 599) == NOON - 3600 + 600
    assert ledger.limited_until(NOON - 3600 + 600) == 0


def test_calls_from_the_future_stay_in_the_quota_for_one_day(ledger: CallLedger) -> None:
    granted = ledger.reserve(NOON + 40 * DAY, UNLIMITED, NOON + 40 * DAY + 30)
    assert isinstance(granted, Allowed)
    assert ledger.used(NOON) == 1
    assert ledger.used(NOON + DAY - 1) == 1
    assert ledger.used(NOON + DAY) == 0


def test_an_end_from_the_future_holds_no_slot_for_a_day(ledger: CallLedger) -> None:
    """The clock jumped ahead during the exchange, and was put right after it."""
    granted = ledger.reserve(NOON, ONE_A_SECOND, NOON + 30)
    assert isinstance(granted, Allowed)
    ledger.finish(granted.call, NOON + DAY / 2)
    assert ledger.reserve(NOON + 2, ONE_A_SECOND, NOON + 32) == Wait(NOON + 3, Cause.RATE)
    assert isinstance(ledger.reserve(NOON + 3, ONE_A_SECOND, NOON + 33), Allowed)


def test_skew_outlasts_the_wait_for_a_busy_file() -> None:
    from gong_exporter.store.schema import BUSY_TIMEOUT  # noqa: PLC0415 - for this line only

    assert SKEW > 2 * BUSY_TIMEOUT


def test_a_spent_quota_is_waited_for_until_enough_calls_are_free(ledger: CallLedger) -> None:
    limits = CallLimits(requests_per_second=10, requests_per_day=4)
    for hour in range(4):
        assert ledger.quota_wait(NOON + hour * 3600, 4, 3) == 0.0
        assert isinstance(ledger.reserve(NOON + hour * 3600, limits, NOON + DAY), Allowed)
    now = NOON + 4 * 3600
    waits = [ledger.quota_wait(now, 4, calls) for calls in (1, 2, 4, 9)]
    assert waits == [NOON + hour * 3600 + DAY for hour in (0, 1, 3, 3)]
    assert ledger.quota_wait(now, 5, 3) == 0.0  # the quota was raised
    assert ledger.quota_wait(NOON + DAY, 4, 3) == 0.0


def test_calls_older_than_a_day_are_deleted(ledger: CallLedger) -> None:
    for hour in range(5):
        ledger.reserve(NOON + hour * 3600, UNLIMITED, NOON + hour * 3600 + 30)
    assert ledger.used(NOON + DAY + 3600) == 3
    assert len(ledger.entries().calls) == 3


def test_a_forgotten_call_may_still_end(ledger: CallLedger) -> None:
    granted = ledger.reserve(NOON, UNLIMITED, NOON + 30)
    assert isinstance(granted, Allowed)
    assert ledger.used(NOON + 2 * DAY) == 0
    other = ledger.reserve(NOON + 2 * DAY, UNLIMITED, NOON + 2 * DAY + 30)
    ledger.finish(granted.call, NOON + 2 * DAY)
    assert isinstance(other, Allowed)
    assert [call.ended for call in ledger.entries().calls] == [None]


def test_merged_ledgers_count_each_call_once(ledger: CallLedger) -> None:
    granted = ledger.reserve(NOON, UNLIMITED, NOON + 30)
    assert isinstance(granted, Allowed)
    ledger.limit(NOON, NOON + 60)
    mine = CallRow(granted.call, NOON, NOON + 1, NOON + 30)
    other = CallRow(77, NOON + 2, NOON + 3, NOON + 32)
    for _ in range(2):
        ledger.merge(Entries((mine, other), 0, (NOON, NOON + 50)))
        assert ledger.used(NOON + 5) == 2
    assert set(ledger.entries().calls) == {mine, other}
    assert ledger.limited_until(NOON + 5) == NOON + 60


def test_a_merge_does_not_forget_that_a_call_ended(ledger: CallLedger) -> None:
    granted = ledger.reserve(NOON, ONE_A_SECOND, NOON + 30)
    assert isinstance(granted, Allowed)
    ledger.finish(granted.call, NOON + 1)
    ledger.merge(Entries((CallRow(granted.call, NOON, None, NOON + 30),), 0, None))
    assert isinstance(ledger.reserve(NOON + 3, ONE_A_SECOND, NOON + 33), Allowed)


def test_a_closed_ledger_allows_no_call(ledger: CallLedger) -> None:
    ledger.close()
    with pytest.raises(Stopped):
        ledger.reserve(NOON, UNLIMITED, NOON + 30)
    with pytest.raises(Stopped):
        ledger.entries()
