"""Whether the limits allow the next call, and otherwise until when it waits."""

from __future__ import annotations

import pytest

from gong_exporter.gong.limits import (
    CallLimits,
    Cause,
    Wait,
    check_limits,
)

TWO_A_SECOND = CallLimits(2, 100)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([], None),
        ([9.5], None),
        ([9.5, 9.6], Wait(10.5, Cause.RATE)),
        ([9.0, 9.6], None),
        ([40, 9.6], Wait(10.6, Cause.RATE)),
        ([40, 39], Wait(40, Cause.RATE)),
        ([8.9, 9.6], None),
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
    ends: list[float], expected: Wait | None
) -> None:
    got = check_limits(
        now=10.0, limits=TWO_A_SECOND, ends=ends, used=len(ends), oldest=1, limited_until=0
    )
    assert got == expected


def test_a_retry_after_comes_before_a_spent_quota() -> None:
    busy = check_limits(
        now=10.0, limits=CallLimits(1, 1), ends=[], used=1, oldest=5.0, limited_until=20.0
    )
    assert busy == Wait(20.0, Cause.RETRY_AFTER)
