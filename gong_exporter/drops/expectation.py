"""What each day would have brought if everybody had been as usual.

A count is divided into a rate per active day for each person and a factor for each day. The factor
carries holidays, quarter ends and everything else that a day does to the whole company.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import add
from typing import TypeVar

T = TypeVar("T", int, float)

SMOOTHING = 5.0
"""Added to both sides of a day's factor: days on which few people work get a factor close to 1."""

ROUNDS = 3
"""Rates and factors depend on each other. After three rounds they no longer change noticeably."""


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One group of counters over the whole company. Index 0 of each day sequence is the newest.

    Attributes:
        rates: count per active day of each person, in the order of the rows.
        counts: what everybody together did on each day.
        usual: what the rates of those who were active on the day add up to.
    """

    rates: tuple[float, ...]
    counts: tuple[int, ...]
    usual: tuple[float, ...]

    def factors_without(self, counts: Sequence[int], usual: Sequence[float]) -> list[float]:
        """Each day's factor, computed from everybody except one team.

        Args:
            counts: what that team did on each day.
            usual: the sum of the rates of its active members on each day.
        """
        return [
            (all_counts - own_counts + SMOOTHING)
            / ((all_usual - own_usual if all_usual > own_usual else 0.0) + SMOOTHING)
            for all_counts, own_counts, all_usual, own_usual in zip(
                self.counts, counts, self.usual, usual, strict=True
            )
        ]

    def exposures(self, index: int, counts: Sequence[int], active: Sequence[int]) -> list[float]:
        """Each day's factor, computed from everybody except one person; 0 when not active.

        The same as ``factors_without``, written out: this is the detector's innermost loop.

        Args:
            index: of the person.
            counts: what that person did on each day.
            active: 1 for each day on which that person was active, otherwise 0.
        """
        rate = self.rates[index]
        return [
            (all_counts - own_counts + SMOOTHING)
            / ((all_usual - rate if all_usual > rate else 0.0) + SMOOTHING)
            if is_active
            else 0.0
            for all_counts, own_counts, all_usual, is_active in zip(
                self.counts, counts, self.usual, active, strict=True
            )
        ]

    def factor_on(self, day: int) -> float:
        """The factor of a day for a person who was not active on it."""
        return (self.counts[day] + SMOOTHING) / (self.usual[day] + SMOOTHING)


def day_totals(rows: Sequence[Sequence[int]], active: Sequence[Sequence[int]]) -> DayTotals:
    """Estimate the rate of each person and the total of each day.

    Args:
        rows: the counts of each person on each day; at least one person.
        active: 1 for each day on which that person was active, otherwise 0.
    """
    sums = [sum(row) for row in rows]
    counts = sum_of_days(rows)
    days = range(len(counts))
    columns = [bytes(row[day] for row in active) for day in days]
    factors = [1.0] * len(counts)
    rates: list[float] = []
    usual: list[float] = []
    for _ in range(ROUNDS):
        rates = [
            total / max(sum(compress(factors, row)), 1.0)
            for total, row in zip(sums, active, strict=True)
        ]
        usual = [sum(compress(rates, column)) for column in columns]
        factors = [
            (count + SMOOTHING) / (expected + SMOOTHING)
            for count, expected in zip(counts, usual, strict=True)
        ]
    return DayTotals(rates=tuple(rates), counts=tuple(counts), usual=tuple(usual))


def sum_of_days(rows: Iterable[Sequence[T]]) -> list[T]:
    """The sum of several rows, day by day; empty without rows. Holds one row at a time."""
    total: list[T] = []
    for row in rows:
        total = list(map(add, total, row)) if total else list(row)
    return total
