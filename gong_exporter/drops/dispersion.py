"""How unevenly people work from week to week, estimated from the company's own weeks.

Counts of real people vary more than chance. The variance of a weekly count with the mean ``mu`` is
``mu + v * mu ** 2``, and one ``v`` holds for the whole company.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

WEEK = 7

PRIOR_WEIGHT = 5000.0
"""How much evidence the prior counts for; a company of about ten people outweighs it."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is assumed of ``v`` before any data, and the range that data may move it in.

    Attributes:
        value: ``v`` without any data.
        least: the smallest ``v``.
        most: the largest ``v``.
    """

    value: float
    least: float
    most: float


PEOPLE = Prior(value=0.1, least=0.01, most=2.0)
TEAMS = Prior(value=0.03, least=0.005, most=1.0)


@dataclass(frozen=True, slots=True)
class Week:
    """One person's or team's week.

    Attributes:
        count: what was counted.
        exposure: the sum of the days' exposure, see ``evidence.Series``.
        usable: whether the person was active often enough for the week to say something.
    """

    count: int
    exposure: float
    usable: bool


def estimate(weeks_of_each: Iterable[Iterable[Week]], prior: Prior) -> float:
    """The dispersion ``v``, from how far neighboring weeks are apart.

    Given the sum of two weeks, the first is expected to have its share of the exposure. What
    exceeds the binomial variance of that split is unevenness.

    Args:
        weeks_of_each: for each person or team the whole weeks, newest first.
        prior: for people or teams.
    """
    excess, weight = prior.value * PRIOR_WEIGHT, PRIOR_WEIGHT
    for weeks in weeks_of_each:
        for first, second in pairwise(weeks):
            if not (first.usable and second.usable):
                continue
            total = first.count + second.count
            share = first.exposure / (first.exposure + second.exposure)
            variance = share * (1 - share)
            excess += (first.count - total * share) ** 2 - total * variance
            weight += 2 * total * (total - 1) * variance**2
    return min(max(excess / weight, prior.least), prior.most)
