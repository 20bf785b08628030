"""Whether the limits allow the next call, and otherwise until when it waits."""

from __future__ import annotations

import pytest

from gong_exporter.gong.limits import (
    CallLimits,
    CallRecord,
    Cause,
    Wait,
    check_limits,
)

TWO_A_SECOND = CallLimits(2, 100)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ([], None),
        ([CallRecord(9.0, 9.5, 40)], None),
        ([CallRecord(9.0, 9.5, 40), CallRecord(9.2, 9.6, 40)], Wait(10.5, Cause.RATE)),
        ([CallRecord(8.0, 9.0, 40), CallRecord(9.2, 9.6, 40)], None),
        ([CallRecord(9.0, None, 40), CallRecord(9.2, 9.6, 40)], Wait(10.6, Cause.RATE)),
        ([CallRecord(9.0, None, 40), CallRecord(9.0, None, 39)], Wait(40, Cause.RATE)),
        ([CallRecord(1.0, None, 8.9), CallRecord(9.2, 9.6, 40)], None),
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
    recent: list[CallRecord], expected: Wait | None
) -> None:
    got = check_limits(
        now=10.0, limits=TWO_A_SECOND, recent=recent, used=len(recent), oldest=1, limited_until=0
    )
    assert got == expected


def test_a_retry_after_comes_before_a_spent_quota() -> None:
    busy = check_limits(
        now=10.0, limits=CallLimits(1, 1), recent=[], used=1, oldest=5.0, limited_until=20.0
    )
    assert busy == Wait(20.0, Cause.RETRY_AFTER)
