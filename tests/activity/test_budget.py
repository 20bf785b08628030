"""What polling costs, and the shortest interval that the day's calls allow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_exporter.activity.budget import DAY, CallBudget

WINDOWS = ("1d", "7d", "28d")


def cost(
    pages: dict[str, int] | None = None,
    *,
    windows: tuple[str, ...] = WINDOWS,
    runs: float = 24.0,
    quota: int = 5000,
    search: int = 0,
) -> CallBudget:
    return CallBudget(
        calls_per_poll=sum((pages or {}).get(window, 1) for window in windows),
        runs_per_day=runs,
        requests_per_day=quota,
        search_calls=search,
    )


def test_the_poll_after_midnight_and_the_search_count() -> None:
    hourly = cost(search=4)
    assert hourly.calls_per_day == 3 * 25 + 4


def test_an_interval_that_fits_is_not_stretched() -> None:
    hourly = cost({"1d": 20, "7d": 60, "28d": 120}, quota=200 * 25)
    assert (hourly.effective_interval, hourly.stretched, hourly.impossible) == (3600, False, False)
    assert hourly.calls_per_day == 5000


def test_one_call_too_many_stretches_the_interval() -> None:
    hourly = cost({"1d": 20, "7d": 60, "28d": 120}, quota=200 * 25 - 1)
    assert hourly.stretched
    assert hourly.effective_interval == math.ceil(DAY / (4999 / 200 - 1)) == 3601


def test_a_quota_that_the_poll_after_midnight_uses_up_is_impossible() -> None:
    assert cost(quota=3).impossible
    assert cost(quota=4).effective_interval == DAY * 3
    assert cost(quota=6).effective_interval == DAY
    assert cost(quota=7, search=4).impossible


def test_windows_that_cost_nothing_are_never_stretched() -> None:
    assert not cost(dict.fromkeys(WINDOWS, 0), quota=1).stretched


@given(
    pages=st.lists(st.integers(1, 300), min_size=1, max_size=6),
    runs=st.floats(0.1, 1440),
    quota=st.integers(1, 10_000),
    search=st.integers(0, 50),
)
def test_the_effective_interval_fits_the_quota_and_no_shorter_one_does(
    pages: list[int], runs: float, quota: int, search: int
) -> None:
    names = tuple(map(str, range(len(pages))))
    got = cost(
        dict(zip(names, pages, strict=True)), windows=names, runs=runs, quota=quota, search=search
    )
    assert got.effective_interval >= got.interval == pytest.approx(DAY / runs)
    if got.impossible:
        assert got.calls_per_poll + search >= quota
        return

    def calls(interval: float) -> float:
        return got.calls_per_poll * (DAY / interval + 1) + search

    assert calls(got.effective_interval) <= quota + 1e-6
    if got.stretched:
        assert (
            calls(got.effective_interval - 1) > quota - 1e-6
            or got.effective_interval - 1 < got.interval
        )
