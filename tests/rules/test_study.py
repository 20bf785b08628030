"""The study's arithmetic and verdicts."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.study.plant import study
from tools.study.rule import Reading
from tools.study.score import Planted, episodes, score

TODAY = date(2026, 11, 1)
USERS, DAYS, SEED = 30, 90, 20


def test_a_study_is_the_same_again_and_plants_what_it_says() -> None:
    once, again = (study(60, 60, SEED, TODAY) for _ in range(2))
    assert once.users == again.users
    assert once.teams == again.teams
    assert len(once.days) == 60
    assert len({each.subject for each in once.users}) > 1
    assert all(each.start < each.end <= TODAY for each in once.users)


READING = Reading(TODAY, "ann", "calls_as_host", recent=4, usual=30, expected=24)


def test_sigmas_are_of_the_week_and_of_the_three_weeks_before() -> None:
    assert READING.sigmas == pytest.approx(20 / math.sqrt(24 + 24**2 / 90))
    full = replace(READING, expected=30)
    assert full.sigmas == full.plain_sigmas == pytest.approx(26 / math.sqrt(40))


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"recent": 13}, False),  # more than half
        ({"usual": 11, "expected": 11, "recent": 0}, False),  # too little to begin with
        ({"present": 2}, False),  # away
        ({"present": 3}, True),
        ({"others": 0.4}, True),
        ({"others": 0.6}, False),  # all else holds up, and it is 3.7 sigmas
        ({"others": 0.6, "recent": 0}, True),
    ],
)
def test_a_reading_is_a_drop_or_not(change: dict[str, Any], fires: bool) -> None:  # noqa: FBT001 -- a column of the table
    assert replace(READING, **change).below(3, 12, 4) is fires


@given(
    recent=st.integers(0, 200),
    usual=st.integers(0, 600).map(lambda thirds: thirds / 3),
    lull=st.floats(0, 1),
    k=st.floats(1, 5),
)
def test_a_drop_is_one_by_the_usual_alone_too(
    recent: int, usual: float, lull: float, k: float
) -> None:
    """Reckoning chance from what was to be expected only ever asks for more."""
    reading = Reading(TODAY, "ann", "calls_as_host", recent, usual, usual * lull)
    if reading.below(k):
        assert recent < usual * min(1, lull) / 2
        assert reading.plain_sigmas > k * (1 - 1e-9)


def test_firing_days_close_together_are_one_episode() -> None:
    days = [TODAY + timedelta(days=n) for n in (0, 1, 4, 8)]
    assert episodes(days) == [(days[0], days[2]), (days[3], days[3])]


def test_an_episode_is_true_leaving_or_false() -> None:
    planted = [
        Planted("ann", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 20}),
        Planted("ben", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 20}),
        Planted("dan", TODAY, TODAY + timedelta(days=10), {"calls_as_host": 4}),
    ]

    def day(number: int) -> date:
        return TODAY + timedelta(days=number)

    firing = {
        ("ann", "calls_as_host"): [day(-30), day(5), day(6), day(16), day(40)],
        ("ann", "calls_attended"): [day(5)],
        ("cleo", "calls_as_host"): [day(-10)],
    }
    result = score(firing, planted, "calls_as_host", 12, {"cleo": TODAY})
    assert (result.true, result.leaving, result.false) == (2, 1, 2)
    assert (result.found, result.scope, result.delays) == (1, 2, (5,))
    assert (result.precision, result.recall, result.delay) == (0.5, 0.5, 5)
