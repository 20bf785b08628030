"""The ledger's verdict on the next call."""

from __future__ import annotations

import pytest

from gong_exporter.gong.limits import (
    DAY,
    Busy,
    CallLimits,
    Cause,
    Granted,
    MemoryLedger,
    Recent,
    verdict,
)

TWO_A_SECOND = CallLimits(2, 100)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ([], None),
        ([Recent(9.0, 9.5, 40)], None),
        ([Recent(9.0, 9.5, 40), Recent(9.2, 9.6, 40)], Busy(10.5, Cause.RATE)),
        ([Recent(8.0, 9.0, 40), Recent(9.2, 9.6, 40)], None),
        ([Recent(9.0, None, 40), Recent(9.2, 9.6, 40)], Busy(10.6, Cause.RATE)),
        ([Recent(9.0, None, 40), Recent(9.0, None, 39)], Busy(40, Cause.RATE)),
        ([Recent(1.0, None, 8.9), Recent(9.2, 9.6, 40)], None),
    ],
    ids=[
        "nothing runs",
        "a slot is free",
        "both are held",
        "one was freed just now",
        "one runs",
        "both run",
        "one was killed long ago",
    ],
)
def test_a_slot_is_free_again_one_second_after_its_exchange_ended(
    recent: list[Recent], expected: Busy | None
) -> None:
    got = verdict(
        now=10.0, limits=TWO_A_SECOND, recent=recent, used=len(recent), oldest=1, limited_until=0
    )
    assert got == expected


def test_a_retry_after_is_told_before_a_spent_quota() -> None:
    busy = verdict(
        now=10.0, limits=CallLimits(1, 1), recent=[], used=1, oldest=5.0, limited_until=20.0
    )
    assert busy == Busy(20.0, Cause.RETRY_AFTER)


def test_the_memory_ledger_counts_a_sliding_day() -> None:
    ledger = MemoryLedger()
    for moment in (0.0, 10.0, 20.0):
        granted = ledger.reserve(moment, CallLimits(1, 100), moment + 5)
        assert isinstance(granted, Granted)
        ledger.finish(granted.call, moment + 1)
    assert [ledger.used(moment) for moment in (20.0, DAY, DAY + 10, DAY + 20)] == [3, 2, 1, 0]
    ledger.finish(1, DAY + 20)  # of a call that is forgotten: harmless
